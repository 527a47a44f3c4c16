#include "client/http_client.hpp"

#include "support/tiny_server.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

using namespace std::chrono_literals;
using test::TinyConnection;
using test::TinyServer;

Url url_of(const std::string& text) { return Url::parse(text).value(); }

HttpRequest post(std::string body, Repeatable repeatable = Repeatable::no) {
    return {"POST", "/api/v1/events", {{"Content-Type", "application/json"}}, std::move(body), repeatable};
}

TEST(HttpClient, KeepsItsConnection) {
    TinyServer server{[](TinyConnection& connection) {
        while (const auto request = connection.request()) connection.answer(201, "got " + request->body);
    }};
    HttpClient client{url_of(server.url())};
    for (int i = 0; i < 3; ++i) {
        const auto response = client.send(post(std::to_string(i)));
        ASSERT_TRUE(response) << response.error().message();
        EXPECT_EQ(response->status, 201u);
        EXPECT_EQ(response->body, "got " + std::to_string(i));
    }
    EXPECT_EQ(server.connections(), 1);
}

TEST(HttpClient, SaysWhereItGoesAndWhatItSends) {
    TinyServer server{[](TinyConnection& connection) {
        const auto request = connection.request();
        connection.answer(200, request->head);
    }};
    HttpClient client{url_of(server.url())};
    const auto response = client.send(post("{}"));
    ASSERT_TRUE(response);
    EXPECT_EQ(response->body.find("POST /api/v1/events HTTP/1.1\r\n"), 0u) << response->body;
    EXPECT_NE(response->body.find("Host: " + server.url().substr(7) + "\r\n"), std::string::npos);
    EXPECT_NE(response->body.find("Content-Type: application/json\r\n"), std::string::npos);
}

TEST(HttpClient, RepeatsOnAFreshConnectionWhenTheKeptOneWasGone) {
    TinyServer server{[](TinyConnection& connection) {
        if (const auto request = connection.request()) connection.answer(201, "{}");
        if (connection.number == 1)
            connection.request();  // takes the second request and leaves without an answer
    }};
    HttpClient client{url_of(server.url())};
    ASSERT_TRUE(client.send(post("a")));
    const auto again = client.send(post("b", Repeatable::yes));
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(server.connections(), 2);
}

TEST(HttpClient, DoesNotRepeatWhatMustNotHappenTwice) {
    TinyServer server{[](TinyConnection& connection) {
        if (const auto request = connection.request()) connection.answer(201, "{}");
        connection.request();
    }};
    HttpClient client{url_of(server.url())};
    ASSERT_TRUE(client.send(post("a")));
    const auto again = client.send(post("b"));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Errc::connection_failed);
}

TEST(HttpClient, NamesAHubThatIsNotThere) {
    HttpClient client{url_of(test::dead_url())};
    const auto response = client.send(post("{}"));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Errc::connection_failed);
    EXPECT_NE(response.error().detail.find("127.0.0.1"), std::string::npos);
}

TEST(HttpClient, EndsWaitingForAnAnswerThatDoesNotCome) {
    TinyServer server{[](TinyConnection& connection) { connection.wait_until_closed(); }};
    HttpClient client{url_of(server.url()), {1s, 50ms}};
    const auto response = client.send(post("{}", Repeatable::yes));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Errc::timed_out);
}

TEST(HttpClient, ReadsARefusalThatCameBeforeTheBodyWasRead) {
    TinyServer server{[](TinyConnection& connection) {
        connection.send("HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlong");
        connection.wait_until_closed();
    }};
    HttpClient client{url_of(server.url())};
    const auto response = client.send(post(std::string(1 << 20, 'x')));
    ASSERT_TRUE(response) << response.error().message();
    EXPECT_EQ(response->status, 413u);
}

TEST(HttpClient, CanBeCancelledFromAnotherThread) {
    std::promise<void> asked;
    TinyServer server{[&](TinyConnection& connection) {
        connection.request();
        asked.set_value();
        connection.wait_until_closed();
    }};
    HttpClient client{url_of(server.url()), {5s, 60s}};
    auto result = std::async(std::launch::async, [&] { return client.send(post("{}")).error().code; });
    asked.get_future().wait();
    client.cancel();
    EXPECT_EQ(result.get(), Errc::cancelled);
    EXPECT_EQ(client.send(post("{}")).error().code, Errc::cancelled);
}

}  // namespace
}  // namespace tidings
