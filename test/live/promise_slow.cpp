// P-6: readers that take little or nothing cost bounded memory and delay nobody.

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "live/eventually.hpp"
#include "live/live_client.hpp"
#include "live/live_hub.hpp"

namespace tidings::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TIDINGS_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TIDINGS_TEST_SANITIZED 1
#endif
#endif

// Sanitizers keep what was freed and shadow the rest, so only the order of magnitude can be looked at.
#ifdef TIDINGS_TEST_SANITIZED
constexpr std::size_t growth_max = std::size_t{600} << 20;
constexpr int batches = 50;
#else
constexpr std::size_t growth_max = std::size_t{24} << 20;
constexpr int batches = 250;
#endif
constexpr std::uint64_t batch_events = 100;
constexpr int small_window = 4096;

std::map<std::string, std::string> slow_settings(std::string stall) {
    return {{"delivery.stall", "\"" + stall + "\""},      {"server.limits.send_buffer_bytes", "\"4KiB\""},
            {"server.limits.not_sent_bytes", "\"1KiB\""}, {"server.limits.ring_bytes", "\"1MiB\""},
            {"store.retention.user.events", "100000"},    {"store.retention.user.bytes", "\"64MiB\""}};
}

// One request with `batch_events` items, numbered from `first`.
void publish_batch(HttpClient& publisher, std::string_view type, std::string_view audience,
                   std::uint64_t first) {
    const std::string pad(2000, 'p');
    std::string body;
    for (std::uint64_t n = first; n < first + batch_events; ++n) {
        body += (body.empty() ? "[" : ",") + item_json(type, audience, n, "", pad);
    }
    const auto answer = publisher.post("/api/v1/events", body + "]");
    ASSERT_EQ(answer.status, 200) << answer.body;
    ASSERT_EQ(answer.body.find("problem"), std::string::npos) << answer.body;
}

// Reads and counts without keeping.
class CountingReader {
public:
    CountingReader(std::uint16_t port, const std::string& token) : stream_{port, {token}} {
        EXPECT_TRUE(stream_.read_until_live());
    }
    bool read_until_count(std::uint64_t count) {
        return stream_.read_until([&] { return in_order() >= count; });
    }
    std::size_t gaps() const { return stream_.count("tidings.gap"); }

private:
    std::uint64_t in_order() {
        for (; seen_ < stream_.events().size(); ++seen_) {
            const auto& event = stream_.events()[seen_];
            if (!event.control() && number_in(event.data, "n") == static_cast<std::int64_t>(next_)) ++next_;
        }
        return next_;
    }

    LiveStream stream_;
    std::size_t seen_ = 0;
    std::uint64_t next_ = 0;
};

TEST(Promise, P6_ReadersThatTakeNothingDelayNobodyAndCostBoundedMemory) {
    auto settings = slow_settings("10m");
    settings.erase("server.limits.send_buffer_bytes");  // the healthy are to have what they have anywhere
    settings.erase("server.limits.not_sent_bytes");
    LiveHub hub{LiveStore::memory, settings};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    std::deque<CountingReader> healthy;
    std::deque<LiveStream> stuck;
    for (int i = 0; i < 4; ++i) healthy.emplace_back(hub.port(), hub.reader("user" + std::to_string(i)));
    for (int i = 0; i < 12; ++i) {
        stuck.emplace_back(hub.port(),
                           StreamAsk{.token = hub.reader("stuck"), .receive_buffer = small_window});
    }
    for (auto& stream : stuck) ASSERT_TRUE(stream.read_until_live());
    for (const std::string_view type : {type_alpha, type_drop}) {
        publish_batch(publisher, type, to_user("stuck"), 0);
    }
    const std::size_t before = hub.resident_bytes();
    ASSERT_GT(before, 0U);
    for (std::uint64_t batch = 0; batch < batches; ++batch) {
        publish_batch(publisher, batch % 2 == 0 ? type_alpha : type_drop, to_everybody, batch * batch_events);
        if (HasFatalFailure()) return;
        for (auto& reader : healthy) ASSERT_TRUE(reader.read_until_count((batch + 1) * batch_events));
        stuck.front().read(std::chrono::milliseconds{0}, 1);  // a trickle, a byte at a time
    }
    for (const auto& reader : healthy) EXPECT_EQ(reader.gaps(), 0U);
    EXPECT_LT(hub.resident_bytes(), before + growth_max) << "from " << before;
    for (const auto& stream : stuck) EXPECT_EQ(stream.finish(), StreamFinish::open);
    EXPECT_EQ(metric(hub.operations_port(), "tidings_streams"), 16);
}

class SlowOn : public ::testing::TestWithParam<LiveStore> {};

TEST_P(SlowOn, P6_AReaderThatReadsOnLaterGetsAllInOrderWithoutAGap) {
    LiveHub hub{GetParam(), slow_settings("10m")};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    LiveStream late{hub.port(), {.token = hub.reader("ann"), .receive_buffer = small_window}};
    ASSERT_TRUE(late.read_until_live());
    constexpr std::uint64_t rounds = 15;
    for (std::uint64_t batch = 0; batch < rounds; ++batch) {
        publish_batch(publisher, type_alpha, to_user("ann"), batch * batch_events);
    }
    ASSERT_TRUE(eventually([&] { return metric(hub.operations_port(), "tidings_fell_behind_total") > 0; }));
    ASSERT_TRUE(late.read_until([&] { return late.events().size() >= rounds * batch_events + 2; }));
    std::int64_t next = 0;
    for (const auto& event : late.items()) ASSERT_EQ(number_in(event.data, "n"), next++);
    EXPECT_EQ(next, static_cast<std::int64_t>(rounds * batch_events));
    EXPECT_EQ(late.count("tidings.gap"), 0U);
    // It is live again.
    publish_batch(publisher, type_alpha, to_user("ann"), 0);
    EXPECT_TRUE(late.read_until([&] { return late.items().size() == (rounds + 1) * batch_events; }));
}

TEST_P(SlowOn, P6_AReaderThatTakesNothingIsEndedAndMayComeBack) {
    LiveHub hub{GetParam(), slow_settings("1s")};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    LiveStream stalled{hub.port(), {.token = hub.reader("ann"), .receive_buffer = small_window}};
    ASSERT_TRUE(stalled.read_until_live());
    publish_batch(publisher, type_alpha, to_user("ann"), 0);
    ASSERT_TRUE(eventually([&] { return metric(hub.operations_port(), "tidings_streams") == 0; }));
    EXPECT_EQ(stalled.read_to_end(), StreamFinish::reset);
    LiveStream again{hub.port(), {hub.reader("ann"), "", stalled.last_id()}};
    ASSERT_TRUE(again.read_until_live());
    EXPECT_EQ(again.count("tidings.gap"), 0U);
    EXPECT_EQ(stalled.items().size() + again.items().size(), batch_events);
}

class ConflateOn : public ::testing::TestWithParam<LiveStore> {};

// Events of two keys in turn; the id of the last.
std::string publish_latest(HttpClient& publisher, std::uint64_t first, std::uint64_t count) {
    const std::string pad(2000, 'p');
    std::string id;
    for (std::uint64_t n = first; n < first + count; ++n) {
        const std::string key = "file " + std::to_string(n % 2);
        id = publisher.publish(item_json(type_latest, to_user("ann"), n, key, pad));
        EXPECT_NE(id, "") << publisher.last().body;
    }
    return id;
}

TEST_P(ConflateOn, C64_P1_P2_ASlowReaderEndsWithTheNewestOfEachKey) {
    auto settings = slow_settings("10m");
    settings["delivery.queue_events"] = "16";
    LiveHub hub{GetParam(), settings};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    LiveStream slow{hub.port(), {.token = hub.reader("ann"), .receive_buffer = small_window}};
    ASSERT_TRUE(slow.read_until_live());
    const auto first = publish_latest(publisher, 0, 1);
    publish_latest(publisher, 1, 199);
    ASSERT_TRUE(
        eventually([&] { return metric(hub.operations_port(), "tidings_conflated_events_total") > 0; }));
    ASSERT_NE(publisher.publish(item_json(type_alpha, to_user("ann"), 200)), "");
    const auto last = publish_latest(publisher, 201, 199);
    ASSERT_TRUE(slow.read_until([&] { return slow.last_id() == last; })) << slow.events().size();
    std::vector<std::int64_t> numbers;
    for (const auto& event : slow.items()) numbers.push_back(number_in(event.data, "n"));
    EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
    EXPECT_LT(numbers.size(), 400U);
    for (const std::int64_t owed : {0, 200, 398, 399}) {
        EXPECT_EQ(std::count(numbers.begin(), numbers.end(), owed), 1) << owed;
    }
    EXPECT_EQ(slow.count("tidings.gap"), 0U);
    EXPECT_EQ(metric(hub.operations_port(), "tidings_fell_behind_total"), 0);
    const auto passed_over = static_cast<double>(400 - numbers.size());
    EXPECT_TRUE(eventually([&] {
        return metric(hub.operations_port(), "tidings_conflated_events_total") == passed_over;
    }));
    // The log has them all for a reader that comes back.
    LiveStream again{hub.port(), {hub.reader("ann"), "", first}};
    ASSERT_TRUE(again.read_until_live());
    EXPECT_EQ(again.items().size(), 399U);
    EXPECT_EQ(again.count("tidings.gap"), 0U);
}

INSTANTIATE_TEST_SUITE_P(Promise, ConflateOn,
                         ::testing::Values(LiveStore::memory, LiveStore::lmdb, LiveStore::redis),
                         [](const auto& instance) { return std::string{name_of(instance.param)}; });
INSTANTIATE_TEST_SUITE_P(Promise, SlowOn, ::testing::Values(LiveStore::memory, LiveStore::lmdb),
                         [](const auto& instance) { return std::string{name_of(instance.param)}; });

}  // namespace
}  // namespace tidings::test
