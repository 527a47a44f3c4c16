#pragma once
// epoll, and sockets that do not block.

#include "load/plan.hpp"

#include <netinet/in.h>
#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

namespace tidings::load {

std::int64_t monotonic_ns();

// A descriptor that is closed with its owner.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_{number} {}
    Descriptor(Descriptor&& other) noexcept;
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor() { close(); }
    int number() const noexcept { return number_; }
    explicit operator bool() const noexcept { return number_ >= 0; }
    void close();
    // So that the port is free again at once: no TIME_WAIT is left behind.
    void reset();

private:
    int number_ = -1;
};

enum class Owner : std::uint32_t { stream, publisher };

// Who waits for which descriptor. Level-triggered. Belongs to one thread.
class Poller {
public:
    Poller();
    void watch(int descriptor, Owner owner, std::uint32_t index, std::uint32_t events);
    void change(int descriptor, Owner owner, std::uint32_t index, std::uint32_t events);
    // Waits at most so long for at least one; 0 does not wait.
    std::span<const epoll_event> wait(int timeout_ms);

    static Owner owner_of(const epoll_event& event) { return static_cast<Owner>(event.data.u64 >> 32); }
    static std::uint32_t index_of(const epoll_event& event) {
        return static_cast<std::uint32_t>(event.data.u64);
    }

private:
    Descriptor epoll_;
    std::array<epoll_event, 512> events_{};
};

// Blocks where the host is a name. Fails with Errc::invalid_field where it has no IPv4 address.
Result<sockaddr_in> address_of(const Endpoint& endpoint);
// A socket that is connecting, from `source` if it is not null. Fails with Errc::connection_failed.
Result<Descriptor> begin_connecting(const sockaddr_in& to, const sockaddr_in* source);
// Waits until it is connected, at most five seconds. Fails with Errc::connection_failed.
Result<Descriptor> connect_now(const sockaddr_in& to);

}  // namespace tidings::load
