#include "net/listener.hpp"

#include <gtest/gtest.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace tidings {
namespace {

TEST(ListenAddress, ReadsHostAndPort) {
    EXPECT_EQ(ListenAddress::parse("127.0.0.1:8080")->host, "127.0.0.1");
    EXPECT_EQ(ListenAddress::parse("127.0.0.1:8080")->port, 8080);
    EXPECT_EQ(ListenAddress::parse("[::1]:0")->host, "::1");
    for (const auto* wrong :
         {"", "8080", ":8080", "localhost", "localhost:", "localhost:http", "localhost:65536", "a:-1",
          "[]:80", "[[a]]:80", "[a:80", "a b:80", "unix:/run/x:80"}) {
        const auto address = ListenAddress::parse(wrong);
        ASSERT_FALSE(address) << wrong;
        EXPECT_EQ(address.error().code, Errc::invalid_field);
    }
}

TEST(Listeners, ShareOneFreePort) {
    const auto descriptors = open_listeners({"127.0.0.1", 0}, 3);
    ASSERT_TRUE(descriptors);
    ASSERT_EQ(descriptors->size(), 3U);
    const std::string bound = bound_address((*descriptors)[0]);
    for (const int descriptor : *descriptors) EXPECT_EQ(bound_address(descriptor), bound);
    EXPECT_TRUE(bound.starts_with("127.0.0.1:"));

    // A second process must not slip into the same port unseen.
    const auto taken = open_listeners(*ListenAddress::parse(bound), 1);
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().code, Errc::connection_failed);
    EXPECT_NE(taken.error().detail.find("in use"), std::string::npos) << taken.error().detail;
    for (const int descriptor : *descriptors) ::close(descriptor);
}

TEST(Listeners, SayWhyAHostCannotBeUsed) {
    const auto wrong = open_listeners({"no such host", 0}, 1);
    ASSERT_FALSE(wrong);
    EXPECT_NE(wrong.error().detail.find("no such host"), std::string::npos);
}

int option_of(int descriptor, int level, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(descriptor, level, name, &value, &size), 0);
    return value;
}

// The reactor relies on it and sets nothing on a stream's socket: a kernel that hands an option down no more
// shows here.
TEST(Listeners, HandDownTheOptionsOfStreams) {
    const auto descriptors = open_listeners({"127.0.0.1", 0}, 1);
    ASSERT_TRUE(descriptors);
    Limits limits;
    limits.send_buffer_bytes = 48 * 1024;
    limits.not_sent_bytes = 12 * 1024;
    Loop loop;
    Listener listener{descriptors->front()};
    listener.prepare(limits, std::chrono::milliseconds{7'000});
    AcceptedSocket accepted;
    listener.start(
        loop,
        [&](AcceptedSocket socket) {
            accepted = std::move(socket);
            loop.stop();
        },
        [] {});
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ASSERT_EQ(::getsockname(descriptors->front(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&address), size), 0);
    loop.run();
    const int descriptor = accepted.descriptor();
    EXPECT_NE(option_of(descriptor, IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_EQ(option_of(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 12 * 1024);
    EXPECT_EQ(option_of(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT), 7'000);
    // Linux doubles what is asked for, to have room for its own records.
    EXPECT_EQ(option_of(descriptor, SOL_SOCKET, SO_SNDBUF), 2 * 48 * 1024);
    ::close(client);
}

}  // namespace
}  // namespace tidings
