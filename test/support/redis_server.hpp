#pragma once
// Debian's redis-server and redis-sentinel for tests: a process of the test's own, on a free port, in a
// temporary folder.

#include "redis/resp.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidings::test {

// A port that was free a moment ago; another process may take it before it is used.
inline std::uint16_t free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(socket, reinterpret_cast<sockaddr*>(&address), size) != 0) std::abort();
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(socket);
    return ntohs(address.sin_port);
}

// A client of a few lines: one connection, which blocks. Each call waits at most `patience` for its answer.
class RedisClient {
public:
    explicit RedisClient(std::uint16_t port, std::chrono::milliseconds limit = std::chrono::seconds{10})
        : patience_{limit}, socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    }
    RedisClient(const RedisClient&) = delete;
    RedisClient& operator=(const RedisClient&) = delete;
    ~RedisClient() { ::close(socket_); }

    bool connected() const noexcept { return connected_; }

    // The next value that comes: an answer, or a message of a channel; none when the connection ended or the
    // patience did.
    std::optional<redis::Value> next() {
        const auto deadline = std::chrono::steady_clock::now() + patience_;
        while (connected_) {
            if (auto value = reader_.next()) return value;
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                deadline - std::chrono::steady_clock::now());
            pollfd readable{socket_, POLLIN, 0};
            if (left.count() <= 0 || ::poll(&readable, 1, static_cast<int>(left.count())) <= 0) break;
            char bytes[16 * 1024];
            const auto count = ::recv(socket_, bytes, sizeof bytes, 0);
            if (count <= 0 || !reader_.feed({bytes, static_cast<std::size_t>(count)})) connected_ = false;
        }
        return std::nullopt;
    }

    // The answer, or an error that begins with "TEST".
    redis::Value call(const std::vector<std::string>& args) {
        send(args);
        return next().value_or(redis::Value::of_error("TEST no answer"));
    }

    void send(const std::vector<std::string>& args) {
        const std::vector<std::string_view> views{args.begin(), args.end()};
        std::string bytes;
        redis::append_command(bytes, views);
        std::string_view rest = bytes;
        while (connected_ && !rest.empty()) {
            const auto sent = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
            if (sent <= 0) connected_ = false;
            rest.remove_prefix(sent > 0 ? static_cast<std::size_t>(sent) : 0);
        }
    }

private:
    std::chrono::milliseconds patience_;
    int socket_;
    bool connected_ = false;
    redis::RespReader reader_;
};

// One server, from its construction to its destruction. Owned by the test; the process dies with the thread
// that made this (PR_SET_PDEATHSIG), so make it on the test's main thread.
class RedisServer {
public:
    enum class Role : std::uint8_t { server, sentinel };

    struct Setup {
        std::vector<std::string> lines{};  // of the configuration file
        Role role = Role::server;
        std::string password{};  // for the probe that waits; it does not set one
        std::string user{};
        // TLS servers have no plain port to probe: then this port is the one of TLS, and a connection is
        // enough.
        enum class Port : std::uint8_t { plain, tls } port = Port::plain;
    };

    RedisServer() : RedisServer{Setup{}} {}
    explicit RedisServer(Setup setup) : setup_{std::move(setup)} {
        std::string pattern = (std::filesystem::temp_directory_path() / "tidings-redis-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) std::abort();
        folder_ = pattern;
        constexpr int attempts = 10;
        for (int i = 0; i < attempts; ++i) {
            port_ = free_port();
            write_configuration();
            if (start()) return;
        }
        std::fprintf(stderr, "redis-server does not start: %s\n", log_text().c_str());
        std::abort();
    }
    RedisServer(const RedisServer&) = delete;
    RedisServer& operator=(const RedisServer&) = delete;
    ~RedisServer() {
        kill();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    std::uint16_t port() const noexcept { return port_; }
    const std::filesystem::path& folder() const noexcept { return folder_; }
    // "redis://127.0.0.1:PORT"
    std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }
    std::string log_text() const {
        std::ifstream file{folder_ / "log"};
        std::ostringstream text;
        text << file.rdbuf();
        return text.str();
    }

    // SIGKILL; returns when the process is gone.
    void kill() { end(SIGKILL); }
    // SIGTERM, which saves what there is to save; returns when the process is gone.
    void stop() { end(SIGTERM); }
    // Starts what was killed or stopped, on the same port and folder; ends a running one first.
    void restart() {
        if (process_ > 0) stop();
        if (!start()) {
            std::fprintf(stderr, "redis-server does not start again: %s\n", log_text().c_str());
            std::abort();
        }
    }
    void pause() { ::kill(process_, SIGSTOP); }
    void resume() { ::kill(process_, SIGCONT); }

    // One command on a connection of its own.
    redis::Value call(const std::vector<std::string>& args) const {
        RedisClient client{port_};
        if (!setup_.password.empty()) {
            client.call({"AUTH", setup_.user.empty() ? "default" : setup_.user, setup_.password});
        }
        return client.call(args);
    }

private:
    void write_configuration() const {
        std::ofstream file{folder_ / "conf"};
        const bool tls = setup_.port == Setup::Port::tls;
        file << "bind 127.0.0.1\n"
             << (tls ? "port 0\ntls-port " : "port ") << port_ << "\ndir " << folder_.string() << "\nlogfile "
             << (folder_ / "log").string() << "\ndaemonize no\n";
        if (setup_.role == Role::server) file << "save \"\"\n";
        for (const auto& line : setup_.lines) file << line << "\n";
    }

    // Whether it answers. A port that another process took ends the server at once.
    bool start() {
        const auto parent = ::getpid();
        const std::string configuration = (folder_ / "conf").string();
        const char* program = setup_.role == Role::server ? "redis-server" : "redis-sentinel";
        process_ = ::fork();
        if (process_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::getppid() != parent) ::_exit(1);
            const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
            ::dup2(nowhere, STDOUT_FILENO);
            ::dup2(nowhere, STDERR_FILENO);
            ::execlp(program, program, configuration.c_str(), nullptr);
            ::_exit(127);
        }
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
        while (std::chrono::steady_clock::now() < deadline) {
            int status = 0;
            if (::waitpid(process_, &status, WNOHANG) == process_) {
                process_ = -1;
                return false;
            }
            if (answers()) return true;
            ::poll(nullptr, 0, 5);  // between two looks
        }
        kill();
        return false;
    }

    // Whether the process of this test, and not a stranger on the same port, answers.
    bool answers() const {
        RedisClient client{port_, std::chrono::seconds{1}};
        if (!client.connected() || setup_.port == Setup::Port::tls) return client.connected();
        if (!setup_.password.empty()) {
            client.call({"AUTH", setup_.user.empty() ? "default" : setup_.user, setup_.password});
        }
        const auto info = client.call({"INFO"});
        const std::string its_id = "process_id:" + std::to_string(process_) + "\r";
        return info.text.find(its_id) != std::string::npos &&
               info.text.find("\nloading:1") == std::string::npos;
    }

    void end(int signal) {
        if (process_ <= 0) return;
        ::kill(process_, signal);
        ::kill(process_, SIGCONT);
        int status = 0;
        ::waitpid(process_, &status, 0);
        process_ = -1;
    }

    Setup setup_;
    std::filesystem::path folder_;
    std::uint16_t port_ = 0;
    pid_t process_ = -1;
};

}  // namespace tidings::test
