#include "live/real_nginx.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace tidings::test {
namespace {

constexpr const char* binary = "/usr/sbin/nginx";

std::string configuration(const RealNginx::Options& options, std::uint16_t port) {
    std::ostringstream text;
    // A master as well, since a lone process does not take over inherited sockets.
    if (::geteuid() == 0) text << "user root;\n";
    text << "daemon off;\nworker_processes 1;\npid nginx.pid;\nerror_log error.log info;\n"
         << "events { worker_connections 512; }\nhttp {\n  access_log off;\n";
    for (const char* what : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
        text << "  " << what << "_temp_path " << what << ";\n";
    }
    text << "  " << options.http << "\n  server {\n    listen 127.0.0.1:" << port << ";\n"
         << "    location / {\n      proxy_pass http://127.0.0.1:" << options.hub_port << ";\n      "
         << options.location << "\n    }\n  }\n}\n";
    return text.str();
}

}  // namespace

bool RealNginx::installed() { return ::access(binary, X_OK) == 0; }

RealNginx::RealNginx(const Options& options) {
    std::string name = (std::filesystem::temp_directory_path() / "tidings-nginx-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    directory_ = name;
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 512) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        throw std::runtime_error("no port for nginx");
    }
    port_ = ntohs(address.sin_port);
    std::ofstream{directory_ + "/nginx.conf"} << configuration(options, port_);
    start();
}

RealNginx::~RealNginx() {
    if (process_ > 0) {
        ::kill(process_, SIGTERM);
        ::waitpid(process_, nullptr, 0);
    }
    if (listener_ >= 0) ::close(listener_);
    std::error_code ec;
    std::filesystem::remove_all(directory_, ec);
}

void RealNginx::start() {
    // NGINX names the inherited listening sockets, as in nginx's own upgrade of its binary.
    const std::string inherited = "NGINX=" + std::to_string(listener_) + ";";
    const std::string config = directory_ + "/nginx.conf";
    const std::string log = directory_ + "/start.log";
    const char* arguments[] = {binary,         "-p", directory_.c_str(), "-c",
                               config.c_str(), "-e", log.c_str(),        nullptr};
    const char* environment[] = {inherited.c_str(), nullptr};
    process_ = ::fork();
    if (process_ < 0) throw std::runtime_error("fork failed");
    if (process_ == 0) {
        ::fcntl(listener_, F_SETFD, 0);
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // it must not outlive a test that is killed
        ::execve(binary, const_cast<char* const*>(arguments), const_cast<char* const*>(environment));
        ::_exit(127);
    }
}

std::string RealNginx::errors() const {
    std::ostringstream text;
    for (const char* name : {"/start.log", "/error.log"}) {
        std::ifstream file{directory_ + name};
        text << file.rdbuf();
    }
    return text.str();
}

}  // namespace tidings::test
