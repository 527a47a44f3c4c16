#include "http/response.hpp"

#include <gtest/gtest.h>

namespace tidings::http {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::sys_seconds moment{784111777s};  // the example of RFC 9110 5.6.7

TEST(HttpResponse, WritesTheDateOfTheStandard) {
    EXPECT_EQ(date_text(moment), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(date_text(std::chrono::sys_seconds{951782400s}), "Tue, 29 Feb 2000 00:00:00 GMT");
}

TEST(HttpResponse, WritesHeadAndBody) {
    Response response;
    response.status = 201;
    response.fields.add("Content-Type", "application/json");
    response.body = "{}";
    EXPECT_EQ(
        serialise(response, {.now = moment}),
        "HTTP/1.1 201 Created\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: application/json\r\n"
        "Content-Length: 2\r\n\r\n{}");
}

TEST(HttpResponse, C4_HeadHasTheLengthAndNoBody) {
    Response response;
    response.body = "{}";
    const auto text = serialise(response, {.method = Method::head, .now = moment});
    EXPECT_NE(text.find("Content-Length: 2\r\n"), std::string::npos);
    EXPECT_TRUE(text.ends_with("\r\n\r\n"));
}

TEST(HttpResponse, NoContentHasNoLength) {
    const auto text = serialise({.status = 204}, {.now = moment});
    EXPECT_EQ(text.find("Content-Length"), std::string::npos);
    EXPECT_TRUE(text.starts_with("HTTP/1.1 204 No Content\r\n"));
}

TEST(HttpResponse, C55_SaysWhetherTheConnectionStays) {
    const auto text = [](Version version, Connection connection) {
        return serialise({}, {.version = version, .connection = connection, .now = moment});
    };
    EXPECT_EQ(text(Version::http_1_1, Connection::keep_alive).find("Connection"), std::string::npos);
    EXPECT_NE(text(Version::http_1_1, Connection::close).find("\r\nConnection: close\r\n"),
              std::string::npos);
    EXPECT_NE(text(Version::http_1_0, Connection::keep_alive).find("\r\nConnection: keep-alive\r\n"),
              std::string::npos);
    EXPECT_NE(text(Version::http_1_0, Connection::close).find("\r\nConnection: close\r\n"),
              std::string::npos);
}

TEST(HttpResponse, NoValueCanAddAField) {
    Response response;
    response.fields.add("X", "a\r\nSet-Cookie: b\0c");
    const auto text = serialise(response, {.now = moment});
    EXPECT_NE(text.find("X: a  Set-Cookie: b"), std::string::npos);
}

TEST(StreamHead, C1_IsAnEventStreamThatNobodyStoresOrBuffers) {
    EXPECT_EQ(stream_head({.now = moment}),
              "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/event-stream\r\n"
              "Cache-Control: no-store, no-transform\r\nX-Accel-Buffering: no\r\nX-Content-Type-Options: "
              "nosniff\r\n"
              "Transfer-Encoding: chunked\r\n\r\n");
}

TEST(StreamHead, C6_EndsWithTheConnectionOnHttp10) {
    const auto head =
        stream_head({.version = Version::http_1_0, .connection = Connection::keep_alive, .now = moment});
    EXPECT_EQ(head.find("Transfer-Encoding"), std::string::npos);
    EXPECT_EQ(head.find("Content-Length"), std::string::npos);
    EXPECT_NE(head.find("\r\nConnection: close\r\n"), std::string::npos);
}

TEST(StreamHead, C7_TakesMoreFields) {
    Fields more;
    more.add("Vary", "Origin");
    EXPECT_NE(stream_head({.now = moment}, more).find("\r\nVary: Origin\r\n"), std::string::npos);
}

}  // namespace
}  // namespace tidings::http
