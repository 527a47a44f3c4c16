#include "client/redis_test_support.hpp"

#include <future>
#include <thread>

namespace tidings {
namespace {

using namespace std::chrono_literals;
using namespace client_test;

RedisPublisherOptions options(const test::RedisServer& server = shared_server()) {
    RedisPublisherOptions made;
    made.redis = redis_config(server);
    made.registry = registry();
    made.shutdown = 50ms;
    return made;
}

// Listens as the original's consumers do.
class Listener {
public:
    explicit Listener(const std::string& channel) : client_{shared_server().port()} {
        client_.call({"SUBSCRIBE", prefix() + channel});
    }
    std::string next() {
        const auto value = client_.next();
        return value ? std::string{value->at(2).text_or_empty()} : "nothing";
    }

private:
    test::RedisClient client_;
};

std::string user_stream(const UserId& id) { return prefix() + ":stream:user:" + id.text(); }

std::size_t length(const std::string& stream) {
    return static_cast<std::size_t>(shared_server().call({"XLEN", stream}).as_integer().value_or(-1));
}

TEST(RedisPublisher, P1_PublishesToTheAudienceOfTheDraft) {
    auto redis = publisher();
    Listener listener{":user:" + ann.text()};
    auto event = draft(1);
    event.audience = Audience::user(ann);
    redis.publish(event);
    EXPECT_NE(listener.next().find(R"("data": {"n":1})"), std::string::npos);
    EXPECT_TRUE(redis.flush(patience));
    EXPECT_EQ(redis.counters().sent, 1U);
}

TEST(RedisPublisher, P2_AMessageHasTheOriginalsFieldsInItsOrder) {
    auto redis = publisher();
    Listener listener{":user:" + ann.text()};
    auto event = draft(7);
    event.occurred_at = Timestamp{std::chrono::seconds{1'768'876'200}};
    redis.publish_to_user(ann, event);
    const auto text = listener.next();
    const auto entry = shared_server().call({"XRANGE", user_stream(ann), "-", "+"}).at(0).at(1);
    const std::string id{entry.at(1).text_or_empty()};
    EXPECT_TRUE(text.starts_with(R"({"event_id": ")" + id +
                                 R"(", "event_type": "sync.accounts.completed", "user_id": ")" + ann.text() +
                                 R"(", "data": {"n":7}, "occurred_at": "2026-01-20T02:30:00+00:00")"))
        << text;
    EXPECT_EQ(Uuid::parse(id)->version(), 7);
    EXPECT_EQ(entry.at(2).text_or_empty(), "event_type");
    EXPECT_EQ(entry.at(4).text_or_empty(), "data");
    EXPECT_EQ(entry.at(6).text_or_empty(), "occurred_at");
}

TEST(RedisPublisher, C64_TheKeyOfAConflatingTypeIsInTheMessageAndInTheLog) {
    auto types =
        std::make_shared<Registry>(*registry());  // shared with the publisher, as its options have it
    EventTypeInfo info;
    info.type = "import.rows";
    info.category = "import";
    info.slow_reader = SlowReader::conflate;
    info.key = "/n";
    ASSERT_TRUE(types->add_type(info));
    auto made = options();
    made.registry = types;
    auto redis = RedisPublisher::create(std::move(made)).value();
    Listener listener{":user:" + ann.text()};
    redis.publish_to_user(ann, draft(7, "import.rows"));
    EXPECT_NE(listener.next().find(R"("key": "7")"), std::string::npos);
    auto own = draft(7, "import.rows");
    own.key = "own";
    redis.publish_to_user(ann, own);
    EXPECT_NE(listener.next().find(R"("key": "own")"), std::string::npos);
    own.type = "security.session.new";  // of another policy
    redis.publish_to_user(ann, own);
    EXPECT_TRUE(redis.flush(patience));
    EXPECT_EQ(redis.counters().failed, 1U);
    const auto log = shared_server().call({"XRANGE", user_stream(ann), "-", "+"});
    std::string fields;
    for (const auto& field : log.at(0).at(1).items) fields += std::string{field.text_or_empty()} + "\n";
    EXPECT_NE(fields.find(R"("key": "7")"), std::string::npos) << fields;
}

// The original leaves the event's own user in the message.
TEST(RedisPublisher, P3_AnEventForAnotherUserGoesToThatUsersChannelAndLogAndNamesThatUser) {
    auto redis = publisher();
    Listener listener{":user:" + bob.text()};
    auto event = draft(1);
    event.audience = Audience::user(ann);
    redis.publish_to_user(bob, event);
    EXPECT_NE(listener.next().find(R"("user_id": ")" + bob.text()), std::string::npos);
    EXPECT_TRUE(redis.flush(patience));
    EXPECT_EQ(length(user_stream(bob)), 1U);
    EXPECT_EQ(length(user_stream(ann)), 0U);
}

TEST(RedisPublisher, P4_ABroadcastReachesItsChannelWithTheNilUser) {
    auto redis = publisher();
    Listener listener{":broadcast"};
    redis.broadcast(draft(1));
    EXPECT_NE(listener.next().find(R"("user_id": "00000000-0000-0000-0000-000000000000")"),
              std::string::npos);
}

TEST(RedisPublisher, P5_WithoutARedisItCountsAndLogsAndNeverThrows) {
    Lines lines;
    auto made = options();
    made.redis.url = "redis://127.0.0.1:" + std::to_string(test::free_port());
    made.give_up_after = 50ms;
    made.log = lines.sink();
    auto redis = RedisPublisher::create(made).value();
    redis.publish_to_user(ann, draft(1));
    redis.broadcast(draft(2));
    EXPECT_TRUE(redis.flush(patience));
    EXPECT_EQ(redis.counters().failed, 2U);
    EXPECT_EQ(redis.counters().waiting, 0U);
    EXPECT_GE(lines.count("fail-open"), 1U);
}

TEST(RedisPublisher, P5_WhatIsNoEventFailsAloneAndIsLogged) {
    Lines lines;
    auto made = options();
    made.log = lines.sink();
    auto redis = RedisPublisher::create(made).value();
    redis.publish_to_user(ann, {"sync.accounts.completed", {}, "{\"n\":NaN}"});
    redis.publish_to_user(ann, {"sync.accounts.completed", {}, "[1]"});
    redis.publish_to_user(ann, {"no.such.type", {}, "{}"});
    redis.publish_to_user(ann, {"tidings.gap", {}, "{}"});
    redis.publish_to_user(ann, draft(5));
    EXPECT_TRUE(redis.flush(patience));
    EXPECT_EQ(redis.counters().failed, 4U);
    EXPECT_EQ(redis.counters().sent, 1U);
    EXPECT_EQ(lines.count("fail-open: an event was not published"), 4U);
}

// The original announces and then stores; what it could not store was delivered all the same.
TEST(RedisPublisher, P6_D3_WhatCannotBeStoredIsNotAnnounced) {
    Lines lines;
    auto made = options();
    made.give_up_after = 500ms;
    made.log = lines.sink();
    auto redis = RedisPublisher::create(made).value();
    shared_server().call({"SET", user_stream(ann), "no stream"});
    Listener listener{":user:" + ann.text()};
    redis.publish_to_user(ann, draft(1));
    EXPECT_TRUE(redis.flush(patience));
    EXPECT_EQ(redis.counters().failed, 1U);
    shared_server().call({"DEL", user_stream(ann)});
    redis.publish_to_user(ann, draft(2));
    EXPECT_NE(listener.next().find(R"("data": {"n":2})"), std::string::npos);
}

TEST(RedisPublisher, D3_WhoHearsAnEventFindsItInTheLog) {
    auto redis = publisher();
    Listener listener{":user:" + ann.text()};
    for (int i = 1; i <= 50; ++i) {
        redis.publish_to_user(ann, draft(i));
        ASSERT_NE(listener.next(), "nothing");
        ASSERT_EQ(length(user_stream(ann)), static_cast<std::size_t>(i));
    }
}

TEST(RedisPublisher, P7_RetainsInTheOrderOfPublishing) {
    auto redis = publisher();
    for (int i = 0; i < 300; ++i) redis.publish_to_user(ann, draft(i));
    ASSERT_TRUE(redis.flush(patience));
    const auto entries = shared_server().call({"XRANGE", user_stream(ann), "-", "+"});
    ASSERT_EQ(entries.items.size(), 300U);
    for (std::size_t i = 0; i < 300; ++i) {
        ASSERT_EQ(entries.at(i).at(1).at(5).text_or_empty(), "{\"n\":" + std::to_string(i) + "}");
    }
}

TEST(RedisPublisher, P8_ALogExpiresOneAgeAfterItsLastEvent) {
    auto redis = publisher();
    redis.publish_to_user(ann, draft(1));
    ASSERT_TRUE(redis.flush(patience));
    const auto ttl = shared_server().call({"TTL", user_stream(ann)}).as_integer();
    EXPECT_GT(ttl, 0);
    EXPECT_LE(ttl, 3600);
}

TEST(RedisPublisher, P9_ALogIsTrimmedToItsCap) {
    auto made = options();
    made.redis.retention.user.events = 5;
    auto redis = RedisPublisher::create(made).value();
    for (int i = 0; i < 10; ++i) redis.publish_to_user(ann, draft(i));
    ASSERT_TRUE(redis.flush(patience));
    EXPECT_LE(length(user_stream(ann)), 15U);
    EXPECT_GE(length(user_stream(ann)), 5U);
}

TEST(RedisPublisher, P10_KeepsAThousandEventsForAnHourByDefault) {
    const RedisPublisherOptions made;
    EXPECT_EQ(made.redis.retention.user.events, 1000U);
    EXPECT_EQ(made.redis.retention.user.age, 3600s);
    EXPECT_EQ(made.redis.prefix, "sse");
}

TEST(RedisPublisher, P11_WithoutARegistryAnyTypeGoesAsTheJobsDoIt) {
    auto made = options();
    made.registry = nullptr;
    auto redis = RedisPublisher::create(made).value();
    Listener listener{":user:" + ann.text()};
    redis.publish_to_user(ann, {"system.maintenance", {}, "{}"});
    EXPECT_NE(listener.next().find(R"("event_type": "system.maintenance")"), std::string::npos);
}

TEST(RedisPublisher, D1_AnEventForNoUserIsSkippedAndCounted) {
    Lines lines;
    auto made = options();
    made.log = lines.sink();
    {
        auto redis = RedisPublisher::create(made).value();
        redis.publish_to_user(UserId{}, draft(1));
        redis.publish({"sync.accounts.completed", Audience::user(UserId{}), "{}"});
        EXPECT_EQ(redis.counters().skipped, 2U);
        EXPECT_EQ(redis.counters().queued, 0U);
    }
    EXPECT_EQ(shared_server()
                  .call({"EXISTS", prefix() + ":stream:user:None", prefix() + ":stream:user:"})
                  .as_integer(),
              0);
    EXPECT_GE(lines.count("no user"), 1U);
}

TEST(RedisPublisher, D6_ABurstFromManyThreadsGoesOverOneConnectionAndNothingIsLost) {
    auto redis = publisher();
    ASSERT_TRUE(redis.flush(patience));
    std::vector<std::thread> threads;
    for (int t = 0; t < 10; ++t) {
        threads.emplace_back([&redis, t] {
            for (int i = 0; i < 200; ++i) redis.publish_to_user(ann, draft(t * 1000 + i));
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_TRUE(redis.flush(patience));
    EXPECT_EQ(redis.counters().sent, 2000U);
    EXPECT_EQ(redis.counters().dropped, 0U);
}

TEST(RedisPublisher, D8_LiveOrderIsStoredOrder) {
    auto redis = publisher();
    Listener listener{":user:" + ann.text()};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&redis, t] {
            for (int i = 0; i < 50; ++i) redis.publish_to_user(ann, draft(t * 1000 + i));
        });
    }
    for (auto& thread : threads) thread.join();
    ASSERT_TRUE(redis.flush(patience));
    const auto entries = shared_server().call({"XRANGE", user_stream(ann), "-", "+"});
    ASSERT_EQ(entries.items.size(), 200U);
    for (const auto& entry : entries.items) {
        const std::string id{entry.at(1).at(1).text_or_empty()};
        ASSERT_NE(listener.next().find(id), std::string::npos);
    }
}

TEST(RedisPublisher, D24_PublishingTakesNoTimeWhileRedisHangs) {
    test::RedisServer server;
    auto redis = RedisPublisher::create(options(server)).value();
    redis.publish_to_user(ann, draft(0));
    ASSERT_TRUE(redis.flush(patience));
    server.pause();
    const auto before = std::chrono::steady_clock::now();
    for (int i = 1; i <= 1000; ++i) redis.publish_to_user(ann, draft(i));
    EXPECT_LT(std::chrono::steady_clock::now() - before, 1s);
    EXPECT_FALSE(redis.flush(1ms));
    server.resume();
    EXPECT_TRUE(redis.flush(patience));
    EXPECT_EQ(redis.counters().sent, 1001U);
}

TEST(RedisPublisher, P8_AFullQueueDropsAndCountsAndLogs) {
    Lines lines;
    auto made = options();
    made.redis.url = "redis://127.0.0.1:" + std::to_string(test::free_port());
    made.queue_events = 3;
    made.log = lines.sink();
    {
        auto redis = RedisPublisher::create(made).value();
        for (int i = 0; i < 10; ++i) redis.publish_to_user(ann, draft(i));
        EXPECT_EQ(redis.counters().queued, 3U);
        EXPECT_EQ(redis.counters().dropped, 7U);
    }
    EXPECT_EQ(lines.count("events were dropped"), 1U);
    EXPECT_GE(lines.count("fail-open: events were not published"), 1U);
}

TEST(RedisPublisher, P8_EndingGoesOnDeliveringForAWhile) {
    auto made = options();
    made.shutdown = patience;
    {
        auto redis = RedisPublisher::create(made).value();
        for (int i = 0; i < 100; ++i) redis.publish_to_user(ann, draft(i));
    }
    EXPECT_EQ(length(user_stream(ann)), 100U);
}

TEST(RedisPublisher, P10_BreaksOfTheLinkAndARestartDoubleAndLoseNothing) {
    test::RedisServer server{{.lines = {"appendonly yes", "appendfsync always"}}};
    auto redis = RedisPublisher::create(options(server)).value();
    for (int i = 0; i < 300; ++i) {
        redis.publish_to_user(ann, draft(i));
        if (i % 60 == 30) server.call({"CLIENT", "KILL", "TYPE", "normal"});
        if (i == 200) server.restart();
    }
    ASSERT_TRUE(redis.flush(patience));
    EXPECT_EQ(redis.counters().sent, 300U);
    EXPECT_EQ(server.call({"XLEN", user_stream(ann)}).as_integer(), 300);
}

TEST(RedisPublisher, P7_AnIdempotencyKeyIsPublishedOnce) {
    auto redis = publisher();
    auto event = draft(1);
    event.idempotency_key = "order-17";
    redis.publish_to_user(ann, event);
    redis.publish_to_user(ann, event);
    ASSERT_TRUE(redis.flush(patience));
    EXPECT_EQ(redis.counters().sent, 2U);
    EXPECT_EQ(length(user_stream(ann)), 1U);
}

TEST(RedisPublisher, FlushWithACallbackComesOnce) {
    auto redis = publisher();
    redis.publish_to_user(ann, draft(1));
    std::promise<bool> flushed;
    redis.flush(patience, [&](bool whole) { flushed.set_value(whole); });
    EXPECT_TRUE(flushed.get_future().get());
}

TEST(RedisPublisher, FlushWithACallbackEndsWhenItsTimeIsUp) {
    auto made = options();
    made.redis.url = "redis://127.0.0.1:" + std::to_string(test::free_port());
    auto redis = RedisPublisher::create(made).value();
    redis.publish_to_user(ann, draft(1));
    std::promise<bool> flushed;
    redis.flush(1ms, [&](bool whole) { flushed.set_value(whole); });
    EXPECT_FALSE(flushed.get_future().get());
}

TEST(RedisPublisher, RefusesOptionsThatMakeNoSense) {
    auto made = options();
    made.redis.url = "memory:";
    EXPECT_EQ(RedisPublisher::create(made).error().code, Errc::invalid_field);
    made = options();
    made.give_up_after = 200s;
    EXPECT_EQ(RedisPublisher::create(made).error().code, Errc::invalid_field);
    made = options();
    made.redis.prefix = "two words";
    EXPECT_EQ(RedisPublisher::create(made).error().code, Errc::invalid_field);
}

}  // namespace
}  // namespace tidings
