// P-1 and P-2: order and resume, by cuts at random moments and restarts in between.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "live/eventually.hpp"
#include "live/live_client.hpp"
#include "live/live_hub.hpp"

namespace tidings::test {
namespace {

constexpr int publisher_count = 3;
constexpr std::uint64_t events_each = 1500;

struct Published {
    std::string audience;
    std::string type;
};

// What was acknowledged, by id: in order, since ids are positions. Thread-safe.
class Ledger {
public:
    void add(const std::string& id, Published item) {
        const std::lock_guard lock{mutex_};
        published_[id] = std::move(item);
    }
    std::size_t size() const {
        const std::lock_guard lock{mutex_};
        return published_.size();
    }
    std::vector<std::string> expected(const std::set<std::string>& audiences, std::string_view type) const {
        std::vector<std::string> ids;
        for (const auto& [id, item] : published_) {
            if (audiences.contains(item.audience) && (type.empty() || type == item.type)) ids.push_back(id);
        }
        return ids;
    }

private:
    mutable std::mutex mutex_;
    std::map<std::string, Published> published_;
};

// Publishes to everybody in turn. What is not answered is repeated under its idempotency key.
void publish_all(const std::atomic<std::uint16_t>& port, const std::string& token, unsigned seed, int number,
                 Ledger& ledger) {
    std::mt19937 random{seed};
    const std::vector<std::string> audiences{to_user("ann"), to_user("bob"), to_topic("room"),
                                             std::string{to_everybody}};
    const auto until = std::chrono::steady_clock::now() + patience;
    std::uint16_t connected = port;
    auto client = std::make_unique<HttpClient>(connected, token);
    for (std::uint64_t n = 0; n < events_each && std::chrono::steady_clock::now() < until;) {
        const std::string& audience = audiences[random() % audiences.size()];
        const std::string type{random() % 2 == 0 ? type_alpha : type_beta};
        const std::string key = std::to_string(number) + "-" + std::to_string(n);
        const std::string json = item_json(type, audience, n, key);
        std::string id;
        while (id.empty() && std::chrono::steady_clock::now() < until) {
            if (connected != port) client = std::make_unique<HttpClient>(connected = port, token);
            const auto answer = client->post("/api/v1/events", json, {{"Idempotency-Key", key}});
            if (answer.status == 201) id = string_in(answer.body, "id");
            if (id.empty()) std::this_thread::yield();
        }
        ledger.add(id, {audience, type});
        ++n;
    }
}

std::string percent_free(std::string_view name, const std::string& cursor) {
    return std::string{name} + "=" + cursor;
}

// The ways in which a client may say where it stands.
StreamAsk with_cursor(StreamAsk ask, const std::string& cursor, unsigned spelling) {
    constexpr std::array<std::string_view, 4> names{"last_event_id", "lastEventId", "Last-Event-ID", "from"};
    if (spelling % 5 == 4) {
        ask.cursor = cursor;
    } else {
        ask.query += (ask.query.empty() ? "" : "&") + percent_free(names[spelling % 5], cursor);
    }
    return ask;
}

// A client that is cut again and again and returns with the last id it has.
class CutReader {
public:
    CutReader(StreamAsk ask, std::set<std::string> audiences, std::string_view type, unsigned seed)
        : ask_{std::move(ask)}, audiences_{std::move(audiences)}, type_{type}, random_{seed} {}

    void begin(std::uint16_t port) {
        LiveStream stream{port, ask_};
        ASSERT_TRUE(stream.read_until_live());
        cursor_ = stream.last_id();
    }

    void run(const std::atomic<std::uint16_t>& port, const std::atomic<bool>& all_published) {
        const auto until = std::chrono::steady_clock::now() + patience;
        while (std::chrono::steady_clock::now() < until) {
            const bool last = all_published;
            LiveStream stream{port, with_cursor(ask_, cursor_, random_())};
            if (stream.status() != 200) {
                std::this_thread::yield();
                continue;
            }
            ++streams;
            const bool whole = last ? stream.read_until_live() : read_some(stream);
            take(stream);
            if (last && whole) return;
        }
        ADD_FAILURE() << "a reader has not come to the end";
    }

    void check(const Ledger& ledger) const {
        const auto expected = ledger.expected(audiences_, type_);
        EXPECT_EQ(received_.size(), expected.size());
        EXPECT_TRUE(received_ == expected) << "not every event once and in order";
        EXPECT_EQ(gaps_, "");
    }

    int streams = 0;

private:
    bool read_some(LiveStream& stream) {
        const std::size_t bytes = random_() % 3 == 0 ? random_() % 300 : random_() % 9'000;
        const auto limit = std::chrono::milliseconds{random_() % 30};
        stream.read_until([&] { return stream.text().size() >= bytes; }, limit);
        return false;
    }

    void take(const LiveStream& stream) {
        for (const auto& event : stream.events()) {
            if (event.type == "tidings.gap") gaps_ += event.data;
            if (!event.control()) received_.push_back(event.id);
        }
        if (!stream.last_id().empty()) cursor_ = stream.last_id();
    }

    StreamAsk ask_;
    std::set<std::string> audiences_;
    std::string type_;
    std::mt19937 random_;
    std::string cursor_;
    std::vector<std::string> received_;
    std::string gaps_;
};

std::vector<CutReader> readers_of(const LiveHub& hub, unsigned seed) {
    const std::string all{to_everybody};
    const StreamAsk ann{hub.reader("ann", {"room"}), "topics=room"};
    const StreamAsk bob{hub.reader("bob")};
    const StreamAsk betas{hub.reader("ann", {"room"}), "topics=room&categories=beta"};
    const StreamAsk topic{hub.reader("bob", {"room"}), "topics=room&audiences=topics"};
    return {CutReader{ann, {to_user("ann"), to_topic("room"), all}, "", seed},
            CutReader{bob, {to_user("bob"), all}, "", seed + 1},
            CutReader{betas, {to_user("ann"), to_topic("room"), all}, type_beta, seed + 2},
            CutReader{topic, {to_topic("room")}, "", seed + 3}};
}

enum class End { kill, clean };

// Everything at once: publishers, readers that are cut, and `ends` of the hub spread over the events.
void run_cuts(LiveStore store, unsigned seed, const std::vector<End>& ends) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", " + std::string{name_of(store)});
    std::printf("seed %u\n", seed);
    LiveHub hub{store,
                {{"store.retention.user.events", "100000"},
                 {"store.retention.topic.events", "100000"},
                 {"store.retention.broadcast.events", "100000"},
                 {"store.retention.user.bytes", "\"64MiB\""},
                 {"store.retention.topic.bytes", "\"64MiB\""},
                 {"store.retention.broadcast.bytes", "\"64MiB\""}}};
    ASSERT_TRUE(hub.start());
    std::atomic<std::uint16_t> port{hub.port()};
    std::atomic<bool> all_published{false};
    Ledger ledger;
    auto readers = readers_of(hub, seed);
    for (auto& reader : readers) reader.begin(port);
    std::vector<std::thread> publishers;
    std::vector<std::thread> threads;
    const std::string token = hub.publisher();
    for (int i = 0; i < publisher_count; ++i) {
        publishers.emplace_back(
            [&, i] { publish_all(port, token, seed * 31 + static_cast<unsigned>(i), i, ledger); });
    }
    for (auto& reader : readers) threads.emplace_back([&] { reader.run(port, all_published); });
    for (std::size_t i = 0; i < ends.size(); ++i) {
        const std::size_t mark = publisher_count * events_each * (i + 1) / (ends.size() + 1);
        EXPECT_TRUE(eventually([&] { return ledger.size() >= mark; }));
        if (ends[i] == End::kill) hub.kill();
        if (ends[i] == End::clean) {
            EXPECT_EQ(hub.terminate(), 0);
        }
        EXPECT_TRUE(hub.start());
        port = hub.port();
    }
    for (auto& thread : publishers) thread.join();
    all_published = true;
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(ledger.size(), publisher_count * events_each);
    for (const auto& reader : readers) {
        reader.check(ledger);
        std::printf("streams %d\n", reader.streams);
    }
}

TEST(Promise, P1_P2_CutsAtRandomMomentsLoseAndRepeatNothingInMemory) {
    for (const unsigned seed : {1U, 2U, 3U}) run_cuts(LiveStore::memory, seed, {});
}

TEST(Promise, P1_P2_CutsAtRandomMomentsLoseAndRepeatNothingOnLmdb) {
    for (const unsigned seed : {4U, 5U}) run_cuts(LiveStore::lmdb, seed, {});
}

TEST(Promise, P1_P2_CutsAndRestartsLoseAndRepeatNothingOnRedis) {
    run_cuts(LiveStore::redis, 8, {});
    run_cuts(LiveStore::redis, 9, {End::kill, End::clean, End::kill});
}

TEST(Promise, P1_P2_RestartsLoseAndRepeatNothingOnLmdb) {
    run_cuts(LiveStore::lmdb, 6, {End::kill, End::clean, End::kill});
    run_cuts(LiveStore::lmdb, 7, {End::clean, End::kill});
}

class ResumeOn : public ::testing::TestWithParam<LiveStore> {};

// The cut comes behind each byte in turn, and an event falls into each pause.
TEST_P(ResumeOn, P2_ACutAtAnyEarlyByteLosesNothing) {
    LiveHub hub{GetParam()};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    const std::string token = hub.reader("ann");
    std::string cursor;
    {
        LiveStream first{hub.port(), {token}};
        ASSERT_TRUE(first.read_until_live());
        cursor = first.last_id();
    }
    std::vector<std::string> published;
    std::vector<std::string> received;
    for (std::size_t bytes = 0; bytes < 420; bytes += 6) {
        published.push_back(publisher.publish(item_json(type_alpha, to_user("ann"), bytes)));
        LiveStream stream{hub.port(), {token, "", cursor}};
        while (stream.text().size() < bytes && stream.read(std::chrono::milliseconds{20}, 1)) {
            if (stream.count("tidings.caught_up") > 0) break;
        }
        for (const auto& event : stream.items()) received.push_back(event.id);
        EXPECT_EQ(stream.count("tidings.gap"), 0U);
        if (!stream.last_id().empty()) cursor = stream.last_id();
    }
    LiveStream last{hub.port(), {token, "", cursor}};
    ASSERT_TRUE(last.read_until_live());
    for (const auto& event : last.items()) received.push_back(event.id);
    EXPECT_EQ(received, published);
    EXPECT_EQ(last.count("tidings.gap"), 0U);
}

TEST_P(ResumeOn, P2_TheIdOfCaughtUpResumesBeforeTheFirstEvent) {
    LiveHub hub{GetParam()};
    ASSERT_TRUE(hub.start());
    std::string cursor;
    {
        LiveStream stream{hub.port(), {hub.reader("ann")}};
        ASSERT_TRUE(stream.read_until_live());
        cursor = stream.last_id();
        ASSERT_FALSE(cursor.empty());
    }
    HttpClient publisher{hub.port(), hub.publisher()};
    const std::string id = publisher.publish(item_json(type_alpha, to_user("ann"), 1));
    ASSERT_FALSE(id.empty()) << publisher.last().body;
    for (unsigned spelling = 0; spelling < 5; ++spelling) {
        LiveStream stream{hub.port(), with_cursor({hub.reader("ann")}, cursor, spelling)};
        ASSERT_TRUE(stream.read_until_live());
        ASSERT_EQ(stream.events().size(), 2U) << stream.text();
        EXPECT_EQ(stream.events()[0].id, id);
    }
}

// The header wins over the query, and a cursor over `from`.
TEST_P(ResumeOn, P2_TheHeaderIsTheCursorWhereSeveralAreGiven) {
    LiveHub hub{GetParam()};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    std::vector<std::string> ids;
    for (std::uint64_t n = 0; n < 4; ++n)
        ids.push_back(publisher.publish(item_json(type_alpha, to_user("ann"), n)));
    const std::string query = "last_event_id=" + ids[0] + "&from=earliest";
    LiveStream by_header{hub.port(), {hub.reader("ann"), query, ids[2]}};
    ASSERT_TRUE(by_header.read_until_live());
    ASSERT_EQ(by_header.items().size(), 1U);
    EXPECT_EQ(by_header.items()[0].id, ids[3]);
    LiveStream by_query{hub.port(), {hub.reader("ann"), query}};
    ASSERT_TRUE(by_query.read_until_live());
    EXPECT_EQ(by_query.items().size(), 3U);
}

INSTANTIATE_TEST_SUITE_P(Promise, ResumeOn,
                         ::testing::Values(LiveStore::memory, LiveStore::lmdb, LiveStore::redis),
                         [](const auto& instance) { return std::string{name_of(instance.param)}; });

TEST(Promise, P2_ACleanRestartOnLmdbKeepsEveryCursor) {
    LiveHub hub{LiveStore::lmdb};
    ASSERT_TRUE(hub.start());
    const std::string token = hub.reader("ann");
    std::string before_any;
    {
        LiveStream first{hub.port(), {token}};
        ASSERT_TRUE(first.read_until_live());
        before_any = first.last_id();
    }
    std::vector<std::string> ids;
    for (std::uint64_t n = 0; n < 3; ++n) {
        HttpClient publisher{hub.port(), hub.publisher()};
        ids.push_back(publisher.publish(item_json(type_alpha, to_user("ann"), n)));
        if (n == 1) hub.kill();
        if (n != 1) {
            EXPECT_EQ(hub.terminate(), 0);
        }
        ASSERT_TRUE(hub.start());
    }
    for (std::size_t seen = 0; seen <= ids.size(); ++seen) {
        LiveStream stream{hub.port(), {token, "", seen == 0 ? before_any : ids[seen - 1]}};
        ASSERT_TRUE(stream.read_until_live());
        EXPECT_EQ(stream.count("tidings.gap"), 0U) << stream.text();
        EXPECT_EQ(stream.items().size(), ids.size() - seen);
    }
}

}  // namespace
}  // namespace tidings::test
