// Heartbeats and ends of streams: C-19, C-20, C-33, C-45, C-63, C-64.
#include <map>

#include "live/hub_probe.hpp"

namespace tidings::test {
namespace {

std::map<std::string, std::string> beating(const std::string& style) {
    return {{"delivery.heartbeat", "\"1s\""}, {"delivery.heartbeat_style", "\"" + style + "\""}};
}

TEST(Conformance, C19_C20_C23_HeartbeatsComeInThreeStyles) {
    LiveHub line{LiveStore::memory, beating("line")};
    LiveHub block{LiveStore::memory, beating("block")};
    LiveHub event{LiveStore::memory, beating("event")};
    ASSERT_TRUE(line.start() && block.start() && event.start());
    LiveStream lines{line.port(), {.token = line.reader("ann")}};
    LiveStream blocks{block.port(), {.token = block.reader("ann")}};
    LiveStream events{event.port(), {.token = event.reader("ann")}};
    ASSERT_TRUE(lines.read_until_live() && blocks.read_until_live() && events.read_until_live());
    const auto live = lines.text().size();

    ASSERT_TRUE(lines.read_until([&] { return lines.text().size() >= live + 10; }));
    EXPECT_EQ(lines.text().substr(live, 10), ": hb\n: hb\n")
        << "no blank line, which many readers take for an event";
    EXPECT_EQ(lines.events().size(), 1U);
    ASSERT_TRUE(blocks.read_until([&] { return blocks.text().ends_with(": hb\n\n: hb\n\n"); }));
    EXPECT_EQ(blocks.events().size(), 1U);
    ASSERT_TRUE(events.read_until_event("tidings.heartbeat", 2));
    EXPECT_TRUE(events.text().ends_with("event: tidings.heartbeat\ndata: {}\n\n")) << events.text();
    EXPECT_EQ(events.events().back().id, events.events().front().id) << "a heartbeat moves no cursor";
    EXPECT_GE(metric(line, "tidings_heartbeats_total"), 2);
    // An event behind a heartbeat line is whole.
    ASSERT_NE((HttpClient{line.port(), line.publisher()}.publish(item_json(type_alpha, to_user("ann"), 1))),
              "");
    EXPECT_TRUE(lines.read_until_event(type_alpha));
}

TEST(Conformance, C20_AnEventPutsTheNextHeartbeatOffAndAStreamMayAskForItsOwn) {
    LiveHub hub{LiveStore::memory, beating("line")};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    LiveStream busy{hub.port(), {.token = hub.reader("ann")}};
    LiveStream asked{hub.port(), {.token = hub.reader("bob"), .query = "heartbeat=60"}};
    LiveStream clamped{hub.port(), {.token = hub.reader("cat"), .query = "heartbeat=0"}};
    ASSERT_TRUE(busy.read_until_live() && asked.read_until_live() && clamped.read_until_live());
    const auto now = [] { return std::chrono::steady_clock::now(); };
    auto before = now();
    std::chrono::steady_clock::duration longest{};
    // More than three heartbeats' time, with an event in each 200 ms; the waiting is the reading.
    for (std::uint64_t n = 1; n <= 16; ++n) {
        const auto sent = now();
        ASSERT_NE(publisher.publish(item_json(type_alpha, to_user("ann"), n)), "");
        ASSERT_TRUE(busy.read_until_event(type_alpha, n));
        longest = std::max(longest, now() - before);
        before = sent;
        busy.read_until([&] { return now() - sent >= std::chrono::milliseconds{200}; });
    }
    const auto beats = [](const LiveStream& stream) { return occurrences(stream.text(), ": hb\n"); };
    // Where this machine stood still for so long, a heartbeat was right.
    if (longest < std::chrono::milliseconds{900}) {
        EXPECT_EQ(beats(busy), 0U);
    }
    ASSERT_TRUE(clamped.read_until([&] { return beats(clamped) >= 2; }));
    ASSERT_TRUE(busy.read_until([&] { return beats(busy) >= 1; })) << "and then it is silent";
    asked.read(std::chrono::milliseconds{1});
    EXPECT_EQ(beats(asked), 0U);
}

TEST(Conformance, C33_AFinishedTopicEndsCleanlyAndReturnsTo204) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    const auto token = hub.reader("ann", {"job"});
    const std::string query = "topics=job&audiences=topics";
    LiveStream old{hub.port(), {.token = token, .query = query, .version = "HTTP/1.0"}};
    LiveStream stream{hub.port(), {.token = token, .query = query}};
    LiveStream wider{hub.port(), {.token = token, .query = "topics=job"}};
    ASSERT_TRUE(old.read_until_live() && stream.read_until_live() && wider.read_until_live());
    ASSERT_NE(publisher.publish(item_json(type_alpha, to_topic("job"), 1)), "");
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(publisher.post("/api/v1/topics/job/close", "").status, 200) << "idempotent";
    EXPECT_EQ(publisher.publish(item_json(type_alpha, to_topic("job"), 2)), "");
    expect_problem(publisher.last(), 409, "topic-closed");
    EXPECT_EQ(stream.read_to_end(), StreamFinish::clean);
    EXPECT_EQ(old.read_to_end(), StreamFinish::fin) << "on HTTP/1.0 a FIN is the clean end";
    for (const auto* ended : {&stream, &old}) {
        EXPECT_EQ(ended->events().back().type, "tidings.closed");
        EXPECT_EQ(string_in(ended->events().back().data, "topic"), "job");
        EXPECT_EQ(ended->items().size(), 1U);
        EXPECT_EQ(ended->retries().size(), 1U) << "nothing asks to come back";
    }
    ASSERT_TRUE(wider.read_until_event("tidings.closed"));
    ASSERT_NE(publisher.publish(item_json(type_beta, to_user("ann"), 3)), "");
    EXPECT_TRUE(wider.read_until_event(type_beta)) << "it has the user's events, too";
    const auto back =
        HttpClient{hub.port(), token}.get("/api/v1/events?" + query, {{"Last-Event-ID", stream.last_id()}});
    EXPECT_EQ(back.status, 204);
    EXPECT_FALSE(back.field("Content-Length"));
}

TEST(Conformance, C34_C45_ALifetimeEndsUncleanlyWithARetryBeforeIt) {
    LiveHub hub{LiveStore::memory, {{"delivery.lifetime", "\"1s\""}}};
    ASSERT_TRUE(hub.start());
    for (const auto& [version, finish] :
         {std::pair{"HTTP/1.1", StreamFinish::fin}, {"HTTP/1.0", StreamFinish::reset}}) {
        LiveStream stream{hub.port(), {.token = hub.reader("ann"), .version = version}};
        EXPECT_EQ(stream.read_to_end(), finish) << version;
        ASSERT_EQ(stream.retries().size(), 2U) << "one at the begin, one for the way back";
        EXPECT_EQ(stream.count("tidings.caught_up"), 1U);
        LiveStream back{hub.port(), {.token = hub.reader("ann"), .cursor = stream.last_id()}};
        EXPECT_TRUE(back.read_until_live());
        EXPECT_EQ(back.count("tidings.gap"), 0U);
    }
    EXPECT_EQ(metric(hub, "tidings_streams_ended_total{reason=\"lifetime\"}") >= 2, true);
}

TEST(Conformance, C62_C63_EveryMatchingStreamGetsEachEventOnceInTopicOrder) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    std::vector<LiveStream> streams;
    streams.reserve(20);
    for (int i = 0; i < 20; ++i) {
        streams.emplace_back(hub.port(),
                             StreamAsk{.token = hub.reader("u" + std::to_string(i % 4), {"t"}),
                                       .query = i % 2 == 0 ? "topics=t" : "topics=t&categories=alpha"});
        ASSERT_TRUE(streams.back().read_until_live());
    }
    for (std::uint64_t n = 0; n < 100; ++n) {
        ASSERT_NE(publisher.publish(item_json(n % 2 == 0 ? type_alpha : type_beta, to_topic("t"), n)), "");
    }
    ASSERT_NE(publisher.publish(item_json(type_alpha, to_everybody, 100)), "");
    for (std::size_t i = 0; i < streams.size(); ++i) {
        auto& stream = streams[i];
        ASSERT_TRUE(stream.read_until_event(type_alpha, 51));
        std::int64_t last = -1;
        for (const auto& event : stream.items()) {
            EXPECT_LT(last, number_in(event.data, "n"));
            last = number_in(event.data, "n");
        }
        EXPECT_EQ(stream.items().size(), i % 2 == 0 ? 101U : 51U);
    }
}

TEST(Conformance, C65_ParametersThatAreUnknownOrTooManyAreNamed) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    HttpClient client{hub.port(), hub.reader("ann", {"*"})};
    std::string many_topics = "topics=t0";
    for (int i = 1; i < 65; ++i) many_topics += ",t" + std::to_string(i);
    const std::vector<std::pair<std::string, std::string>> rows{
        {"foo=1", "unknown-parameter"},
        {"category=alpha", "unknown-parameter"},
        {"categories=delta", "unknown-category"},
        {"categories=", "invalid-field"},
        {"categories=alpha%00", "unknown-category"},
        {"categories=ALPHA", "unknown-category"},
        {"topics=", "invalid-field"},
        {"topics=a%20b", "invalid-field"},
        {"topics=" + std::string(129, 't'), "invalid-field"},
        {many_topics, "invalid-field"},
        {"on_gap=maybe", "invalid-field"},
        {"audiences=all", "invalid-field"},
        {"audiences=topics", "missing-field"},
        {"heartbeat=soon", "invalid-field"},
        {"heartbeat=-1", "invalid-field"},
        {"on_gap=live&on_gap=live", "invalid-field"},
        {"topics=%zz", "invalid-field"}};
    for (const auto& [query, name] : rows) {
        const auto answer = client.get("/api/v1/events?" + query);
        expect_problem(answer, 400, name, query);
    }
    EXPECT_NE(client.get("/api/v1/events?categories=delta").body.find("['alpha', 'beta', 'gamma']"),
              std::string::npos)
        << client.last().body;
    EXPECT_NE(client.get("/api/v1/events?category=alpha").body.find("categories"), std::string::npos);
    // A browser that returns with a filter that a deploy has removed is not silenced, and hears of it.
    LiveStream back{hub.port(), {.token = hub.reader("ann"), .query = "categories=alpha,delta&from=x"}};
    ASSERT_TRUE(back.read_until_live());
    EXPECT_NE(back.events().back().data.find("\"ignored_categories\":[\"delta\"]"), std::string::npos);
}

}  // namespace
}  // namespace tidings::test
