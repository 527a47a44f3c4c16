#include "client/redis_test_support.hpp"

#include <future>
#include <thread>

namespace tidings {
namespace {

using namespace std::chrono_literals;
using namespace client_test;

using Texts = std::vector<std::string>;

std::string id_of(const SubscriberEvent& item) { return std::get<Event>(item).id.text(); }

TEST(EventStream, IsARangeThatAnotherThreadEnds) {
    auto redis = publisher();
    auto events = subscriber();
    auto stream = events.events(ann);
    ASSERT_TRUE(stream.wait_live(patience));
    for (int i = 1; i <= 3; ++i) redis.publish_to_user(ann, draft(i));
    Texts texts;
    for (const auto& item : stream) {
        texts.push_back(text_of(item));
        if (texts.size() == 3) std::thread{[&stream] { stream.stop(); }}.join();
    }
    EXPECT_EQ(texts, numbers(1, 3));
}

TEST(EventStream, AStopTokenEndsItAndSoDoesSilence) {
    auto events = subscriber();
    std::stop_source source;
    EventStreamOptions options;
    options.stop = source.get_token();
    auto stopped = std::async(std::launch::async, [&] {
        int count = 0;
        for (const auto& item : events.events(ann, {}, options)) count += item.index() == 0 ? 1 : 0;
        return count;
    });
    source.request_stop();
    EXPECT_EQ(stopped.get(), 0);
    options = {};
    options.idle = 1ms;
    for ([[maybe_unused]] const auto& item : events.events(ann, {}, options)) ADD_FAILURE();
}

TEST(EventStream, NextWaitsWithATimeOrWithACallback) {
    auto redis = publisher();
    auto events = subscriber();
    auto stream = events.events(ann);
    ASSERT_TRUE(stream.wait_live(patience));
    EXPECT_EQ(stream.next(1ms).error().code, Errc::timed_out);
    std::promise<Result<SubscriberEvent>> next, second, third;
    stream.next([&](Result<SubscriberEvent> item) { next.set_value(std::move(item)); });
    stream.next([&](Result<SubscriberEvent> item) { second.set_value(std::move(item)); });
    EXPECT_EQ(second.get_future().get().error().code, Errc::overloaded);
    redis.publish_to_user(ann, draft(1));
    EXPECT_EQ(text_of(next.get_future().get().value()), "1");
    stream.next([&](Result<SubscriberEvent> item) { third.set_value(std::move(item)); });
    stream.stop();
    EXPECT_EQ(third.get_future().get().error().code, Errc::cancelled);
}

TEST(EventStream, D2_StartsFromAnIdWithoutASeam) {
    auto redis = publisher();
    auto events = subscriber();
    auto stream = events.events(ann);
    ASSERT_TRUE(stream.wait_live(patience));
    for (int i = 1; i <= 200; ++i) redis.publish_to_user(ann, draft(i));
    const auto first = stream.next(patience).value();
    EventStreamOptions options;
    options.from.last_event_id = id_of(first);
    auto resumed = events.events(ann, {}, options);
    for (int i = 201; i <= 400; ++i) redis.publish_to_user(ann, draft(i));
    Texts texts;
    while (texts.size() < 399) texts.push_back(text_of(resumed.next(patience).value()));
    EXPECT_EQ(texts, numbers(2, 400));
}

TEST(EventStream, D13_D22_ASlowReaderCostsABoundedQueueAndLosesNothing) {
    auto redis = publisher();
    auto options = subscriber_options();
    options.queue_events = 8;
    auto events = RedisSubscriber::create(options).value();
    auto slow = events.events(ann);
    Given given;
    const auto quick = events.subscribe(ann, {}, given.callbacks());
    ASSERT_TRUE(slow.wait_live(patience) && given.live(1));
    for (int i = 1; i <= 500; ++i) redis.publish_to_user(ann, draft(i));
    ASSERT_EQ(given.texts(500), numbers(1, 500));  // the other one is not held up
    Texts texts;
    while (texts.size() < 500) texts.push_back(text_of(slow.next(patience).value()));
    EXPECT_EQ(texts, numbers(1, 500));
}

TEST(EventStream, D22_WhatNoLogKeepsIsCountedWhenItHasNoRoom) {
    auto redis = publisher();
    auto options = subscriber_options();
    options.queue_events = 4;
    auto events = RedisSubscriber::create(options).value();
    auto slow = events.events(ann);
    Given given;
    const auto quick = events.subscribe(ann, {}, given.callbacks());
    ASSERT_TRUE(slow.wait_live(patience) && given.live(1));
    for (int i = 1; i <= 10; ++i) redis.publish_to_user(ann, draft(i, "import.progress"));
    ASSERT_EQ(given.texts(10).size(), 10U);
    Texts texts;
    for (int i = 0; i < 4; ++i) texts.push_back(text_of(slow.next(patience).value()));
    EXPECT_EQ(texts, numbers(1, 4));
    const auto gap = std::get<Gap>(slow.next(patience).value());
    EXPECT_EQ(gap.reason, GapReason::overflow);
    EXPECT_EQ(gap.count, 6U);
}

}  // namespace
}  // namespace tidings
