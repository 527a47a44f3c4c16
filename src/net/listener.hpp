#pragma once
// Listening sockets, one per address and shard, sharing a port (SO_REUSEPORT); and what they accept.

#include "base/callback.hpp"
#include "net/loop.hpp"

#include <tidings/limits.hpp>
#include <tidings/result.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tidings {

// An accepted connection. Owns its descriptor until release().
class AcceptedSocket {
public:
    AcceptedSocket() = default;
    AcceptedSocket(int descriptor, std::uint64_t address) : descriptor_{descriptor}, address_{address} {}
    AcceptedSocket(AcceptedSocket&& other) noexcept;
    AcceptedSocket& operator=(AcceptedSocket&& other) noexcept;
    ~AcceptedSocket();

    int descriptor() const noexcept { return descriptor_; }
    int release() noexcept;
    // A hash of the peer's address without its port; 0 for local sockets.
    std::uint64_t address() const noexcept { return address_; }

private:
    int descriptor_ = -1;
    std::uint64_t address_ = 0;
};

// "HOST:PORT", "[::1]:8080".
struct ListenAddress {
    std::string host;
    std::uint16_t port = 0;
    // Fails with invalid_field and what would be right.
    static Result<ListenAddress> parse(std::string_view text);
};

// A listening socket for each of `count` shards on one address; port 0 picks one that is free for all of
// them. Fails with connection_failed and a detail such as "address already in use".
Result<std::vector<int>> open_listeners(const ListenAddress& address, std::size_t count);
// "127.0.0.1:41234", "[::1]:41234": what the socket is bound to.
std::string bound_address(int listener);

// Accepts on one loop. When the process has no descriptors left it pauses and tries again, so that open
// streams live on (C-73). Owned by a shard; the destructor closes the socket.
class Listener {
public:
    explicit Listener(int descriptor);
    Listener(Listener&& other) noexcept;
    ~Listener();

    // What it accepts from now on has a stream's socket options: Linux hands them down.
    void prepare(const Limits& limits, std::chrono::milliseconds dead_after);
    // `accepted` is called on the loop. `exhausted` each time accepting had to pause.
    void start(Loop& loop, std::function<void(AcceptedSocket)> accepted, std::function<void()> exhausted);

private:
    struct Impl;
    int descriptor_;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tidings
