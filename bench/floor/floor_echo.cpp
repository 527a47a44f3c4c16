// What a round trip over TCP takes at least: sends back what it reads. floor_echo [--port N]
#include "floor_server.hpp"

#include <netinet/tcp.h>

int main(int argc, char** argv) {
    const int listener = tidings::floor::listen_on(tidings::floor::option(argc, argv, "--port", 0));
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    const auto watch = [epoll](int descriptor) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = descriptor;
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
    };
    watch(listener);
    std::array<epoll_event, 64> events{};
    std::array<char, 65'536> buffer{};
    for (;;) {
        const int found = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < found; ++i) {
            const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
            if (descriptor == listener) {
                const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
                const int on = 1;
                ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                if (accepted >= 0) watch(accepted);
                continue;
            }
            const auto got = ::recv(descriptor, buffer.data(), buffer.size(), 0);
            if (got > 0) {
                ::send(descriptor, buffer.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL);
            } else if (got == 0 || errno != EAGAIN) {
                ::close(descriptor);
            }
        }
    }
}
