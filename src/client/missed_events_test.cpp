#include "client/redis_test_support.hpp"

#include <future>

namespace tidings {
namespace {

using namespace std::chrono_literals;
using namespace client_test;

using Texts = std::vector<std::string>;

std::string id_of(const SubscriberEvent& item) { return std::get<Event>(item).id.text(); }

class MissedEventsAfter : public testing::Test {
protected:
    // 1 to 5 of the original's.
    void SetUp() override {
        for (int i = 1; i <= 5; ++i)
            original.store(i, ann, i == 3 ? "security.session.new" : "sync.accounts.completed");
    }
    OriginalProducer original;
    RedisSubscriber events = subscriber();
};

TEST_F(MissedEventsAfter, S13_RetentionOffSaysSoWithoutAskingRedis) {
    auto options = subscriber_options();
    options.redis.retention.user.events = 0;
    options.redis.url = "redis://127.0.0.1:" + std::to_string(test::free_port());
    auto off = RedisSubscriber::create(options).value();
    const auto missed = off.missed_events(ann, OriginalProducer::id(1));
    EXPECT_TRUE(missed.events.empty());
    EXPECT_EQ(missed.cause, MissedCause::retention_off);
}

TEST_F(MissedEventsAfter, S13_TheOriginalsIdsAreNotLookedForWhereItsLogsAreNotRead) {
    auto options = subscriber_options();
    options.redis.foreign_producers = ForeignProducers::live;
    auto live = RedisSubscriber::create(options).value();
    EXPECT_EQ(live.missed_events(ann, OriginalProducer::id(1)).cause, MissedCause::retention_off);
}

TEST_F(MissedEventsAfter, S14_GivesWhatCameAfterTheIdOldestFirst) {
    const auto missed = events.missed_events(ann, OriginalProducer::id(2));
    EXPECT_EQ(texts_of(missed.events), numbers(3, 5));
    EXPECT_TRUE(missed.complete());
    EXPECT_EQ(missed.events[0].id.text(), OriginalProducer::id(3));
    EXPECT_EQ(missed.events[0].audience, Audience::user(ann));
    const auto none = events.missed_events(ann, OriginalProducer::id(5));
    EXPECT_TRUE(none.events.empty());
    EXPECT_TRUE(none.complete());
}

TEST_F(MissedEventsAfter, S14_AnIdMayBeSpelledInEveryWay) {
    auto id = OriginalProducer::id(4);
    for (auto& c : id) c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c;
    EXPECT_EQ(texts_of(events.missed_events(ann, "{" + id + "}").events), Texts{"5"});
}

TEST_F(MissedEventsAfter, S14_CategoriesFilter) {
    EXPECT_EQ(texts_of(events.missed_events(ann, OriginalProducer::id(1), only({"security"})).events),
              Texts{"3"});
}

TEST_F(MissedEventsAfter, S14_OursAndTheOriginalsStandInOneOrderWithBroadcasts) {
    auto redis = publisher();
    redis.publish_to_user(ann, draft(6));
    redis.broadcast(draft(7));
    ASSERT_TRUE(redis.flush(patience));
    original.store(8, ann);
    const auto missed = events.missed_events(ann, OriginalProducer::id(4));
    auto texts = texts_of(missed.events);
    ASSERT_EQ(texts.size(), 4U);
    EXPECT_TRUE(texts[2] == "7" || texts[3] == "7");  // in one millisecond either may be first
    std::erase(texts, "7");
    EXPECT_EQ(texts, (Texts{"5", "6", "8"}));
    EXPECT_EQ(texts_of(events.missed_events(ann, missed.events[1].id.text()).events),
              texts_of({missed.events.begin() + 2, missed.events.end()}));
}

TEST_F(MissedEventsAfter, S15_D4_AnUnknownIdIsToldApartFromNothingMissed) {
    for (const std::string& id : {OriginalProducer::id(99), std::string{"17"}, std::string{}}) {
        const auto missed = events.missed_events(ann, id);
        EXPECT_TRUE(missed.events.empty());
        EXPECT_EQ(missed.cause, MissedCause::unknown_id) << id;
    }
}

TEST_F(MissedEventsAfter, S16_CorruptedEntriesAreSkippedAndTheMarkerNeedNotParse) {
    const std::string stream = prefix() + ":stream:user:" + ann.text();
    original.call({"XADD", stream, "*", "event_id", OriginalProducer::id(6), "data", "{"});
    original.store(7, ann);
    original.call({"XADD", stream, "*", "event_id", "no id", "event_type", "x"});
    original.call({"XADD", stream, "*", "other", "fields"});
    original.store(8, ann);
    const auto missed = events.missed_events(ann, OriginalProducer::id(6));
    EXPECT_EQ(texts_of(missed.events), numbers(7, 8));
    EXPECT_TRUE(missed.complete());
    EXPECT_GE(events.counters().unreadable, 2U);
}

TEST_F(MissedEventsAfter, S17_WithoutARedisItSaysSo) {
    auto options = subscriber_options();
    options.redis.url = "redis://127.0.0.1:" + std::to_string(test::free_port());
    options.patience = 20ms;
    auto away = RedisSubscriber::create(options).value();
    EXPECT_EQ(away.missed_events(ann, OriginalProducer::id(1)).cause, MissedCause::store_away);
}

TEST_F(MissedEventsAfter, S17_AnUnknownCategoryMatchesNothing) {
    const auto filter = CategoryFilter::parse_known({"xyz"}, *registry()).filter;
    const auto missed = events.missed_events(ann, OriginalProducer::id(1), filter);
    EXPECT_TRUE(missed.events.empty());
    EXPECT_TRUE(missed.complete());
}

TEST_F(MissedEventsAfter, S18_ValuesAreBytesWhateverTheyHold) {
    const std::string stream = prefix() + ":stream:user:" + ann.text();
    const std::string data = "{\"n\": \"\\u0000\xc3\xa9\"}";
    original.call({"XADD", stream, "*", "event_id", OriginalProducer::id(6), "event_type",
                   "sync.accounts.completed", "data", data, "occurred_at", "2026-01-20T02:30:00Z"});
    const auto missed = events.missed_events(ann, OriginalProducer::id(5));
    ASSERT_EQ(missed.events.size(), 1U);
    EXPECT_EQ(missed.events[0].data, "{\"n\":\"\\u0000\xc3\xa9\"}");
}

TEST_F(MissedEventsAfter, D13_AnAnswerIsBoundedAndSaysWhereToGoOn) {
    auto options = subscriber_options();
    options.missed_events = 64;
    auto bounded = RedisSubscriber::create(options).value();
    for (int i = 6; i <= 200; ++i) original.store(i, ann);
    Texts texts;
    std::string id = OriginalProducer::id(1);
    int answers = 0;
    for (bool more = true; more; ++answers) {
        const auto missed = bounded.missed_events(ann, id);
        ASSERT_FALSE(missed.cause);
        for (const auto& text : texts_of(missed.events)) texts.push_back(text);
        if (!missed.events.empty()) id = missed.events.back().id.text();
        more = missed.more;
    }
    EXPECT_EQ(texts, numbers(2, 200));
    EXPECT_GE(answers, 3);
}

TEST_F(MissedEventsAfter, P3_WhatWasTrimmedIsTold) {
    auto made = RedisPublisherOptions{};
    made.redis = redis_config();
    made.redis.retention.user.events = 5;
    made.redis.foreign_producers = ForeignProducers::none;
    auto options = subscriber_options();
    options.redis.retention.user.events = 5;
    auto redis = RedisPublisher::create(made).value();
    auto short_log = RedisSubscriber::create(options).value();
    redis.publish_to_user(bob, draft(0));
    ASSERT_TRUE(redis.flush(patience));
    auto stream = short_log.events(bob);
    ASSERT_TRUE(stream.wait_live(patience));
    redis.publish_to_user(bob, draft(1));
    const auto first = stream.next(patience).value();
    for (int i = 2; i <= 400; ++i) redis.publish_to_user(bob, draft(i));
    ASSERT_TRUE(redis.flush(patience));
    const auto missed = short_log.missed_events(bob, id_of(first));
    EXPECT_EQ(missed.cause, MissedCause::trimmed);
    ASSERT_FALSE(missed.events.empty());
    EXPECT_EQ(text_of(missed.events.back()), "400");
}

TEST_F(MissedEventsAfter, P3_AnIdOfAnotherRedisIsAReset) {
    test::RedisServer server;
    auto there = publisher(server);
    there.publish_to_user(ann, draft(1));
    ASSERT_TRUE(there.flush(patience));
    const auto entry = server.call({"XRANGE", prefix() + ":stream:user:" + ann.text(), "-", "+"}).at(0).at(1);
    EXPECT_EQ(events.missed_events(ann, entry.at(1).text_or_empty()).cause, MissedCause::store_reset);
}

TEST_F(MissedEventsAfter, ComesThroughACallbackToo) {
    std::promise<MissedEvents> answered;
    events.missed_events(ann, OriginalProducer::id(2), {},
                         [&](MissedEvents missed) { answered.set_value(std::move(missed)); });
    EXPECT_EQ(texts_of(answered.get_future().get().events), numbers(3, 5));
}

}  // namespace
}  // namespace tidings
