#include "net/listener.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

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

}  // namespace
}  // namespace tidings
