#include "net/socket_options.hpp"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace tidings {
namespace {

void set(int descriptor, int level, int name, int value) {
    // A refusal leaves the default, which is only less tight.
    ::setsockopt(descriptor, level, name, &value, sizeof value);
}

}  // namespace

void prepare_stream_socket(int descriptor, const Limits& limits, std::chrono::milliseconds dead_after) {
    set(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
    set(descriptor, SOL_SOCKET, SO_SNDBUF, static_cast<int>(limits.send_buffer_bytes));
    set(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, static_cast<int>(limits.not_sent_bytes));
    set(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(dead_after.count()));
}

void make_close_abrupt(int descriptor) {
    const linger reset{1, 0};
    ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

std::size_t unsent_bytes(int descriptor) {
    int bytes = 0;
    if (descriptor < 0 || ::ioctl(descriptor, SIOCOUTQ, &bytes) != 0) return 0;
    return static_cast<std::size_t>(bytes);
}

}  // namespace tidings
