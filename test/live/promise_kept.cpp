// P-7: acknowledged means kept. P-8: a publisher in an application does not notice that the hub is away.

#include <tidings/hub_publisher.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "live/eventually.hpp"
#include "live/live_client.hpp"
#include "live/live_hub.hpp"

namespace tidings::test {
namespace {

const std::string events_path = "/api/v1/events";

std::map<std::string, std::string> large_logs() {
    return {{"store.retention.user.events", "100000"}, {"store.retention.user.bytes", "\"64MiB\""}};
}

std::vector<StreamEvent> all_of(const LiveHub& hub, const std::string& user) {
    LiveStream stream{hub.port(), {hub.reader(user), "from=earliest"}};
    EXPECT_TRUE(stream.read_until_live()) << stream.status();
    return stream.items();
}

// The ids that publishers were told before the hub was killed under them.
std::set<std::string> acknowledged_until_killed(LiveHub& hub, std::size_t enough) {
    std::set<std::string> acknowledged;
    std::mutex mutex;
    std::vector<std::thread> publishers;
    const std::string token = hub.publisher();
    for (int i = 0; i < 3; ++i) {
        publishers.emplace_back([&, i, port = hub.port()] {
            HttpClient client{port, token};
            for (std::uint64_t n = 0;; ++n) {
                const auto id = client.publish(item_json(type_alpha, to_user("ann"), n, std::to_string(i)));
                if (id.empty()) return;
                const std::lock_guard lock{mutex};
                acknowledged.insert(id);
            }
        });
    }
    EXPECT_TRUE(eventually([&] {
        const std::lock_guard lock{mutex};
        return acknowledged.size() >= enough;
    }));
    hub.kill();
    for (auto& thread : publishers) thread.join();
    return acknowledged;
}

TEST(Promise, P7_AcknowledgedPublishesSurviveAKill) {
    for (const std::string durability : {"process", "sync"}) {
        SCOPED_TRACE(durability);
        auto settings = large_logs();
        settings["store.durability"] = "\"" + durability + "\"";
        LiveHub hub{LiveStore::lmdb, settings};
        std::set<std::string> acknowledged;
        for (int life = 0; life < 3; ++life) {
            ASSERT_TRUE(hub.start());
            acknowledged.merge(acknowledged_until_killed(hub, 150));
        }
        ASSERT_TRUE(hub.start());
        std::set<std::string> kept;
        std::string last;
        for (const auto& event : all_of(hub, "ann")) {
            EXPECT_LT(last.substr(0, 18), event.id.substr(0, 18));
            last = event.id;
            EXPECT_TRUE(kept.insert(event.id).second);
        }
        EXPECT_TRUE(std::includes(kept.begin(), kept.end(), acknowledged.begin(), acknowledged.end()));
        // Three publishers, three lives: no more than the unanswered may be there besides.
        EXPECT_LE(kept.size(), acknowledged.size() + 9);
    }
}

class KeptOn : public ::testing::TestWithParam<LiveStore> {};

TEST_P(KeptOn, P7_ARepeatedKeyPublishesNothingAndReturnsTheFirstId) {
    LiveHub hub{GetParam(), large_logs()};
    ASSERT_TRUE(hub.start());
    const std::string body = item_json(type_alpha, to_user("ann"), 1);
    const Fields key{{"Idempotency-Key", "order-1"}};
    HttpClient publisher{hub.port(), hub.publisher()};
    const auto first = publisher.post(events_path, body, key);
    ASSERT_EQ(first.status, 201) << first.body;
    const auto again = publisher.post(events_path, body, key);
    EXPECT_EQ(again.status, 201);
    EXPECT_EQ(again.body, first.body);
    const auto other_body = publisher.post(events_path, item_json(type_alpha, to_user("ann"), 2), key);
    EXPECT_EQ(other_body.status, 422) << other_body.body;
    const auto other_type = publisher.post(events_path, item_json(type_beta, to_user("ann"), 1), key);
    EXPECT_EQ(other_type.status, 422) << other_type.body;
    // The scope is the credential's subject and the audience.
    const auto other_audience = publisher.post(events_path, item_json(type_alpha, to_user("bob"), 1), key);
    EXPECT_EQ(other_audience.status, 201);
    EXPECT_NE(other_audience.body, first.body);
    TokenWish other;
    other.user = "other-publisher";
    other.publish = {"*"};
    HttpClient other_publisher{hub.port(), hub.token(other)};
    const auto other_subject = other_publisher.post(events_path, body, key);
    EXPECT_EQ(other_subject.status, 201);
    EXPECT_NE(other_subject.body, first.body);
    EXPECT_EQ(all_of(hub, "ann").size(), 2U);
    EXPECT_EQ(all_of(hub, "bob").size(), 1U);
}

TEST_P(KeptOn, P7_AtOnceRepeatedKeysPublishOne) {
    LiveHub hub{GetParam(), large_logs()};
    ASSERT_TRUE(hub.start());
    std::mutex mutex;
    std::set<std::string> answers;
    std::vector<std::thread> threads;
    const std::string token = hub.publisher();
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&, port = hub.port()] {
            HttpClient client{port, token};
            for (std::uint64_t n = 0; n < 50; ++n) {
                const auto answer = client.post(events_path, item_json(type_alpha, to_user("ann"), n),
                                                {{"Idempotency-Key", "job-" + std::to_string(n)}});
                EXPECT_EQ(answer.status, 201) << answer.body;
                const std::lock_guard lock{mutex};
                answers.insert(answer.body);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(answers.size(), 50U);
    EXPECT_EQ(all_of(hub, "ann").size(), 50U);
}

// Heads that promise a body which never comes whole.
TEST_P(KeptOn, P7_APublisherThatDiesWithinItsBodyPublishesNothing) {
    LiveHub hub{GetParam(), large_logs()};
    ASSERT_TRUE(hub.start());
    const std::string item = item_json(type_alpha, to_user("ann"), 666);
    const std::string head = "POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
                             hub.publisher() + "\r\nContent-Type: application/json\r\n";
    const std::string longer = head + "Content-Length: " + std::to_string(item.size() + 10) + "\r\n\r\n";
    const std::string array = "[" + item + "," + item;
    const std::vector<std::string> halves{
        longer + item,
        longer + item.substr(0, 20),
        longer,
        head + "Content-Length: " + std::to_string(array.size() + 1) + "\r\n\r\n" + array,
        head + "Transfer-Encoding: chunked\r\n\r\n" + "400\r\n" + item,
        head.substr(0, head.size() - 30)};
    for (const std::string& half : halves) {
        for (int how = 0; how < 3; ++how) {
            RawSocket socket{hub.port()};
            ASSERT_TRUE(socket.send(half));
            if (how == 1) socket.finish_sending();
            if (how == 2) socket.reset();
        }
    }
    HttpClient publisher{hub.port(), hub.publisher()};
    ASSERT_FALSE(publisher.publish(item_json(type_alpha, to_user("ann"), 1)).empty());
    // Only the publisher's own connection is left, so that the others have been dealt with.
    ASSERT_TRUE(eventually([&] { return metric(hub.operations_port(), "tidings_connections") <= 2; }));
    const auto kept = all_of(hub, "ann");
    ASSERT_EQ(kept.size(), 1U);
    EXPECT_EQ(number_in(kept[0].data, "n"), 1);
}

INSTANTIATE_TEST_SUITE_P(Promise, KeptOn,
                         ::testing::Values(LiveStore::memory, LiveStore::lmdb, LiveStore::redis),
                         [](const auto& instance) { return std::string{name_of(instance.param)}; });

TEST(Promise, P7_ARepeatedKeyIsKnownAfterARestart) {
    LiveHub hub{LiveStore::lmdb, large_logs()};
    ASSERT_TRUE(hub.start());
    const std::string body = item_json(type_alpha, to_user("ann"), 1);
    const Fields key{{"Idempotency-Key", "order-1"}};
    const auto first = HttpClient{hub.port(), hub.publisher()}.post(events_path, body, key);
    ASSERT_EQ(first.status, 201);
    hub.kill();
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    EXPECT_EQ(publisher.post(events_path, body, key).body, first.body);
    EXPECT_EQ(publisher.post(events_path, item_json(type_alpha, to_user("ann"), 2), key).status, 422);
    EXPECT_EQ(all_of(hub, "ann").size(), 1U);
}

EventDraft draft_for_ann(std::uint64_t n) {
    EventDraft draft;
    draft.type = type_alpha;
    draft.audience = Audience::user(*UserId::parse("ann"));
    draft.data = "{\"n\":" + std::to_string(n) + ",\"from\":null,\"pad\":null}";
    return draft;
}

TEST(Promise, P8_AnApplicationPublishesOnWhileTheHubDiesAndComesBack) {
    LiveHub hub{LiveStore::lmdb, large_logs()};
    ASSERT_TRUE(hub.start());
    HubPublisherOptions options;
    options.url = "http://127.0.0.1:" + std::to_string(hub.port());
    options.token = hub.publisher();
    options.queue_events = 2000;
    options.back_off_min = std::chrono::milliseconds{20};
    options.back_off_max = std::chrono::milliseconds{100};
    options.shutdown = std::chrono::milliseconds{50};
    options.connect_timeout = options.answer_timeout = std::chrono::milliseconds{20'000};
    auto made = HubPublisher::create(options);
    ASSERT_TRUE(made) << made.error().message();
    HubPublisher publisher = std::move(*made);
    constexpr std::uint64_t each = 300;
    std::uint64_t n = 0;
    for (; n < each; ++n) publisher.publish(draft_for_ann(n));
    EXPECT_TRUE(eventually([&] { return publisher.counters().sent > 0; }));
    hub.kill();
    for (; n < 2 * each; ++n) publisher.publish(draft_for_ann(n));
    EXPECT_EQ(publisher.counters().queued, 2 * each);
    ASSERT_TRUE(eventually([&] { return hub.start(LivePort::as_before); }));
    for (; n < 3 * each; ++n) publisher.publish(draft_for_ann(n));
    EXPECT_TRUE(publisher.flush(patience));
    const auto counters = publisher.counters();
    EXPECT_EQ(counters.sent, 3 * each);
    EXPECT_EQ(counters.failed + counters.dropped, 0U);
    std::int64_t next = 0;
    for (const auto& event : all_of(hub, "ann")) ASSERT_EQ(number_in(event.data, "n"), next++);
    EXPECT_EQ(next, static_cast<std::int64_t>(3 * each));
    hub.kill();
    // What does not fit is dropped and counted; nothing blocks.
    for (std::uint64_t i = 0; i < 5000; ++i) publisher.publish(draft_for_ann(n++));
    EXPECT_GE(publisher.counters().dropped, 3000U);
}

}  // namespace
}  // namespace tidings::test
