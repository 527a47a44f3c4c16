#include "client/sse_client.hpp"

#include "support/tiny_server.hpp"

#include <gtest/gtest.h>

#include <mutex>

namespace tidings {
namespace {

using namespace std::chrono_literals;
using Outcome = SseClientMachine::Outcome;
using test::TinyConnection;
using test::TinyServer;

SseClientOptions options(const std::string& url) {
    SseClientOptions made;
    made.url = Url::parse(url).value();
    made.token = "jwt";
    made.settings.retry = 100ms;
    made.random = [] { return std::uint64_t{0}; };
    return made;
}

struct Seen {
    SseClientResult result;
    std::vector<std::string> data;
    std::vector<std::string> news;
};

// Runs a client until it is done or has seen `count` events.
Seen run(SseClientOptions made, std::size_t count = 1000) {
    Seen seen;
    SseClient* running = nullptr;
    SseClient client{
        std::move(made),
        [&](const SseEvent& event) {
            if (seen.data.size() < count) seen.data.push_back(event.data);
            if (seen.data.size() == count) running->stop();
        },
        [&](const SseClientNews& news) {
            seen.news.push_back(news.kind == SseClientNews::Kind::connected ? "connected" : news.why);
        }};
    running = &client;
    seen.result = client.run();
    return seen;
}

TEST(SseClient, P2_ResumesWhereAnUncleanEndCutItAndStopsAt204) {
    std::mutex mutex;
    std::vector<std::string> cursors;
    TinyServer server{[&](TinyConnection& connection) {
        const auto request = connection.request();
        if (!request) return;
        {
            const std::lock_guard lock{mutex};
            cursors.push_back(request->field("Last-Event-ID"));
        }
        if (connection.number == 3) return connection.send("HTTP/1.1 204 No Content\r\n\r\n");
        connection.stream_head();
        const std::string number = std::to_string(connection.number);
        connection.chunk("retry: 100\nid: " + number + "a\ndata: one " + number + "\n\n");
        connection.chunk("id: " + number + "b\ndata: two " + number + "\n\nid: lost\ndata: unfin");
        if (connection.number == 2) connection.end_cleanly();
    }};
    const Seen seen = run(options(server.url()));
    EXPECT_EQ(seen.data, (std::vector<std::string>{"one 1", "two 1", "one 2", "two 2"}));
    EXPECT_EQ(seen.result.outcome, Outcome::finished);
    EXPECT_EQ(seen.result.last_event_id, "2b");
    const std::lock_guard lock{mutex};
    EXPECT_EQ(cursors, (std::vector<std::string>{"", "1b", "2b"}));
}

TEST(SseClient, SendsItsQueryItsTokenAndItsFirstCursor) {
    std::string head;
    TinyServer server{[&](TinyConnection& connection) {
        head = connection.request()->head;
        connection.stream_head();
        connection.chunk("data: x\n\n");
        connection.wait_until_closed();
    }};
    auto made = options(server.url());
    made.query = "topics=job%3A1";
    made.settings.last_event_id = "before";
    EXPECT_EQ(run(std::move(made), 1).result.outcome, Outcome::stopped);
    EXPECT_EQ(head.find("GET /api/v1/events?topics=job%3A1 HTTP/1.1\r\n"), 0u) << head;
    EXPECT_NE(head.find("Authorization: Bearer jwt\r\n"), std::string::npos);
    EXPECT_NE(head.find("Last-Event-ID: before\r\n"), std::string::npos);
    EXPECT_NE(head.find("Accept: text/event-stream\r\n"), std::string::npos);
}

TEST(SseClient, ReadsChunksHoweverTheyAreDivided) {
    TinyServer server{[](TinyConnection& connection) {
        connection.request();
        connection.stream_head();
        for (const char character : std::string{": hb\nevent: a\r\ndata: \xc3\xa9\r\rdata: next\n\n"}) {
            connection.chunk({&character, 1});
        }
        connection.wait_until_closed();
    }};
    EXPECT_EQ(run(options(server.url()), 2).data, (std::vector<std::string>{"\xc3\xa9", "next"}));
}

TEST(SseClient, ReadsAnAnswerWithoutChunksToItsEnd) {
    TinyServer server{[](TinyConnection& connection) {
        connection.request();
        if (connection.number == 2) return connection.send("HTTP/1.1 204 No Content\r\n\r\n");
        connection.send(
            "HTTP/1.0 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\ndata: x\n\n");
        connection.reset();
    }};
    const Seen seen = run(options(server.url()));
    EXPECT_EQ(seen.result.outcome, Outcome::finished);
}

TEST(SseClient, C3_SaysWhyItWasRefused) {
    TinyServer server{[](TinyConnection& connection) {
        connection.request();
        connection.answer(403, R"({"title":"Forbidden","detail":"no grant for this topic"})");
    }};
    const Seen seen = run(options(server.url()));
    EXPECT_EQ(seen.result.outcome, Outcome::refused);
    EXPECT_EQ(seen.result.status, 403u);
    EXPECT_EQ(seen.result.detail, "403 no grant for this topic");
}

TEST(SseClient, ComesBackAfterA503) {
    TinyServer server{[](TinyConnection& connection) {
        connection.request();
        if (connection.number == 1) return connection.answer(503, R"({"detail":"draining"})");
        connection.stream_head();
        connection.chunk("data: x\n\n");
        connection.wait_until_closed();
    }};
    const Seen seen = run(options(server.url()), 1);
    EXPECT_EQ(seen.data.size(), 1u);
    EXPECT_EQ(seen.news, (std::vector<std::string>{"503 draining", "connected"}));
}

TEST(SseClient, NoticesADeadPathByItsSilence) {
    TinyServer server{[](TinyConnection& connection) {
        connection.request();
        connection.stream_head();
        connection.chunk("id: 1\ndata: x\n\n");
        connection.wait_until_closed();  // never another byte
    }};
    auto made = options(server.url());
    made.settings.silence = 50ms;
    const Seen seen = run(std::move(made), 2);
    EXPECT_EQ(seen.data.size(), 2u);
    EXPECT_GE(server.connections(), 2);
}

TEST(SseClient, SaysAtOnceThatNothingListens) {
    const Seen seen = run(options(test::dead_url()));
    EXPECT_EQ(seen.result.outcome, Outcome::unreachable);
    EXPECT_NE(seen.result.detail.find("127.0.0.1"), std::string::npos);
}

TEST(SseClient, EndsWhenItsTimeIsUp) {
    TinyServer server{[](TinyConnection& connection) {
        connection.request();
        connection.stream_head();
        connection.wait_until_closed();
    }};
    auto made = options(server.url());
    made.time_limit = 30ms;
    EXPECT_EQ(run(std::move(made)).result.outcome, Outcome::timed_out);
}

TEST(SseClient, CanBeStoppedBeforeItRuns) {
    TinyServer server{[](TinyConnection& connection) { connection.wait_until_closed(); }};
    SseClient client{options(server.url()), [](const SseEvent&) {}};
    client.stop();
    EXPECT_EQ(client.run().outcome, Outcome::stopped);
}

}  // namespace
}  // namespace tidings
