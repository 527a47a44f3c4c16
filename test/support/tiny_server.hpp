#pragma once
// A server of a few lines for tests of clients: each connection runs a script on a thread of its own.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <future>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace tidings::test {

struct TinyRequest {
    std::string head;  // with the empty line
    std::string body;

    // The value of a field, or "".
    std::string field(std::string_view name) const {
        const std::string wanted = "\r\n" + std::string{name} + ": ";
        const auto at = head.find(wanted);
        if (at == std::string::npos) return "";
        const auto from = at + wanted.size();
        return head.substr(from, head.find("\r\n", from) - from);
    }
};

// One accepted connection. Belongs to the script that it was given to.
class TinyConnection {
public:
    TinyConnection(int socket, int its_number) : number{its_number}, socket_{socket} {}

    // The next request; none when the client has closed.
    std::optional<TinyRequest> request() {
        TinyRequest request;
        std::size_t end = 0;
        while ((end = read_.find("\r\n\r\n")) == std::string::npos) {
            if (!receive()) return std::nullopt;
        }
        request.head = read_.substr(0, end + 4);
        read_.erase(0, end + 4);
        const std::string length = request.field("Content-Length");
        const std::size_t bytes = length.empty() ? 0 : std::strtoul(length.c_str(), nullptr, 10);
        while (read_.size() < bytes) {
            if (!receive()) return std::nullopt;
        }
        request.body = read_.substr(0, bytes);
        read_.erase(0, bytes);
        return request;
    }

    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    void answer(int status, std::string_view body, std::string_view type = "application/json") {
        send("HTTP/1.1 " + std::to_string(status) + " Status\r\nContent-Type: " + std::string{type} +
             "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string{body});
    }
    void stream_head() {
        send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    }
    void chunk(std::string_view bytes) {
        char size[32];
        std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
        send(size + std::string{bytes} + "\r\n");
    }
    void end_cleanly() { send("0\r\n\r\n"); }
    // Blocks until the client, or the server's end, closes the connection.
    void wait_until_closed() {
        while (receive()) {
        }
    }
    void reset() {
        const linger now{1, 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }

    const int number;  // of the connection, from 1

private:
    bool receive() {
        char bytes[4096];
        const auto count = ::recv(socket_, bytes, sizeof bytes, 0);
        if (count <= 0) return false;
        read_.append(bytes, static_cast<std::size_t>(count));
        return true;
    }

    int socket_;
    std::string read_;
};

// Listens on a free loopback port. Owned by the test, which may use it from its own thread only; the end
// closes every connection, so that no script outlives it.
class TinyServer {
public:
    using Script = std::function<void(TinyConnection&)>;

    explicit TinyServer(Script script)
        : script_{std::move(script)}, listener_{::socket(AF_INET, SOCK_STREAM, 0)} {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
            ::listen(listener_, 64) != 0)
            abort();
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        acceptor_ = std::thread{[this] { accept(); }};
    }
    TinyServer(const TinyServer&) = delete;
    TinyServer& operator=(const TinyServer&) = delete;

    ~TinyServer() {
        ::shutdown(listener_, SHUT_RDWR);
        acceptor_.join();
        {
            const std::lock_guard lock{mutex_};
            for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
        }
        for (std::thread& one : threads_) one.join();
        ::close(listener_);
    }

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    int connections() const { return connections_; }

private:
    void accept() {
        while (true) {
            const int socket = ::accept(listener_, nullptr, nullptr);
            if (socket < 0) return;
            const std::lock_guard lock{mutex_};
            open_.push_back(socket);
            threads_.emplace_back([this, socket, number = ++connections_] { serve(socket, number); });
        }
    }

    void serve(int socket, int number) {
        TinyConnection connection{socket, number};
        script_(connection);
        const std::lock_guard lock{mutex_};
        open_.remove(socket);
        ::close(socket);
    }

    Script script_;
    int listener_;
    std::uint16_t port_ = 0;
    std::atomic<int> connections_{0};
    std::mutex mutex_;
    std::list<int> open_;
    std::list<std::thread> threads_;
    std::thread acceptor_;
};

// A port on which nothing listens (it was free a moment ago).
inline std::string dead_url() {
    return TinyServer{[](TinyConnection&) {}}.url();
}

}  // namespace tidings::test
