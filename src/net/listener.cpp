#include "net/listener.hpp"

#include "net/socket_options.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <functional>
#include <utility>

namespace tidings {
namespace asio = boost::asio;

namespace {

constexpr int backlog = 4096;
constexpr int accepts_per_turn = 16;  // each may be served on the spot, and deliveries wait meanwhile
constexpr std::chrono::milliseconds pause_when_exhausted{100};

Error failed(const std::string& what) {
    return Error{Errc::connection_failed, what + ": " + std::strerror(errno)};
}

// A name or an address, of IPv6 perhaps with its zone: what the resolver is asked for, as it was written.
bool names_a_host(std::string_view host) {
    constexpr std::string_view allowed =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:%";
    return !host.empty() && host.find_first_not_of(allowed) == std::string_view::npos;
}

std::uint64_t address_hash(const sockaddr_storage& peer) {
    if (peer.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(peer);
        return std::hash<std::string_view>{}(
            {reinterpret_cast<const char*>(&v4.sin_addr), sizeof v4.sin_addr});
    }
    if (peer.ss_family == AF_INET6) {
        // A customer has a /64: whoever owns one may take any address in it.
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(peer);
        return std::hash<std::string_view>{}({reinterpret_cast<const char*>(&v6.sin6_addr), 8});
    }
    return 0;
}

struct AddressInfo {
    addrinfo* list = nullptr;
    ~AddressInfo() {
        if (list != nullptr) ::freeaddrinfo(list);
    }
};

int open_one(const addrinfo& info) {
    const int descriptor =
        ::socket(info.ai_family, info.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, info.ai_protocol);
    if (descriptor < 0) return -1;
    const int on = 1;
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (info.ai_family == AF_INET6) ::setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (::bind(descriptor, info.ai_addr, info.ai_addrlen) == 0 && ::listen(descriptor, backlog) == 0)
        return descriptor;
    const int error = errno;
    ::close(descriptor);
    errno = error;
    return -1;
}

// SO_REUSEPORT lets a second process of the same user take the same port silently; a probe without it does
// not.
bool port_is_taken(const addrinfo& info) {
    const int probe = ::socket(info.ai_family, info.ai_socktype | SOCK_CLOEXEC, info.ai_protocol);
    if (probe < 0) return false;
    const int on = 1;
    ::setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (info.ai_family == AF_INET6) ::setsockopt(probe, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    const bool taken = ::bind(probe, info.ai_addr, info.ai_addrlen) != 0 && errno == EADDRINUSE;
    ::close(probe);
    if (taken) errno = EADDRINUSE;
    return taken;
}

std::uint16_t port_of(int descriptor) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
    return address.ss_family == AF_INET6 ? ntohs(reinterpret_cast<sockaddr_in6&>(address).sin6_port)
                                         : ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port);
}

}  // namespace

AcceptedSocket::AcceptedSocket(AcceptedSocket&& other) noexcept
    : descriptor_{other.release()}, address_{other.address_} {}

AcceptedSocket& AcceptedSocket::operator=(AcceptedSocket&& other) noexcept {
    if (this == &other) return *this;
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = other.release();
    address_ = other.address_;
    return *this;
}

AcceptedSocket::~AcceptedSocket() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

int AcceptedSocket::release() noexcept { return std::exchange(descriptor_, -1); }

Result<ListenAddress> ListenAddress::parse(std::string_view text) {
    const Error wrong{Errc::invalid_field,
                      "'" + std::string{text} + "' is not HOST:PORT, such as 127.0.0.1:8080 or [::1]:0"};
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return wrong;
    ListenAddress address;
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (!names_a_host(host)) return wrong;
    address.host = host;
    const auto digits = text.substr(colon + 1);
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
    if (ec != std::errc{} || end != digits.data() + digits.size() || digits.empty()) return wrong;
    return address;
}

Result<std::vector<int>> open_listeners(const ListenAddress& address, std::size_t count) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    AddressInfo found;
    std::string port = std::to_string(address.port);
    if (const int error = ::getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found.list);
        error != 0) {
        return Error{Errc::connection_failed, address.host + ": " + ::gai_strerror(error)};
    }
    const std::string name = address.host + ":" + port;
    if (address.port != 0 && port_is_taken(*found.list)) return failed("cannot listen on " + name);
    std::vector<int> descriptors;
    for (std::size_t i = 0; i < count; ++i) {
        const int descriptor = open_one(*found.list);
        if (descriptor < 0) {
            const auto error = failed("cannot listen on " + name);
            for (const int open : descriptors) ::close(open);
            return error;
        }
        descriptors.push_back(descriptor);
        if (i == 0 && address.port == 0) {
            // The others share the port that the first one was given.
            const std::uint16_t chosen = htons(port_of(descriptor));
            auto* target = found.list->ai_addr;
            if (found.list->ai_family == AF_INET6) {
                reinterpret_cast<sockaddr_in6*>(target)->sin6_port = chosen;
            } else {
                reinterpret_cast<sockaddr_in*>(target)->sin_port = chosen;
            }
        }
    }
    return descriptors;
}

std::string bound_address(int listener) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    std::array<char, NI_MAXHOST> host{};
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    ::getnameinfo(reinterpret_cast<sockaddr*>(&address), size, host.data(), host.size(), nullptr, 0,
                  NI_NUMERICHOST);
    const std::string name =
        address.ss_family == AF_INET6 ? "[" + std::string{host.data()} + "]" : host.data();
    return name + ":" + std::to_string(port_of(listener));
}

struct Listener::Impl {
    asio::posix::stream_descriptor descriptor;
    Loop& loop;
    std::function<void(AcceptedSocket)> accepted;
    std::function<void()> exhausted;

    void arm() {
        descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                              [this](const boost::system::error_code& ec) {
                                  if (!ec) accept_some();
                              });
    }

    void accept_some() {
        for (int i = 0; i < accepts_per_turn; ++i) {
            sockaddr_storage peer{};
            socklen_t size = sizeof peer;
            const int socket = ::accept4(descriptor.native_handle(), reinterpret_cast<sockaddr*>(&peer),
                                         &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (socket >= 0) {
                accepted(AcceptedSocket{socket, address_hash(peer)});
                continue;
            }
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                exhausted();
                return loop.later(pause_when_exhausted, [this] { arm(); });
            }
            break;  // nothing more waits, or one connection failed by itself
        }
        arm();
    }
};

Listener::Listener(int descriptor) : descriptor_{descriptor} {}

Listener::Listener(Listener&& other) noexcept
    : descriptor_{std::exchange(other.descriptor_, -1)}, impl_{std::move(other.impl_)} {}

Listener::~Listener() {
    if (impl_) impl_->descriptor.release();
    if (descriptor_ >= 0) ::close(descriptor_);
}

void Listener::prepare(const Limits& limits, std::chrono::milliseconds dead_after) {
    prepare_stream_socket(descriptor_, limits, dead_after);
}

void Listener::start(Loop& loop, std::function<void(AcceptedSocket)> accepted,
                     std::function<void()> exhausted) {
    impl_ = std::make_unique<Impl>(Impl{asio::posix::stream_descriptor{loop.context(), descriptor_}, loop,
                                        std::move(accepted), std::move(exhausted)});
    impl_->arm();
}

}  // namespace tidings
