// P-3: what cannot be resumed is told, in the stream and at the place of the loss.

#include <gtest/gtest.h>

#include <sys/socket.h>

#include <algorithm>

#include "base/position.hpp"
#include "live/eventually.hpp"
#include "live/live_client.hpp"
#include "live/live_hub.hpp"

namespace tidings::test {
namespace {

std::string publish_one(HttpClient& publisher, std::string_view type, std::string_view audience,
                        std::uint64_t n, std::string_view pad = {}) {
    std::string id = publisher.publish(item_json(type, audience, n, "", pad));
    EXPECT_FALSE(id.empty()) << publisher.last().status << " " << publisher.last().body;
    return id;
}

// What a stream says until it is live, as "type" or "tidings.gap:reason", controls and events in their order.
std::vector<std::string> story_of(LiveStream& stream) {
    EXPECT_TRUE(stream.read_until_live()) << stream.status();
    std::vector<std::string> story;
    for (const auto& event : stream.events()) {
        std::string line = event.type;
        if (event.type == "tidings.gap") line = "gap:" + string_in(event.data, "reason");
        if (!event.control()) line = std::to_string(number_in(event.data, "n"));
        story.push_back(line);
    }
    return story;
}

using Story = std::vector<std::string>;

const StreamEvent* gap_of(const LiveStream& stream) {
    const auto at = std::find_if(stream.events().begin(), stream.events().end(),
                                 [](const auto& event) { return event.type == "tidings.gap"; });
    return at == stream.events().end() ? nullptr : &*at;
}

// Resuming with it gives what follows and no further gap.
void expect_resumes(const LiveHub& hub, const std::string& user, const std::string& cursor,
                    const Story& items) {
    LiveStream stream{hub.port(), {hub.reader(user), "", cursor}};
    Story expected = items;
    expected.emplace_back("tidings.caught_up");
    EXPECT_EQ(story_of(stream), expected);
}

TEST(Promise, P3_ARestartInMemoryIsToldAsAStoreReset) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    std::string cursor;
    {
        HttpClient publisher{hub.port(), hub.publisher()};
        cursor = publish_one(publisher, type_alpha, to_user("ann"), 1);
    }
    hub.kill();
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    publish_one(publisher, type_alpha, to_user("ann"), 2);
    LiveStream live{hub.port(), {hub.reader("ann"), "", cursor}};
    EXPECT_EQ(story_of(live), (Story{"gap:store_reset", "tidings.caught_up"}));
    ASSERT_NE(gap_of(live), nullptr);
    expect_resumes(hub, "ann", gap_of(live)->id, {});
    LiveStream replay{hub.port(), {hub.reader("ann"), "on_gap=replay", cursor}};
    EXPECT_EQ(story_of(replay), (Story{"gap:store_reset", "2", "tidings.caught_up"}));
    ASSERT_NE(gap_of(replay), nullptr);
    expect_resumes(hub, "ann", gap_of(replay)->id, {"2"});
}

// With live events behind the gap: they come, once.
TEST(Promise, P3_AfterAGapTheStreamGoesOnLive) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    LiveStream stream{hub.port(), {hub.reader("ann"), "", "no-such-id"}};
    EXPECT_EQ(story_of(stream), (Story{"gap:unknown_id", "tidings.caught_up"}));
    HttpClient publisher{hub.port(), hub.publisher()};
    const auto id = publish_one(publisher, type_alpha, to_user("ann"), 7);
    ASSERT_TRUE(stream.read_until_event(type_alpha));
    EXPECT_EQ(stream.items().front().id, id);
}

class GapsOn : public ::testing::TestWithParam<LiveStore> {};

TEST_P(GapsOn, P3_ATrimmedLogIsToldWhereItWasTrimmed) {
    LiveHub hub{GetParam(), {{"store.retention.user.events", "5"}}};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    std::vector<std::string> ids;
    ids.push_back(publish_one(publisher, type_alpha, to_everybody, 0));
    for (std::uint64_t n = 1; n <= 8; ++n)
        ids.push_back(publish_one(publisher, type_alpha, to_user("ann"), n));
    ids.push_back(publish_one(publisher, type_alpha, to_everybody, 9));
    const std::string token = hub.reader("ann");

    LiveStream live{hub.port(), {token, "", ids[0]}};
    EXPECT_EQ(story_of(live), (Story{"gap:trimmed", "tidings.caught_up"}));
    ASSERT_NE(gap_of(live), nullptr);
    EXPECT_FALSE(string_in(gap_of(live)->data, "oldest").empty());
    expect_resumes(hub, "ann", gap_of(live)->id, {});

    LiveStream replay{hub.port(), {token, "on_gap=replay", ids[0]}};
    EXPECT_EQ(story_of(replay), (Story{"gap:trimmed", "4", "5", "6", "7", "8", "9", "tidings.caught_up"}));
    ASSERT_NE(gap_of(replay), nullptr);
    EXPECT_LT(gap_of(replay)->id, ids[4]);
    EXPECT_GE(gap_of(replay)->id.substr(0, 18), ids[3].substr(0, 18));
    expect_resumes(hub, "ann", gap_of(replay)->id, {"4", "5", "6", "7", "8", "9"});

    // The last that was trimmed is the last that needs no gap.
    expect_resumes(hub, "ann", ids[3], {"4", "5", "6", "7", "8", "9"});
    LiveStream one_before{hub.port(), {token, "", ids[2]}};
    EXPECT_EQ(story_of(one_before), (Story{"gap:trimmed", "tidings.caught_up"}));
    // Another's log was not trimmed.
    expect_resumes(hub, "bob", ids[0], {"9"});
}

// What lies before the loss comes before the gap; what lies beyond it comes behind, or a client that is cut
// in between would never learn of the loss.
TEST_P(GapsOn, P3_AReplayPlacesTheGapWhereTheLossLies) {
    LiveHub hub{GetParam(), {{"store.retention.user.events", "2"}}};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    const auto first = publish_one(publisher, type_alpha, to_everybody, 0);
    const auto before_loss = publish_one(publisher, type_alpha, to_everybody, 1);
    const auto lost = publish_one(publisher, type_alpha, to_user("ann"), 2);
    publish_one(publisher, type_alpha, to_everybody, 3);
    publish_one(publisher, type_alpha, to_user("ann"), 4);
    publish_one(publisher, type_alpha, to_user("ann"), 5);
    LiveStream replay{hub.port(), {hub.reader("ann"), "on_gap=replay", first}};
    EXPECT_EQ(story_of(replay), (Story{"1", "gap:trimmed", "3", "4", "5", "tidings.caught_up"}));
    LiveStream again{hub.port(), {hub.reader("ann"), "on_gap=replay", before_loss}};
    EXPECT_EQ(story_of(again), (Story{"gap:trimmed", "3", "4", "5", "tidings.caught_up"}));
    expect_resumes(hub, "ann", lost, {"3", "4", "5"});
}

TEST_P(GapsOn, P3_AnOldCursorOfALogThatDiedOfAgeIsTold) {
    LiveHub hub{GetParam(),
                {{"store.retention.user.age", "\"1s\""},
                 {"store.retention.broadcast.age", "\"1s\""},
                 {"store.retention.topic.age", "\"1s\""}}};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    const auto first = publish_one(publisher, type_alpha, to_user("ann"), 1);
    publish_one(publisher, type_alpha, to_user("ann"), 2);
    // An observer says when the log is gone; the cursor is older than that by then.
    EXPECT_TRUE(eventually([&] {
        LiveStream all{hub.port(), {hub.reader("ann"), "from=earliest"}};
        return all.read_until_live() && all.items().empty();
    }));
    LiveStream stream{hub.port(), {hub.reader("ann"), "", first}};
    EXPECT_EQ(story_of(stream), (Story{"gap:trimmed", "tidings.caught_up"}));
    LiveStream replay{hub.port(), {hub.reader("ann"), "on_gap=replay", first}};
    EXPECT_EQ(story_of(replay), (Story{"gap:trimmed", "tidings.caught_up"}));
}

TEST_P(GapsOn, P3_CursorsOfOthersAndGarbageAreToldAndNeverAnError) {
    LiveHub hub{GetParam()};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    publish_one(publisher, type_alpha, to_user("ann"), 1);
    const std::string token = hub.reader("ann");
    const std::vector<std::string> cursors{"garbage",
                                           "0",
                                           "-",
                                           "%00%ff",
                                           "1700000000000-0",
                                           "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
                                           "8c9e5b52-9b0e-4a51-8f1e-0d7a4a9f0c11",
                                           std::string(400, 'x'),
                                           "00000000-0000-0000-0000-000000000000"};
    for (const auto& cursor : cursors) {
        SCOPED_TRACE(cursor);
        LiveStream live{hub.port(), {token, "", cursor}};
        EXPECT_EQ(live.status(), 200);
        EXPECT_EQ(story_of(live), (Story{"gap:unknown_id", "tidings.caught_up"}));
        LiveStream replay{hub.port(), {token, "on_gap=replay", cursor}};
        EXPECT_EQ(story_of(replay), (Story{"gap:unknown_id", "1", "tidings.caught_up"}));
    }
}

TEST_P(GapsOn, P3_ACursorBeyondTheLastIsAStoreReset) {
    LiveHub hub{GetParam()};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    const auto id = publish_one(publisher, type_alpha, to_user("ann"), 1);
    auto position = *EventId::from(*Uuid::parse(id));
    position.position.milliseconds += 3'600'000;
    auto foreign = *EventId::from(*Uuid::parse(id));
    foreign.tag ^= 1;
    for (const EventId& forged : {position, foreign}) {
        LiveStream stream{hub.port(), {hub.reader("ann"), "", forged.uuid().text()}};
        EXPECT_EQ(story_of(stream), (Story{"gap:store_reset", "tidings.caught_up"}));
    }
}

// A reader that is let to fall behind: a tiny window, and a hub that keeps little for it.
std::map<std::string, std::string> narrow(std::size_t queue_events) {
    return {{"delivery.queue_events", std::to_string(queue_events)},
            {"delivery.stall", "\"10m\""},
            {"server.limits.send_buffer_bytes", "\"4KiB\""},
            {"server.limits.not_sent_bytes", "\"1KiB\""}};
}

constexpr int narrow_window = 4096;
constexpr std::uint64_t narrow_events = 400;

// Count and order of the numbers that a slow reader received, gaps taken as so many lost.
TEST_P(GapsOn, P3_ASlowReaderOfDropEventsIsToldHowManyItLost) {
    LiveHub hub{GetParam(), narrow(16)};
    ASSERT_TRUE(hub.start());
    LiveStream slow{hub.port(), {.token = hub.reader("ann"), .receive_buffer = narrow_window}};
    ASSERT_TRUE(slow.read_until_live());
    HttpClient publisher{hub.port(), hub.publisher()};
    const std::string pad(2000, 'p');
    std::string last;
    for (std::uint64_t n = 0; n < narrow_events; ++n)
        last = publish_one(publisher, type_drop, to_user("ann"), n, pad);
    ASSERT_TRUE(slow.read_until([&] { return slow.last_id() == last; })) << slow.events().size();
    std::int64_t next = 0;
    std::int64_t lost = 0;
    for (const auto& event : slow.events()) {
        if (event.type == "tidings.gap") {
            EXPECT_EQ(string_in(event.data, "reason"), "overflow");
            lost += number_in(event.data, "count");
            next += number_in(event.data, "count");
        } else if (!event.control()) {
            EXPECT_EQ(number_in(event.data, "n"), next);
            next = number_in(event.data, "n") + 1;
        }
    }
    EXPECT_EQ(next, static_cast<std::int64_t>(narrow_events));
    EXPECT_GT(lost, 0);
    EXPECT_EQ(slow.items().size() + static_cast<std::size_t>(lost), narrow_events);
}

// The policy resume: it reads the log, and where that was trimmed meanwhile it is told.
TEST_P(GapsOn, P3_ALiveStreamWhoseLogIsTrimmedMeanwhileIsTold) {
    auto settings = narrow(16);
    settings["store.retention.user.events"] = "20";
    LiveHub hub{GetParam(), settings};
    ASSERT_TRUE(hub.start());
    LiveStream slow{hub.port(),
                    {.token = hub.reader("ann"), .query = "on_gap=replay", .receive_buffer = narrow_window}};
    ASSERT_TRUE(slow.read_until_live());
    HttpClient publisher{hub.port(), hub.publisher()};
    const std::string pad(2000, 'p');
    std::string last;
    for (std::uint64_t n = 0; n < narrow_events; ++n)
        last = publish_one(publisher, type_alpha, to_user("ann"), n, pad);
    ASSERT_TRUE(
        slow.read_until([&] { return slow.last_id() >= last && slow.count("tidings.caught_up") > 1; }));
    std::int64_t next = 0;
    bool told = false;
    for (const auto& event : slow.events()) {
        if (event.type == "tidings.gap") {
            EXPECT_EQ(string_in(event.data, "reason"), "trimmed");
            told = true;
        } else if (!event.control()) {
            if (number_in(event.data, "n") != next) {
                EXPECT_TRUE(told) << "events before " << event.data.substr(0, 12) << " are missing silently";
            }
            next = number_in(event.data, "n") + 1;
            told = false;
        }
    }
    EXPECT_EQ(next, static_cast<std::int64_t>(narrow_events));
    EXPECT_GT(slow.count("tidings.gap"), 0U);
    EXPECT_LT(slow.items().size(), narrow_events);
}

INSTANTIATE_TEST_SUITE_P(Promise, GapsOn,
                         ::testing::Values(LiveStore::memory, LiveStore::lmdb, LiveStore::redis),
                         [](const auto& instance) { return std::string{name_of(instance.param)}; });

}  // namespace
}  // namespace tidings::test
