#pragma once
// What the floors share: a server with nothing to it, that takes streams on GET and events on POST.
// Everything that a hub does beside sending is left out: no log, no audiences, no tokens, no limits.

#include "net/socket_options.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidings::floor {

// The number behind "--name" in the arguments, or `otherwise`.
inline std::size_t option(int argc, char** argv, std::string_view name, std::size_t otherwise) {
    for (int i = 1; i + 1 < argc; ++i) {
        if (argv[i] == name) return std::strtoul(argv[i + 1], nullptr, 10);
    }
    return otherwise;
}

// Listens on 127.0.0.1 and says so on standard output; ends the process where it cannot. Port 0 picks a free
// one.
inline int listen_on(std::size_t port) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    constexpr int backlog = 4096;
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener, backlog) != 0) {
        std::perror("floor");
        std::exit(1);
    }
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    std::printf("listening on http://127.0.0.1:%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    return listener;
}

// The loop. `sweep` sends one frame to all streams, each in its place of a shuffled order that stays.
class FloorServer {
public:
    explicit FloorServer(std::size_t port)
        : epoll_{::epoll_create1(EPOLL_CLOEXEC)}, listener_{listen_on(port)} {
        // What it accepts inherits them, as with the hub.
        prepare_stream_socket(listener_, Limits{}, std::chrono::seconds{30});
        watch(listener_);
    }
    virtual ~FloorServer() = default;
    FloorServer(const FloorServer&) = delete;
    FloorServer& operator=(const FloorServer&) = delete;

    [[noreturn]] void run() {
        std::array<epoll_event, 512> events{};
        for (;;) {
            const int found =
                ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), milliseconds_to_wait());
            for (int i = 0; i < found; ++i) {
                const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
                if (descriptor == listener_) {
                    accept_all();
                } else {
                    read(descriptor);
                }
            }
        }
    }

protected:
    virtual void sweep(const std::string& chunk) = 0;
    // How long the loop may sleep; does what is due before that.
    virtual int milliseconds_to_wait() { return -1; }
    // An event whose body begins with "u7 " is for that user alone, where a server tells users apart.
    virtual bool send_to_user(std::size_t, const std::string&) { return false; }
    virtual void user_came(std::size_t, int) {}
    virtual void stream_came(int) {}
    virtual void stream_went(int) {}

    const std::vector<int>& streams() const noexcept { return streams_; }

    // The rest of a frame that a full socket did not take. The floor waits for it, for it has no memory of
    // its own.
    static void send_rest(int descriptor, std::string_view rest) {
        while (!rest.empty()) {
            pollfd ready{descriptor, POLLOUT, 0};
            ::poll(&ready, 1, 1000);
            const auto sent = ::send(descriptor, rest.data(), rest.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno != EAGAIN && errno != EINTR) return;
            if (sent > 0) rest.remove_prefix(static_cast<std::size_t>(sent));
        }
    }

private:
    struct Connection {
        std::string input{};
        std::size_t place = 0;  // in streams_, from 1; 0: a publisher
    };

    void watch(int descriptor) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = descriptor;
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
    }

    void accept_all() {
        for (;;) {
            const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (descriptor < 0) return;
            const auto wanted = static_cast<std::size_t>(descriptor) + 1;
            if (connections_.size() < wanted) connections_.resize(wanted);
            connections_[static_cast<std::size_t>(descriptor)] = {};
            watch(descriptor);
        }
    }

    void read(int descriptor) {
        Connection& connection = connections_[static_cast<std::size_t>(descriptor)];
        const auto got = ::recv(descriptor, buffer_.data(), buffer_.size(), 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (got <= 0) {
            close(descriptor);
            return;
        }
        connection.input.append(buffer_.data(), static_cast<std::size_t>(got));
        while (take_request(descriptor, connection)) {
        }
        if (!answers_.empty()) ::send(descriptor, answers_.data(), answers_.size(), MSG_NOSIGNAL);
        answers_.clear();
    }

    // The number of the user in "u7 ..." and where it ends; nothing ends where there is none.
    static std::pair<std::size_t, std::size_t> user_in(std::string_view text) {
        if (!text.starts_with('u')) return {0, 0};
        std::size_t number = 0, at = 1;
        for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
            number = number * 10 + static_cast<std::size_t>(text[at] - '0');
        return {number, at};
    }

    bool take_request(int descriptor, Connection& connection) {
        const auto end = connection.input.find("\r\n\r\n");
        if (end == std::string::npos) return false;
        const std::string_view head = std::string_view{connection.input}.substr(0, end);
        if (head.starts_with("GET ")) {
            const auto [user, end_of_user] = user_in(head.substr(5));
            if (end_of_user > 1) user_came(user, descriptor);
            connection.input.clear();
            open_stream(descriptor, connection);
            return false;
        }
        const auto field = head.find("Content-Length: ");
        const std::size_t length =
            field == std::string_view::npos ? 0 : std::strtoul(head.data() + field + 16, nullptr, 10);
        if (connection.input.size() < end + 4 + length) return false;
        publish(connection.input.substr(end + 4, length));
        connection.input.erase(0, end + 4 + length);
        constexpr std::string_view answer = "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}";
        answers_ += answer;
        return !connection.input.empty();
    }

    void open_stream(int descriptor, Connection& connection) {
        constexpr std::string_view head =
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
            "Transfer-Encoding: chunked\r\n\r\n9\r\n: floor\n\n\r\n";
        ::send(descriptor, head.data(), head.size(), MSG_NOSIGNAL);
        streams_.push_back(descriptor);
        connection.place = streams_.size();
        in_order_ = false;
        stream_came(descriptor);
    }

    void publish(const std::string& body) {
        const auto [user, end_of_user] = user_in(body);
        if (!in_order_) shuffle();
        char id[40];
        std::snprintf(id, sizeof id, "01a201f5-5603-7000-bb0a-%012llx",
                      static_cast<unsigned long long>(++events_));
        const std::string frame =
            std::string{"id: "} + id + "\nevent: bench\ndata: " + body.substr(end_of_user) + "\n\n";
        char size[24];
        std::snprintf(size, sizeof size, "%zx\r\n", frame.size());
        const std::string chunk = size + frame + "\r\n";
        if (end_of_user == 0 || !send_to_user(user, chunk)) sweep(chunk);
    }

    // In the order in which they came, neighbours in the list would be neighbours in memory, as no real hub
    // has it.
    void shuffle() {
        std::shuffle(streams_.begin(), streams_.end(), random_);
        for (std::size_t i = 0; i < streams_.size(); ++i)
            connections_[static_cast<std::size_t>(streams_[i])].place = i + 1;
        in_order_ = true;
    }

    void close(int descriptor) {
        Connection& connection = connections_[static_cast<std::size_t>(descriptor)];
        if (connection.place != 0) {
            stream_went(descriptor);
            const int last = streams_.back();
            streams_[connection.place - 1] = last;
            connections_[static_cast<std::size_t>(last)].place = connection.place;
            streams_.pop_back();
        }
        connection = {};
        ::close(descriptor);
    }

    int epoll_;
    int listener_;
    std::vector<Connection> connections_;  // by descriptor
    std::vector<int> streams_;
    bool in_order_ = true;
    std::uint64_t events_ = 0;
    std::mt19937_64 random_{1};
    std::string answers_;  // to one read's requests
    std::array<char, 65'536> buffer_{};
};

}  // namespace tidings::floor
