#include "client/url.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

TEST(ClientUrl, TakesHostPortAndBase) {
    struct Case {
        const char *text, *authority, *base;
    };
    const Case cases[] = {{"http://127.0.0.1:8080", "127.0.0.1:8080", "/api/v1"},
                          {"http://localhost/", "localhost:80", "/api/v1"},
                          {"http://hub.example:81/live", "hub.example:81", "/live"},
                          {"http://hub.example/a/b/", "hub.example:80", "/a/b"},
                          {"http://[::1]:9000", "[::1]:9000", "/api/v1"}};
    for (const auto& [text, authority, base] : cases) {
        const auto url = Url::parse(text);
        ASSERT_TRUE(url) << text;
        EXPECT_EQ(url->authority(), authority);
        EXPECT_EQ(url->base, base);
    }
    EXPECT_EQ(Url::parse("http://[::1]:9000")->host, "::1");
}

TEST(ClientUrl, SaysWhatIsAllowed) {
    for (const char* text :
         {"", "127.0.0.1:8080", "ftp://a", "http://", "http://a:0", "http://a:99999", "http://u:p@a",
          "http://a/?x=1", "http://a/#x", "http://a b", "http://[::1]280"}) {
        const auto url = Url::parse(text);
        ASSERT_FALSE(url) << text;
        EXPECT_NE(url.error().detail.find("http://HOST"), std::string::npos);
    }
    EXPECT_NE(Url::parse("https://a").error().detail.find("not supported by this version"),
              std::string::npos);
}

// The host stands in the head of each request.
TEST(ClientUrl, RefusesAHostThatIsNone) {
    for (const char* text : {"http://a%0d%0aX:1/", "http://a%20b", "http://a%00b", "http://[v1.x]:1"}) {
        const auto url = Url::parse(text);
        ASSERT_FALSE(url) << text;
        EXPECT_NE(url.error().detail.find("the host is a name"), std::string::npos);
    }
}

TEST(ClientUrl, EncodesWhatAQueryWouldMisread) {
    EXPECT_EQ(percent_encoded("job:42/a&b=c d+e"), "job%3A42%2Fa%26b%3Dc%20d%2Be");
    EXPECT_EQ(percent_encoded("a-b._~"), "a-b._~");
    EXPECT_EQ(percent_encoded("é"), "%C3%A9");
}

}  // namespace
}  // namespace tidings
