#include "load/poller.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace tidings::load {
namespace {

std::uint64_t key_of(Owner owner, std::uint32_t index) {
    return (static_cast<std::uint64_t>(owner) << 32) | index;
}

Error failed(const char* what) {
    return {Errc::connection_failed, std::string{what} + ": " + std::strerror(errno)};
}

}  // namespace

std::int64_t monotonic_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

Descriptor::Descriptor(Descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    if (this != &other) {
        close();
        number_ = std::exchange(other.number_, -1);
    }
    return *this;
}

void Descriptor::close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
}

void Descriptor::reset() {
    const linger at_once{1, 0};
    if (number_ >= 0) ::setsockopt(number_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
}

Poller::Poller() : epoll_{::epoll_create1(EPOLL_CLOEXEC)} {}

void Poller::watch(int descriptor, Owner owner, std::uint32_t index, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = key_of(owner, index);
    ::epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, descriptor, &event);
}

void Poller::change(int descriptor, Owner owner, std::uint32_t index, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = key_of(owner, index);
    ::epoll_ctl(epoll_.number(), EPOLL_CTL_MOD, descriptor, &event);
}

std::span<const epoll_event> Poller::wait(int timeout_ms) {
    const int found =
        ::epoll_wait(epoll_.number(), events_.data(), static_cast<int>(events_.size()), timeout_ms);
    return {events_.data(), static_cast<std::size_t>(found < 0 ? 0 : found)};
}

Result<sockaddr_in> address_of(const Endpoint& endpoint) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    if (::inet_pton(AF_INET, endpoint.host.c_str(), &address.sin_addr) == 1) return address;
    addrinfo wanted{}, *found = nullptr;
    wanted.ai_family = AF_INET;
    wanted.ai_socktype = SOCK_STREAM;
    if (::getaddrinfo(endpoint.host.c_str(), nullptr, &wanted, &found) != 0)
        return Error{Errc::invalid_field, "'" + endpoint.host + "' has no IPv4 address"};
    address.sin_addr = reinterpret_cast<const sockaddr_in*>(found->ai_addr)->sin_addr;
    ::freeaddrinfo(found);
    return address;
}

Result<Descriptor> begin_connecting(const sockaddr_in& to, const sockaddr_in* source) {
    Descriptor socket{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!socket) return failed("a socket");
    if (source != nullptr) {
        // The port is chosen by connect(), which knows the other end: else 28,000 ports serve all servers
        // together.
        const int on = 1;
        ::setsockopt(socket.number(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (::bind(socket.number(), reinterpret_cast<const sockaddr*>(source), sizeof *source) != 0)
            return failed("the source address");
    }
    if (::connect(socket.number(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 &&
        errno != EINPROGRESS) {
        return failed("connecting");
    }
    return socket;
}

Result<Descriptor> connect_now(const sockaddr_in& to) {
    auto socket = begin_connecting(to, nullptr);
    if (!socket) return socket;
    pollfd ready{socket->number(), POLLOUT, 0};
    constexpr int patience_ms = 5000;
    if (::poll(&ready, 1, patience_ms) != 1)
        return Error{Errc::connection_failed, "connecting takes too long"};
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket->number(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        errno = error;
        return failed("connecting");
    }
    const int on = 1;
    ::setsockopt(socket->number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return socket;
}

}  // namespace tidings::load
