#include "http/redact.hpp"

#include <gtest/gtest.h>

namespace tidings::http {
namespace {

TEST(Redact, C43_HidesCredentialsInTheQuery) {
    EXPECT_EQ(redacted_target("/events?ticket=abc&topics=a"), "/events?ticket=REDACTED&topics=a");
    EXPECT_EQ(redacted_target("/events?access_token=a&Api-Key=b&PASSWORD=c&x=d"),
              "/events?access_token=REDACTED&Api-Key=REDACTED&PASSWORD=REDACTED&x=d");
    EXPECT_EQ(redacted_target("/e?%74icke%74=abc"), "/e?%74icke%74=REDACTED");
    EXPECT_EQ(redacted_target("/e?%zz=abc&a"), "/e?%zz=REDACTED&a");
    EXPECT_EQ(redacted_target("/e?a=b&ticket=c=d"), "/e?a=b&ticket=REDACTED");
}

TEST(Redact, C43_HidesTokensWhereverTheyStand) {
    EXPECT_EQ(redacted_target("/e/eyJhbGciOiJub25lIn0.e30./x?q=eyJa.b.c&eyJa"),
              "/e/REDACTED/x?q=REDACTED&REDACTED");
}

TEST(Redact, C43_LetsNoByteForgeALogLine) {
    EXPECT_EQ(redacted_target("/a\r\nb?c=\x1b[31m\xff d"), "/a?\?b?c=?[31m?\?d");
    EXPECT_EQ(redacted_target("/events?last_event_id=0192-x&from=now"),
              "/events?last_event_id=0192-x&from=now");
    EXPECT_EQ(redacted_target(""), "");
    EXPECT_EQ(redacted_target("/?"), "/?");
}

}  // namespace
}  // namespace tidings::http
