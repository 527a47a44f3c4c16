#pragma once
// For tests: two connected sockets of this process.

#include <gtest/gtest.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>

namespace tidings {

enum class SocketKind : std::uint8_t { local, tcp };

// The hub's end is given away; the client's is closed with this.
class SocketPair {
public:
    explicit SocketPair(SocketKind kind) {
        if (kind == SocketKind::local) {
            std::array<int, 2> both{};
            EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both.data()), 0);
            hub = both[0];
            client = both[1];
            return;
        }
        const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(listener, generic, size), 0);
        EXPECT_EQ(::listen(listener, 1), 0);
        ::getsockname(listener, generic, &size);
        client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EXPECT_EQ(::connect(client, generic, size), 0);
        hub = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        ::fcntl(client, F_SETFL, O_NONBLOCK);
        ::close(listener);
    }
    SocketPair(SocketPair&& other) noexcept
        : hub{std::exchange(other.hub, -1)},
          client{std::exchange(other.client, -1)},
          bytes{std::move(other.bytes)} {}
    SocketPair& operator=(SocketPair&&) = delete;
    ~SocketPair() { close_client(); }

    void close_client() {
        if (client >= 0) ::close(std::exchange(client, -1));
    }
    // Takes what there is, at most about `most` bytes; whether there was any.
    bool read(std::size_t most = ~std::size_t{0}) {
        std::array<char, 16384> part{};
        bool any = false;
        while (most > 0) {
            const auto count = ::recv(client, part.data(), std::min(most, part.size()), MSG_DONTWAIT);
            if (count <= 0) break;
            bytes.append(part.data(), static_cast<std::size_t>(count));
            most -= static_cast<std::size_t>(count);
            any = true;
        }
        return any;
    }

    int hub = -1;
    int client = -1;
    std::string bytes{};  // that the client has read
};

}  // namespace tidings
