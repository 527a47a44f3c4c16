#include "client/redis_test_support.hpp"

#include <future>

namespace tidings {
namespace {

using namespace std::chrono_literals;
using namespace client_test;

using Texts = std::vector<std::string>;

std::size_t links_of(const std::string& kind) {
    const std::string list{shared_server().call({"CLIENT", "LIST", "TYPE", kind}).text_or_empty()};
    std::size_t count = 0;
    for (auto at = list.find("name=tidings-"); at != std::string::npos;
         at = list.find("name=tidings-", at + 1))
        ++count;
    return count;
}

std::string id_of(const SubscriberEvent& item) { return std::get<Event>(item).id.text(); }

// ---- live

TEST(RedisSubscriber, S1_S7_AWrongCategoryIsRefusedBeforeAnythingIsAskedOfRedis) {
    const auto wrong = CategoryFilter::parse(std::vector<std::string>{"xyz"}, *registry());
    EXPECT_EQ(
        wrong.error().detail,
        "Invalid category 'xyz'. Valid categories: ['data_sync', 'provider', 'ai', 'import', 'portfolio', "
        "'security']");
}

TEST(RedisSubscriber, S2_GivesEventsInOrderWithIdTypeAndDataIntact) {
    auto redis = publisher();
    auto events = subscriber();
    Given given;
    const auto subscription = events.subscribe(ann, {}, given.callbacks());
    ASSERT_TRUE(given.live(1));
    for (int i = 1; i <= 200; ++i) redis.publish_to_user(ann, draft(i));
    EXPECT_EQ(given.texts(200), numbers(1, 200));
    const auto event = std::get<Event>(given.items().front());
    EXPECT_EQ(event.type, "sync.accounts.completed");
    EXPECT_EQ(event.category, "data_sync");
    EXPECT_EQ(event.audience, Audience::user(ann));
    EXPECT_EQ(event.id.version(), 7);
}

TEST(RedisSubscriber, S2_GivesTheOriginalsEventsInOrderWithTheirIds) {
    OriginalProducer original;
    auto events = subscriber();
    Given given;
    const auto subscription = events.subscribe(ann, {}, given.callbacks());
    ASSERT_TRUE(given.live(1));
    for (int i = 1; i <= 50; ++i) {
        original.publish(i, ann);
        ASSERT_EQ(given.texts(static_cast<std::size_t>(i)).size(), static_cast<std::size_t>(i));
    }
    const auto items = given.items();
    ASSERT_EQ(items.size(), 50U);
    EXPECT_EQ(id_of(items[6]), OriginalProducer::id(7));
    EXPECT_EQ(std::get<Event>(items[6]).data, R"({"n":7})");
    EXPECT_EQ(std::get<Event>(items[6]).category, "data_sync");
}

TEST(RedisSubscriber, S3_BroadcastsReachEveryoneWhoeverWroteThem) {
    auto redis = publisher();
    OriginalProducer original;
    auto events = subscriber();
    Given to_ann, to_bob;
    const auto one = events.subscribe(ann, {}, to_ann.callbacks());
    const auto other = events.subscribe(bob, {}, to_bob.callbacks());
    ASSERT_TRUE(to_ann.live(1) && to_bob.live(1));
    redis.broadcast(draft(1));
    ASSERT_EQ(to_ann.texts(1), Texts{"1"});
    original.broadcast(2);
    EXPECT_EQ(to_ann.texts(2), (Texts{"1", "2"}));
    EXPECT_EQ(to_bob.texts(2), (Texts{"1", "2"}));
}

TEST(RedisSubscriber, S4_NobodyHearsAnothersEvents) {
    auto redis = publisher();
    auto events = subscriber();
    Given to_ann, to_bob;
    const auto one = events.subscribe(ann, {}, to_ann.callbacks());
    const auto other = events.subscribe(bob, {}, to_bob.callbacks());
    ASSERT_TRUE(to_ann.live(1) && to_bob.live(1));
    redis.publish_to_user(bob, draft(1));
    redis.publish_to_user(ann, draft(2));
    redis.broadcast(draft(3));
    EXPECT_EQ(to_ann.texts(2), (Texts{"2", "3"}));
    EXPECT_EQ(to_bob.texts(2), (Texts{"1", "3"}));
}

TEST(RedisSubscriber, S5_EverySubscriptionOfOneUserHearsEverything) {
    auto redis = publisher();
    auto events = subscriber();
    auto others = subscriber();
    Given first, second, third;
    const auto a = events.subscribe(ann, {}, first.callbacks());
    const auto b = events.subscribe(ann, {}, second.callbacks());
    const auto c = others.subscribe(ann, {}, third.callbacks());
    ASSERT_TRUE(first.live(1) && second.live(1) && third.live(1));
    redis.publish_to_user(ann, draft(1));
    for (auto* given : {&first, &second, &third}) EXPECT_EQ(given->texts(1), Texts{"1"});
}

TEST(RedisSubscriber, S6_CategoriesFilterAndNoneOfThemMatchesNothing) {
    auto redis = publisher();
    auto events = subscriber();
    Given some, nothing, all;
    const auto a = events.subscribe(ann, only({"security"}), some.callbacks());
    const auto b = events.subscribe(ann, only({}), nothing.callbacks());
    const auto c = events.subscribe(ann, {}, all.callbacks());
    ASSERT_TRUE(some.live(1) && nothing.live(1) && all.live(1));
    redis.publish_to_user(ann, draft(1));
    redis.broadcast(draft(2, "security.session.new"));
    redis.publish_to_user(ann, draft(3));
    EXPECT_EQ(all.texts(3), numbers(1, 3));
    EXPECT_EQ(some.texts(1), Texts{"2"});
    EXPECT_TRUE(nothing.items().empty());
}

TEST(RedisSubscriber, S9_S10_D5_PoisonIsPassedOverAndCounted) {
    OriginalProducer original;
    auto events = subscriber();
    Given given;
    const auto subscription = events.subscribe(ann, {}, given.callbacks());
    ASSERT_TRUE(given.live(1));
    for (const char* poison : {"[]", "5", "null", "not json", R"({"event_id": null})", R"({"event_id": 5})",
                               "{}", R"({"event_id": "x", "event_type": "a.b"})", "\xff\xfe"}) {
        original.call({"PUBLISH", prefix() + ":broadcast", poison});
    }
    original.call({"PUBLISH", prefix() + ":broadcast", OriginalProducer::message(1, "x", "no.such.type")});
    original.broadcast(2);
    EXPECT_EQ(given.texts(1), Texts{"2"});
    EXPECT_EQ(events.counters().unreadable, 10U);
}

TEST(RedisSubscriber, D29_DataThatIsNoJsonIsPassedOver) {
    OriginalProducer original;
    auto events = subscriber();
    Given given;
    const auto subscription = events.subscribe(ann, {}, given.callbacks());
    ASSERT_TRUE(given.live(1));
    auto text = OriginalProducer::message(1, ann.text());
    text.replace(text.find("{\"n\": 1}"), 8, "{\"n\": NaN}");
    original.call({"PUBLISH", prefix() + ":user:" + ann.text(), text});
    original.broadcast(2);
    EXPECT_EQ(given.texts(1), Texts{"2"});
}

TEST(RedisSubscriber, S11_WithoutARedisASubscriptionWaits) {
    const auto port = test::free_port();
    auto options = subscriber_options();
    options.redis.url = "redis://127.0.0.1:" + std::to_string(port);
    options.patience = 20ms;
    auto events = RedisSubscriber::create(options).value();
    Given given;
    {
        const auto subscription = events.subscribe(ann, {}, given.callbacks());
        EXPECT_FALSE(subscription.wait_live(20ms));
        EXPECT_TRUE(given.ended().empty());
    }
    EXPECT_EQ(given.ended(), std::vector{Errc::cancelled});
}

TEST(RedisSubscriber, S12_D28_CancellingUnsubscribesAndSaysSoAndNothingComesAfterwards) {
    auto redis = publisher();
    auto events = subscriber();
    Given given, other;
    const auto stays = events.subscribe(bob, {}, other.callbacks());
    {
        const auto subscription = events.subscribe(ann, {}, given.callbacks());
        ASSERT_TRUE(given.live(1) && other.live(1));
    }
    EXPECT_EQ(given.ended(), std::vector{Errc::cancelled});
    EXPECT_EQ(events.counters().subscriptions, 1U);
    redis.publish_to_user(ann, draft(1));
    redis.publish_to_user(bob, draft(2));
    EXPECT_EQ(other.texts(1), Texts{"2"});
    EXPECT_TRUE(given.items().empty());
    const auto channel = prefix() + ":user:" + ann.text();
    const auto until = std::chrono::steady_clock::now() + patience;
    while (shared_server().call({"PUBSUB", "NUMSUB", channel}).at(1).as_integer() != 0) {
        ASSERT_LT(std::chrono::steady_clock::now(), until);
    }
}

TEST(RedisSubscriber, D28_ACallbackMayCancelItsOwnSubscription) {
    auto redis = publisher();
    auto events = subscriber();
    std::promise<void> ended;
    int given = 0;
    std::optional<Subscription> subscription;
    std::promise<void> live;
    SubscriberCallbacks callbacks;
    callbacks.event = [&](const SubscriberEvent&) {
        ++given;
        subscription->cancel();
    };
    callbacks.live = [&] { live.set_value(); };
    callbacks.ended = [&](const Error&) { ended.set_value(); };
    subscription = events.subscribe(ann, {}, callbacks);
    live.get_future().wait();
    for (int i = 0; i < 10; ++i) redis.publish_to_user(ann, draft(i));
    ended.get_future().wait();
    redis.flush(patience);
    subscription.reset();
    EXPECT_EQ(given, 1);
}

TEST(RedisSubscriber, D28_EndingTheSubscriberEndsItsSubscriptions) {
    Given given;
    Subscription subscription;
    std::optional<EventStream> stream;
    {
        auto events = subscriber();
        subscription = events.subscribe(ann, {}, given.callbacks());
        stream.emplace(events.events(ann));
        ASSERT_TRUE(given.live(1));
    }
    EXPECT_EQ(given.ended(), std::vector{Errc::cancelled});
    EXPECT_EQ(stream->next(patience).error().code, Errc::cancelled);
    subscription.cancel();
}

TEST(RedisSubscriber, ACallbackThatThrowsEndsNothing) {
    Lines lines;
    auto redis = publisher();
    auto options = subscriber_options();
    options.log = lines.sink();
    auto events = RedisSubscriber::create(options).value();
    std::promise<void> second, live;
    int given = 0;
    SubscriberCallbacks callbacks;
    callbacks.live = [&] { live.set_value(); };
    callbacks.event = [&](const SubscriberEvent&) {
        if (++given == 2) second.set_value();
        throw std::runtime_error{"no"};
    };
    const auto subscription = events.subscribe(ann, {}, callbacks);
    live.get_future().wait();
    redis.publish_to_user(ann, draft(1));
    redis.publish_to_user(ann, draft(2));
    second.get_future().wait();
    EXPECT_GE(lines.count("callback of a subscription threw"), 1U);
}

TEST(RedisSubscriber, D21_AHundredSubscriptionsShareTheSameLinks) {
    auto events = subscriber();
    std::vector<EventStream> streams;
    const auto before = links_of("normal");
    for (int i = 0; i < 100; ++i) streams.push_back(events.events(user("user-" + std::to_string(i))));
    for (const auto& stream : streams) ASSERT_TRUE(stream.wait_live(patience));
    EXPECT_EQ(links_of("pubsub"), 1U);
    EXPECT_LE(links_of("normal"), std::max<std::size_t>(before, 2));
}

TEST(RedisSubscriber, SubscribersAreIndependent) {
    auto redis = publisher();
    auto off = subscriber_options();
    off.redis.retention.user.events = 0;
    auto without = RedisSubscriber::create(off).value();
    Given given;
    {
        auto events = subscriber();
        const auto subscription = events.subscribe(ann, {}, given.callbacks());
        ASSERT_TRUE(given.live(1));
    }
    Given other;
    auto another = subscriber();
    const auto subscription = another.subscribe(ann, {}, other.callbacks());
    ASSERT_TRUE(other.live(1));
    redis.publish_to_user(ann, draft(1));
    EXPECT_EQ(other.texts(1), Texts{"1"});
    EXPECT_TRUE(given.items().empty());
    EXPECT_EQ(without.missed_events(ann, id_of(other.items()[0])).cause, MissedCause::retention_off);
}

TEST(RedisSubscriber, P4_AnEventThatNoLogKeepsHasNoIdToReturnWith) {
    auto redis = publisher();
    auto events = subscriber();
    Given given;
    const auto subscription = events.subscribe(ann, {}, given.callbacks());
    ASSERT_TRUE(given.live(1));
    redis.publish_to_user(ann, draft(1, "import.progress"));
    EXPECT_EQ(given.texts(1), Texts{"1"});
    EXPECT_TRUE(std::get<Event>(given.items()[0]).id.nil());
}

// ---- breaks

TEST(RedisSubscriber, P10_D23_KilledLinksLoseNothingAndDoubleNothing) {
    auto redis = publisher();
    auto events = subscriber();
    Given given;
    const auto subscription = events.subscribe(ann, {}, given.callbacks());
    ASSERT_TRUE(given.live(1));
    for (int i = 1; i <= 400; ++i) {
        redis.publish_to_user(ann, draft(i));
        // What follows passes before the links are back.
        if (i % 100 == 50) {
            ASSERT_TRUE(redis.flush(patience));
            shared_server().call({"CLIENT", "KILL", "TYPE", "pubsub"});
        }
        if (i % 100 == 60) {
            ASSERT_TRUE(redis.flush(patience));
            shared_server().call({"CLIENT", "KILL", "TYPE", "normal"});
        }
    }
    ASSERT_TRUE(redis.flush(patience));
    EXPECT_EQ(given.texts(400), numbers(1, 400));
}

TEST(RedisSubscriber, P10_D2_WhatPassesWhileTheLinkIsDownIsReadFromTheLogs) {
    test::RedisServer server;
    auto redis = publisher(server);
    OriginalProducer original{server};
    auto events = subscriber(server);
    Given given;
    const auto subscription = events.subscribe(ann, {}, given.callbacks());
    ASSERT_TRUE(given.live(1));
    redis.publish_to_user(ann, draft(1));
    ASSERT_EQ(given.texts(1), Texts{"1"});
    // In one transaction, so that the subscriber cannot be back in between.
    original.call({"MULTI"});
    original.call({"CLIENT", "KILL", "TYPE", "pubsub"});
    original.publish(2, ann);
    original.publish(3, ann);
    original.call({"EXEC"});
    EXPECT_EQ(given.texts(3), numbers(1, 3));
    redis.publish_to_user(ann, draft(4));
    EXPECT_EQ(given.texts(4), numbers(1, 4));
}

TEST(RedisSubscriber, P10_ARestartThatKeptEverythingIsNoGap) {
    test::RedisServer server{{.lines = {"appendonly yes", "appendfsync always"}}};
    auto redis = publisher(server);
    auto events = subscriber(server);
    Given given;
    const auto subscription = events.subscribe(ann, {}, given.callbacks());
    ASSERT_TRUE(given.live(1));
    for (int i = 1; i <= 20; ++i) redis.publish_to_user(ann, draft(i));
    ASSERT_EQ(given.texts(20).size(), 20U);
    server.restart();
    for (int i = 21; i <= 40; ++i) redis.publish_to_user(ann, draft(i));
    EXPECT_EQ(given.texts(40), numbers(1, 40));
}

TEST(RedisSubscriber, P3_ARedisThatForgotEverythingIsToldAndGoesOn) {
    test::RedisServer server;
    auto redis = publisher(server);
    auto events = subscriber(server);
    Given given;
    const auto subscription = events.subscribe(ann, {}, given.callbacks());
    ASSERT_TRUE(given.live(1));
    redis.publish_to_user(ann, draft(1));
    ASSERT_EQ(given.texts(1), Texts{"1"});
    server.kill();
    server.restart();
    ASSERT_TRUE(given.live(2));
    redis.publish_to_user(ann, draft(2));
    EXPECT_EQ(given.texts(3), (Texts{"1", "gap store_reset", "2"}));
}

TEST(RedisSubscriber, D22_ACallbackThatBlocksCostsABoundedInboxAndLosesNothing) {
    auto redis = publisher();
    auto events = subscriber();
    std::promise<void> live, release;
    std::promise<Texts> all;
    Texts texts;
    SubscriberCallbacks callbacks;
    callbacks.live = [&, told = false]() mutable {
        if (!std::exchange(told, true)) live.set_value();
    };
    callbacks.event = [&, wait = release.get_future().share()](const SubscriberEvent& item) {
        wait.wait();
        texts.push_back(text_of(item));
        if (texts.size() == 1000) all.set_value(texts);
    };
    const auto subscription = events.subscribe(ann, {}, callbacks);
    live.get_future().wait();
    for (int i = 1; i <= 1000; ++i) redis.publish_to_user(ann, draft(i));
    ASSERT_TRUE(redis.flush(patience));
    release.set_value();
    EXPECT_EQ(all.get_future().get(), numbers(1, 1000));
}

}  // namespace
}  // namespace tidings
