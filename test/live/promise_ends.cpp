// How streams end, what has no id, and what leaves streams alone.

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <deque>

#include "live/eventually.hpp"
#include "live/live_client.hpp"
#include "live/live_hub.hpp"

namespace tidings::test {
namespace {

std::string close_path(std::string_view topic) { return "/api/v1/topics/" + std::string{topic} + "/close"; }

std::vector<std::string> types_of(const LiveStream& stream) {
    std::vector<std::string> types;
    for (const auto& event : stream.events()) {
        types.push_back(event.control() ? event.type : std::to_string(number_in(event.data, "n")));
    }
    return types;
}

using Types = std::vector<std::string>;

class EndsOn : public ::testing::TestWithParam<LiveStore> {};

TEST_P(EndsOn, P2_WhatIsNotRetainedHasNoIdAndLeavesTheCursorAlone) {
    LiveHub hub{GetParam()};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    LiveStream stream{hub.port(), {hub.reader("ann")}};
    ASSERT_TRUE(stream.read_until_live());
    const std::string cursor = stream.last_id();
    const auto answer = publisher.post("/api/v1/events", item_json(type_passing, to_user("ann"), 1));
    EXPECT_EQ(answer.status, 201);
    EXPECT_EQ(answer.body, R"({"id":null,"ids":[null]})");
    ASSERT_TRUE(stream.read_until_event(type_passing));
    EXPECT_EQ(stream.last_id(), cursor);
    const auto block = stream.text().substr(stream.text().find("event: item.passing"));
    EXPECT_EQ(block.find("id:"), std::string::npos) << block;
    const auto kept = publisher.publish(item_json(type_alpha, to_user("ann"), 2));
    ASSERT_TRUE(stream.read_until_event(type_alpha));
    EXPECT_EQ(stream.last_id(), kept);
    LiveStream again{hub.port(), {hub.reader("ann"), "", cursor}};
    ASSERT_TRUE(again.read_until_live());
    EXPECT_EQ(types_of(again), (Types{"2", "tidings.caught_up"}));
}

// The rest, tidings.closed, a clean end; 204 for who returns from there.
TEST_P(EndsOn, C33_AClosedTopicEndsItsReadersCleanly) {
    LiveHub hub{GetParam()};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    const std::string token = hub.reader("ann", {"room", "hall"});
    const std::string only_topic = "topics=room&audiences=topics";
    std::vector<std::string> ids;
    for (std::uint64_t n = 0; n < 4; ++n)
        ids.push_back(publisher.publish(item_json(type_alpha, to_topic("room"), n)));
    LiveStream reader{hub.port(), {token, only_topic, ids[0]}};
    LiveStream with_user{hub.port(), {token, "topics=room"}};
    LiveStream two_topics{hub.port(), {token, "topics=room,hall&audiences=topics"}};
    for (auto* stream : {&reader, &with_user, &two_topics}) ASSERT_TRUE(stream->read_until_live());
    ids.push_back(publisher.publish(item_json(type_alpha, to_topic("room"), 4)));
    EXPECT_EQ(publisher.post(close_path("room"), "").status, 200);
    EXPECT_EQ(publisher.post(close_path("room"), "").status, 200);
    EXPECT_EQ(publisher.post("/api/v1/events", item_json(type_alpha, to_topic("room"), 5)).status, 409);

    EXPECT_EQ(reader.read_to_end(), StreamFinish::clean);
    EXPECT_EQ(types_of(reader), (Types{"1", "2", "3", "tidings.caught_up", "4", "tidings.closed"}));
    EXPECT_EQ(reader.events().back().data, R"({"topic":"room"})");
    EXPECT_EQ(reader.last_id(), ids[4]);
    EXPECT_EQ(reader.retries().size(), 1U) << "a clean end asks nobody to come back";

    const auto returns = [&](const std::string& cursor) {
        return std::make_unique<LiveStream>(hub.port(), StreamAsk{token, only_topic, cursor});
    };
    EXPECT_EQ(returns(reader.last_id())->status(), 204);
    const auto replay = returns(ids[2]);
    EXPECT_EQ(replay->read_to_end(), StreamFinish::clean);
    EXPECT_EQ(types_of(*replay), (Types{"3", "4", "tidings.closed"}));

    EXPECT_FALSE(publisher.publish(item_json(type_alpha, to_user("ann"), 10)).empty());
    ASSERT_TRUE(with_user.read_until(
        [&] { return !types_of(with_user).empty() && types_of(with_user).back() == "10"; }));
    EXPECT_EQ(types_of(with_user), (Types{"tidings.caught_up", "4", "tidings.closed", "10"}));
    EXPECT_EQ(with_user.finish(), StreamFinish::open);
    EXPECT_EQ(publisher.post(close_path("hall"), "").status, 200);
    EXPECT_EQ(two_topics.read_to_end(), StreamFinish::clean);
    EXPECT_EQ(types_of(two_topics), (Types{"tidings.caught_up", "4", "tidings.closed", "tidings.closed"}));
}

TEST_P(EndsOn, C33_AfterACleanEndTheConnectionGoesOn) {
    LiveHub hub{GetParam()};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    EXPECT_EQ(publisher.post(close_path("room"), "").status, 200);
    LiveStream stream{hub.port(), {hub.reader("ann", {"room"}), "topics=room&audiences=topics"}};
    EXPECT_EQ(stream.read_to_end(), StreamFinish::clean);
    ASSERT_TRUE(
        stream.socket().send("GET /api/v1/event-types HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
                             hub.reader("ann") + "\r\n\r\n"));
    std::string answer = stream.leftover();
    EXPECT_TRUE(eventually([&] {
        stream.socket().receive(answer, std::chrono::milliseconds{20});
        return answer.find("item.alpha") != std::string::npos;
    }));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer;
    LiveStream old{hub.port(),
                   {.token = hub.reader("ann", {"room"}),
                    .query = "topics=room&audiences=topics",
                    .version = "HTTP/1.0"}};
    EXPECT_EQ(old.read_to_end(), StreamFinish::fin) << "a clean end on HTTP/1.0 is a FIN";
    EXPECT_EQ(types_of(old), (Types{"tidings.closed"}));
}

TEST_P(EndsOn, C33_CategoriesDoNotHideTheEndOfATopic) {
    LiveHub hub{GetParam()};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    const std::string query = "topics=room&audiences=topics&categories=beta";
    const std::string token = hub.reader("ann", {"room"});
    LiveStream stream{hub.port(), {token, query}};
    ASSERT_TRUE(stream.read_until_live());
    EXPECT_FALSE(publisher.publish(item_json(type_alpha, to_topic("room"), 1)).empty());
    EXPECT_EQ(publisher.post(close_path("room"), "").status, 200);
    EXPECT_EQ(stream.read_to_end(), StreamFinish::clean);
    EXPECT_EQ(types_of(stream), (Types{"tidings.caught_up", "tidings.closed"}));
    // Nothing that matches follows: this is the tail.
    EXPECT_EQ((LiveStream{hub.port(), {token, query, stream.last_id()}}.status()), 204);
}

// Unclean: the retry, 100 ms, no last chunk; on HTTP/1.0 a reset behind everything that was sent.
TEST_P(EndsOn, P2_ADrainEndsStreamsUncleanlyAndTheyResume) {
    LiveHub hub{GetParam()};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    const std::string token = hub.reader("ann");
    std::deque<LiveStream> streams;
    for (int i = 0; i < 12; ++i) {
        streams.emplace_back(hub.port(),
                             StreamAsk{.token = token, .version = i % 3 == 0 ? "HTTP/1.0" : "HTTP/1.1"});
        ASSERT_TRUE(streams.back().read_until_live());
    }
    const auto id = publisher.publish(item_json(type_alpha, to_user("ann"), 1));
    EXPECT_EQ(hub.terminate(), 0);
    for (std::size_t i = 0; i < streams.size(); ++i) {
        auto& stream = streams[i];
        EXPECT_EQ(name_of(stream.read_to_end()), i % 3 == 0 ? "reset" : "fin") << i;
        EXPECT_EQ(types_of(stream), (Types{"tidings.caught_up", "1"}));
        ASSERT_EQ(stream.retries().size(), 2U) << stream.text();
        EXPECT_GE(stream.retries()[1], std::chrono::milliseconds{100});
        EXPECT_LE(stream.retries()[1], std::chrono::milliseconds{190});
        EXPECT_EQ(stream.last_id(), id);
    }
    if (GetParam() == LiveStore::memory) return;
    ASSERT_TRUE(hub.start());
    HttpClient after{hub.port(), hub.publisher()};
    EXPECT_FALSE(after.publish(item_json(type_alpha, to_user("ann"), 2)).empty());
    LiveStream again{hub.port(), {token, "", streams[0].last_id()}};
    ASSERT_TRUE(again.read_until_live());
    EXPECT_EQ(types_of(again), (Types{"2", "tidings.caught_up"}));
}

INSTANTIATE_TEST_SUITE_P(Promise, EndsOn,
                         ::testing::Values(LiveStore::memory, LiveStore::lmdb, LiveStore::redis),
                         [](const auto& instance) { return std::string{name_of(instance.param)}; });

TEST(Promise, P2_ADrainIsSpreadOverItsWindow) {
    LiveHub hub{LiveStore::memory, {{"delivery.drain", "\"2s\""}}};
    ASSERT_TRUE(hub.start());
    std::deque<LiveStream> streams;
    for (int i = 0; i < 60; ++i) {
        streams.emplace_back(hub.port(), StreamAsk{.token = hub.reader("ann")});
        ASSERT_TRUE(streams.back().read_until_live());
    }
    hub.send_signal(SIGTERM);
    // While some have been told to go, others are still served.
    bool some_of_both = false;
    EXPECT_TRUE(eventually([&] {
        std::size_t told = 0;
        for (auto& stream : streams) {
            stream.read(std::chrono::milliseconds{0});
            told += stream.retries().size() > 1;
        }
        some_of_both = some_of_both || (told > 0 && told < streams.size());
        return told == streams.size();
    }));
    EXPECT_TRUE(some_of_both);
    for (auto& stream : streams) EXPECT_EQ(stream.read_to_end(), StreamFinish::fin);
    EXPECT_EQ(hub.wait(), 0);
}

// New streams: a browser's is refused softly, so that its EventSource lives on. A reader that takes nothing
// keeps the hub draining meanwhile.
TEST(Promise, P2_WhileItDrainsNewStreamsAreRefusedSoftly) {
    LiveHub hub{LiveStore::memory,
                {{"delivery.drain", "\"60s\""},
                 {"delivery.stall", "\"10m\""},
                 {"server.limits.send_buffer_bytes", "\"4KiB\""}}};
    ASSERT_TRUE(hub.start());
    LiveStream stuck{hub.port(), {.token = hub.reader("ann"), .receive_buffer = 4096}};
    ASSERT_TRUE(stuck.read_until_live());
    HttpClient publisher{hub.port(), hub.publisher()};
    const std::string pad(50'000, 'p');
    for (std::uint64_t n = 0; n < 10; ++n) {
        EXPECT_FALSE(publisher.publish(item_json(type_alpha, to_user("ann"), n, "", pad)).empty());
    }
    ASSERT_TRUE(eventually([&] { return metric(hub.operations_port(), "tidings_blocked_total") > 0; }));
    hub.send_signal(SIGTERM);
    ASSERT_TRUE(eventually([&] { return HttpClient{hub.operations_port()}.get("/readyz").status == 503; }));
    LiveStream browser{hub.port(), {}};
    EXPECT_EQ(browser.status(), 200);
    EXPECT_EQ(browser.read_to_end(), StreamFinish::fin);
    EXPECT_EQ(browser.retries().size(), 1U);
    EXPECT_TRUE(browser.events().empty());
    LiveStream other{hub.port(), {hub.reader("ann")}};
    EXPECT_EQ(other.status(), 503);
    EXPECT_TRUE(other.answer().field("Retry-After").has_value());
    hub.send_signal(SIGTERM);
    EXPECT_EQ(hub.wait(), 0);
    EXPECT_EQ(stuck.read_to_end(), StreamFinish::reset);
}

TEST(Promise, P5_AStreamEndsUncleanlyWithItsCredential) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    TokenWish wish;
    wish.user = "ann";
    wish.expires = std::chrono::seconds{3};
    LiveStream stream{hub.port(), {hub.token(wish)}};
    LiveStream long_lived{hub.port(), {hub.reader("ann")}};
    ASSERT_TRUE(stream.read_until_event("tidings.expiring"));
    ASSERT_TRUE(long_lived.read_until_live());
    EXPECT_EQ(stream.finish(), StreamFinish::open);
    const auto expiring = std::find_if(stream.events().begin(), stream.events().end(),
                                       [](const auto& event) { return event.type == "tidings.expiring"; });
    EXPECT_FALSE(string_in(expiring->data, "expires_at").empty());
    EXPECT_EQ(stream.text().substr(stream.text().find("event: tidings.expiring")).find("id:"),
              std::string::npos);
    EXPECT_EQ(stream.read_to_end(), StreamFinish::fin);
    EXPECT_EQ(stream.retries().size(), 2U);
    EXPECT_EQ(stream.count("tidings.expiring"), 1U);
    EXPECT_EQ(long_lived.count("tidings.expiring"), 0U);
    EXPECT_TRUE(long_lived.read(std::chrono::milliseconds{0}));
    EXPECT_EQ(
        (LiveStream{hub.port(), {hub.token({"ann", {}, {}, false, "", std::chrono::seconds{-1}})}}.status()),
        401);
}

TEST(Promise, P2_AStreamOfALimitedLifeEndsUncleanlyAndResumes) {
    LiveHub hub{LiveStore::memory, {{"delivery.lifetime", "\"1s\""}}};
    ASSERT_TRUE(hub.start());
    LiveStream stream{hub.port(), {hub.reader("ann")}};
    EXPECT_EQ(stream.read_to_end(), StreamFinish::fin);
    EXPECT_EQ(stream.retries().size(), 2U);
    HttpClient publisher{hub.port(), hub.publisher()};
    EXPECT_FALSE(publisher.publish(item_json(type_alpha, to_user("ann"), 1)).empty());
    LiveStream again{hub.port(), {hub.reader("ann"), "", stream.last_id()}};
    ASSERT_TRUE(again.read_until_live());
    EXPECT_EQ(types_of(again), (Types{"1", "tidings.caught_up"}));
}

TEST(Promise, P2_AReloadKeepsStreams) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    LiveStream stream{hub.port(), {hub.reader("ann")}};
    ASSERT_TRUE(stream.read_until_live());
    hub.set("delivery.retry", R"(["7s", "7s"])");
    hub.set("server.shards", "1");
    hub.write_config();
    hub.send_signal(SIGHUP);
    ASSERT_TRUE(eventually([&] { return hub.log().find("server.shards") != std::string::npos; }))
        << hub.log();
    EXPECT_NE(hub.log().find("reloaded"), std::string::npos);
    HttpClient publisher{hub.port(), hub.publisher()};
    EXPECT_FALSE(publisher.publish(item_json(type_alpha, to_user("ann"), 1)).empty());
    ASSERT_TRUE(stream.read_until_event(type_alpha));
    LiveStream later{hub.port(), {hub.reader("ann")}};
    ASSERT_TRUE(later.read_until_live());
    EXPECT_EQ(later.retries().front(), std::chrono::milliseconds{7'000});
    // A broken file changes nothing.
    hub.set("delivery.stall", "\"never\"");
    hub.write_config();
    hub.send_signal(SIGHUP);
    ASSERT_TRUE(eventually([&] { return hub.log().find("not reloaded") != std::string::npos; })) << hub.log();
    EXPECT_FALSE(publisher.publish(item_json(type_alpha, to_user("ann"), 2)).empty());
    ASSERT_TRUE(stream.read_until_event(type_alpha, 2));
    EXPECT_EQ(stream.finish(), StreamFinish::open);
}

TEST(Promise, P7_AClosedTopicStaysClosedAfterAKill) {
    LiveHub hub{LiveStore::lmdb};
    ASSERT_TRUE(hub.start());
    const std::string query = "topics=room&audiences=topics";
    const std::string token = hub.reader("ann", {"room"});
    std::string last;
    {
        HttpClient publisher{hub.port(), hub.publisher()};
        last = publisher.publish(item_json(type_alpha, to_topic("room"), 1));
        EXPECT_EQ(publisher.post(close_path("room"), "").status, 200);
    }
    hub.kill();
    ASSERT_TRUE(hub.start());
    EXPECT_EQ((LiveStream{hub.port(), {token, query, last}}.status()), 204);
    LiveStream whole{hub.port(), {token, query + "&from=earliest"}};
    EXPECT_EQ(whole.read_to_end(), StreamFinish::clean);
    EXPECT_EQ(types_of(whole), (Types{"1", "tidings.closed"}));
    HttpClient publisher{hub.port(), hub.publisher()};
    EXPECT_EQ(publisher.post("/api/v1/events", item_json(type_alpha, to_topic("room"), 2)).status, 409);
}

}  // namespace
}  // namespace tidings::test
