#pragma once
// A real nginx in front of a hub.

#include <cstdint>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace tidings::test {

// Owns an nginx process, its directory and its listening socket, which the child inherits: there is no moment
// at which the port is somebody else's, and a connection may be made at once. Used by the test's thread.
class RealNginx {
public:
    // What stands in `location /` beside proxy_pass, and in `http`; both may be empty.
    struct Options {
        std::uint16_t hub_port = 0;
        std::string_view location{};
        std::string_view http{};
    };

    // Whether this machine has one.
    static bool installed();

    explicit RealNginx(const Options& options);
    ~RealNginx();
    RealNginx(const RealNginx&) = delete;
    RealNginx& operator=(const RealNginx&) = delete;

    std::uint16_t port() const noexcept { return port_; }
    // What it has complained about, for messages of tests.
    std::string errors() const;

private:
    void start();

    std::string directory_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    pid_t process_ = -1;
};

}  // namespace tidings::test
