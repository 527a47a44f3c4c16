#include "redis/log_reads.hpp"

#include "event/finance_test_events.hpp"
#include "redis/term_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidings::redis {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Milliseconds noon = 1'768'876'200'000;
constexpr Milliseconds hour = 3'600'000;
const Audience ann = Audience::user(UserId{finance::user});
const Audience room{Audience::Kind::topic, "room"};

const Registry& registry() {
    static const Registry loaded = finance::registry();
    return loaded;
}

Value texts(std::initializer_list<std::string> words) {
    std::vector<Value> items;
    for (const auto& word : words) items.push_back(Value::of_text(word));
    return Value::of_array(std::move(items));
}

Position at(Milliseconds after_noon, std::uint64_t sequence = 0) { return {2, noon + after_noon, sequence}; }

Value ours(Position position, Position previous) {
    return Value::of_array(
        {Value::of_text(entry_id_text(position)),
         texts({"event_id", EventId{position, 22, 0}.uuid().text(), "event_type", "sync.accounts.completed",
                "data", "{}", "occurred_at", "2026-01-20T02:30:00+00:00", "tidings",
                R"({"v": 1, "prev": ")" + position_text(previous) + R"("})"})});
}
Value foreign(Position position) {
    return Value::of_array({Value::of_text(entry_id_text(position)),
                            texts({"event_id", finance::thing.text(), "event_type", "sync.accounts.completed",
                                   "data", "{}", "occurred_at", "2026-01-20T02:30:00+00:00"})});
}
Value unreadable(Position position) {
    return Value::of_array({Value::of_text(entry_id_text(position)), texts({"event_id", "5"})});
}

// XINFO STREAM of a log of these entries.
Value info(const std::vector<Value>& entries, std::int64_t added) {
    const auto length = static_cast<std::int64_t>(entries.size());
    return Value::of_array({Value::of_text("length"), Value::of_integer(length),
                            Value::of_text("entries-added"), Value::of_integer(added),
                            Value::of_text("first-entry"), entries.empty() ? Value{} : entries.front(),
                            Value::of_text("last-entry"), entries.empty() ? Value{} : entries.back()});
}
Value no_such_key() { return Value::of_error("ERR no such key"); }

// One log of one audience, the request for it and the replies.
struct Scene {
    Names names;
    TermFacts facts;
    RetentionPolicy retention{};
    ReadContext context{names, facts, retention, registry()};
    ReadRequest request;
    WireReader reader{Limits{}};
    std::size_t page_events = 10;

    explicit Scene(const Audience& audience = ann, Position after = {}) {
        facts.table = *parse_terms("1:11:1000:2000:5:s", {2, 22}, noon - 2 * hour);
        context.event_bytes = 1000;
        context.reply_bytes = 1'000'000;
        context.wall = noon + 1000;
        request.logs = {{audience, after}};
        request.bound = at(1000, 5);
    }
    Result<ReadPages> read(std::vector<Value> replies) {
        std::vector<Value> all{texts({"2", "22"})};
        for (auto& reply : replies) all.push_back(std::move(reply));
        all.push_back(texts({"1768876201", "0"}));
        return read_pages(Value::of_array(std::move(all)), request, page_events, context, reader);
    }
    LogPage page(std::vector<Value> replies) {
        auto pages = read(std::move(replies));
        EXPECT_TRUE(pages) << pages.error().message();
        return pages ? pages->pages.at(0) : LogPage{};
    }
    // A log that holds these, of which the server ever took `added`, read from its start.
    LogPage page_of(std::vector<Value> entries, std::int64_t added = 0) {
        auto about = info(entries, added != 0 ? added : static_cast<std::int64_t>(entries.size()));
        return page({std::move(about), Value::of_array(std::move(entries))});
    }
};

std::vector<Position> positions(const std::vector<Entry>& entries) {
    std::vector<Position> all;
    for (const auto& entry : entries) all.push_back(entry.position);
    return all;
}

// The commands as words; each begins with "*".
std::string spelled(std::string_view bytes) {
    std::string text;
    while (!bytes.empty()) {
        const auto end = bytes.find("\r\n");
        const auto line = bytes.substr(0, end);
        bytes.remove_prefix(end + 2);
        if (line.starts_with('*')) text += text.empty() ? "" : "; ";
        if (!line.starts_with('*') && !line.starts_with('$'))
            text += (text.ends_with("; ") || text.empty() ? "" : " ") + std::string{line};
    }
    return text;
}

TEST(LogReads, AskInOneTransactionForEachLogAndItsFloor) {
    Scene scene{ann, at(5, 2)};
    scene.request.logs.push_back({room, {}});
    const auto commands = read_commands(scene.request, scene.context);
    const std::string log = "sse:stream:user:" + finance::user.text();
    EXPECT_EQ(spelled(commands.bytes),
              "MULTI; HMGET sse:tidings:partition number tag; XINFO STREAM " + log + "; XRANGE " + log +
                  " (1768876200005-2 1768876201000-5 COUNT 65; XINFO STREAM sse:stream:topic:room; "
                  "XRANGE sse:stream:topic:room - 1768876201000-5 COUNT 65; GET sse:tidings:closed:room; "
                  "TIME; EXEC");
    EXPECT_EQ(commands.replies, 9U);
    EXPECT_EQ(commands.page_events, 64U);
}

TEST(LogReads, P6_APageIsAsLargeAsAReplyMayBe) {
    Scene scene;
    scene.context.reply_bytes = 20'000;
    EXPECT_EQ(read_commands(scene.request, scene.context).page_events, 10U);
    scene.context.reply_bytes = 0;
    scene.context.event_bytes = 0;
    EXPECT_EQ(read_commands(scene.request, scene.context).page_events, 1U);
}

TEST(LogReads, RepeatsAreTheNewestBeforeTheCursor) {
    Scene scene{ann, at(5, 2)};
    scene.request.repeat_foreign = std::chrono::seconds{2};
    const auto commands = read_commands(scene.request, scene.context);
    EXPECT_NE(spelled(commands.bytes)
                  .find("XREVRANGE sse:stream:user:" + finance::user.text() +
                        " 1768876200005-2 1768876198005-0 COUNT 256; TIME"),
              std::string::npos);
    EXPECT_EQ(commands.replies, 7U);
    const auto page = scene.page({info({ours(at(1), at(0))}, 1), Value::of_array({}),
                                  Value::of_array({foreign(at(4)), ours(at(3), at(2)), foreign(at(2))})});
    EXPECT_THAT(positions(page.repeats), ElementsAre(at(2), at(4))) << "oldest first, and only others'";
}

TEST(LogReads, EntriesComeInOrderWithTheFloorOfTheOldest) {
    Scene scene{ann, at(1)};
    const std::vector<Value> all{ours(at(1), at(0)), ours(at(2), at(1)), ours(at(3, 4), at(2))};
    const auto page = scene.page({info(all, 9), Value::of_array({all[1], all[2]})});
    EXPECT_THAT(positions(page.entries), ElementsAre(at(2), at(3, 4)));
    EXPECT_EQ(page.floor, at(0));
    EXPECT_EQ(page.oldest, at(1));
    EXPECT_EQ(page.oldest_time, Timestamp{std::chrono::milliseconds{noon + 1}});
    EXPECT_FALSE(page.full);
    EXPECT_EQ(page.closed, std::nullopt);
}

TEST(LogReads, AnAbsentLogsFloorIsAnAgeAgo) {
    Scene scene;
    EXPECT_EQ(scene.page({no_such_key(), Value::of_array({})}).floor, at(1000 - hour));
    scene.context.wall = std::nullopt;
    EXPECT_EQ(scene.page({no_such_key(), Value::of_array({})}).floor, at(1000 - hour))
        << "by the server's clock";
    scene.context.wall = 5;
    EXPECT_EQ(scene.page({no_such_key(), Value::of_array({})}).floor, at(1000 - hour))
        << "never before the bound";
    scene.facts.ages_changed[0] = noon - 5;
    EXPECT_EQ(scene.page({no_such_key(), Value::of_array({})}).floor, at(-5))
        << "no older than the age itself";
    scene.context.evicts = true;
    EXPECT_EQ(scene.page({no_such_key(), Value::of_array({})}).floor, scene.request.bound) << "unknown";
}

TEST(LogReads, ADeadLogIsAnAbsentOne) {
    Scene scene;
    const Position last{2, noon + 1000 - hour, 0};
    EXPECT_THAT(positions(scene.page_of({ours(last, {2, 5, 0})}).entries), ElementsAre(last));
    const Position earlier{2, noon + 999 - hour, 0};
    const auto page = scene.page_of({ours(earlier, {2, 5, 0})});
    EXPECT_THAT(page.entries, IsEmpty());
    EXPECT_EQ(page.floor, at(1000 - hour));
    EXPECT_EQ(page.oldest, std::nullopt);
}

TEST(LogReads, ALogThatBeginsWithAForeignEntryBeganAnAgeBeforeItOrThere) {
    Scene scene;
    EXPECT_EQ(scene.page_of({foreign(at(7, 3))}).floor, (Position{2, noon + 7 - hour, 0}));
    EXPECT_EQ(scene.page_of({foreign(at(7, 3))}, 2).floor, at(7, 2)) << "something was removed";
    scene.facts.ages_changed[0] = noon - 5;
    EXPECT_EQ(scene.page_of({foreign(at(7, 3))}).floor, at(-5));
    scene.facts.ages_changed[0] = noon + 500;
    EXPECT_EQ(scene.page_of({foreign(at(7, 3))}).floor, at(7, 2));
    scene.facts.ages_changed[0] = 0;
    scene.context.evicts = true;
    EXPECT_EQ(scene.page_of({foreign(at(7, 3))}).floor, at(7, 2));
}

TEST(LogReads, AForeignEntryFollowsOnWhatStandsBeforeIt) {
    Scene scene{ann, at(1)};
    const std::vector<Value> all{ours(at(1), at(0)), foreign(at(2)), ours(at(3), at(2)), foreign(at(4))};
    const auto page = scene.page({info(all, 4), Value::of_array({all[1], all[2], all[3]})});
    ASSERT_EQ(page.entries.size(), 3U);
    EXPECT_EQ(page.entries[0].previous, at(1)) << "where the reader stands";
    EXPECT_EQ(page.entries[2].previous, at(3));
    Scene behind{ann, at(-5)};
    EXPECT_EQ(behind.page({info({all[1]}, 9), Value::of_array({all[1]})}).entries.at(0).previous,
              at(2).before())
        << "the floor: something was lost between";
}

TEST(LogReads, S16_WhatCannotBeReadIsPassedOverAndNoLoss) {
    Scene scene{ann, at(1)};
    const std::vector<Value> all{unreadable(at(2)), unreadable(at(3)), ours(at(4), at(3)),
                                 ours(at(6), at(5))};
    auto pages = scene.read({info({ours(at(1), at(0)), all[3]}, 9), Value::of_array(all)});
    ASSERT_TRUE(pages);
    const auto& page = pages->pages.at(0);
    EXPECT_EQ(pages->unreadable, 2U);
    EXPECT_NE(pages->first_fault, "");
    ASSERT_THAT(positions(page.entries), ElementsAre(at(4), at(6)));
    EXPECT_EQ(page.entries[0].previous, at(1));
    EXPECT_EQ(page.entries[1].previous, at(5)) << "this one is missing";
}

TEST(LogReads, S16_APageOfNothingReadableSaysWhereToGoOn) {
    Scene scene{ann, at(1)};
    scene.page_events = 1;
    const std::vector<Value> bad{unreadable(at(2)), unreadable(at(3))};
    auto pages = scene.read({info({ours(at(1), at(0)), bad[1]}, 9), Value::of_array(bad)});
    ASSERT_TRUE(pages);
    EXPECT_FALSE(pages->pages.at(0).full);
    EXPECT_THAT(pages->unread_to, ElementsAre(std::pair{std::size_t{0}, at(3)}));
    pages = scene.read({info(bad, 9), Value::of_array({bad[0]})});
    EXPECT_THAT(pages->unread_to, IsEmpty()) << "nothing more follows";
}

TEST(LogReads, APageIsFullAfterItsEventsOrBytes) {
    Scene scene;
    scene.page_events = 2;
    const std::vector<Value> all{ours(at(1), at(0)), ours(at(2), at(1)), ours(at(3), at(2))};
    auto page = scene.page_of(all);
    EXPECT_TRUE(page.full);
    EXPECT_THAT(positions(page.entries), ElementsAre(at(1), at(2)));
    scene.page_events = 10;
    scene.request.page_bytes = 1;
    page = scene.page_of(all);
    EXPECT_TRUE(page.full);
    EXPECT_THAT(positions(page.entries), ElementsAre(at(1))) << "one always";
    scene.request.page_bytes = 1000;
    EXPECT_FALSE(scene.page_of(all).full);
    scene.page_events = 1;
    page = scene.page_of({ours(at(1), at(0)), unreadable(at(2))});
    EXPECT_TRUE(page.full) << "what follows what cannot be read is not known";
}

TEST(LogReads, ATombstoneEndsATopicUntilItExpires) {
    Scene scene{room};
    const std::string stone = " " + finance::thing.text() + " ";
    const auto closed = [&](const std::string& text) {
        return scene.page({no_such_key(), Value::of_array({}), Value::of_text(text)}).closed;
    };
    EXPECT_EQ(closed(std::to_string(noon + 1000) + stone + position_text(at(3))), at(3));
    EXPECT_EQ(closed(std::to_string(noon + 999) + stone + position_text(at(3))), std::nullopt) << "expired";
    EXPECT_EQ(closed(std::to_string(noon + 5000) + stone + position_text(at(1001))), std::nullopt)
        << "beyond the bound";
    for (const auto* text : {"", "1", "1 2", "x y z", "9999999999999 x 1-1"})
        EXPECT_EQ(closed(text), std::nullopt);
}

TEST(LogReads, AForeignIdBeyondAnyTimeBreaksNothing) {
    Scene scene;
    const auto huge = [](const char* id) {
        return Value::of_array({Value::of_text(id), texts({"event_id", "5"})});
    };
    for (const auto* id : {"281474976710656-0", "18446744073709551615-18446744073709551615"}) {
        const auto page =
            scene.page({info({ours(at(1), at(0)), huge(id)}, 2), Value::of_array({ours(at(1), at(0))})});
        EXPECT_THAT(positions(page.entries), ElementsAre(at(1))) << "the log lives";
        EXPECT_EQ(page.floor, at(0));
        const auto alone = scene.page({info({huge(id)}, 1), Value::of_array({})});
        EXPECT_EQ(alone.floor, scene.request.bound) << "unknown";
        EXPECT_EQ(alone.oldest, std::nullopt);
    }
    const auto far =
        scene.page({info({foreign({2, (Milliseconds{1} << 48) - 1, 0})}, 1), Value::of_array({})});
    EXPECT_THAT(far.entries, IsEmpty());
}

TEST(LogReads, FailWhereAnotherTermHasBegunOrTheServerRefused) {
    Scene scene;
    const Value time = texts({"1768876201", "0"});
    const Value log = Value::of_array({});
    const Value wrong[] = {
        Value::of_error("EXECABORT x"),
        Value{},
        Value::of_array({}),
        Value::of_array({texts({"3", "22"}), no_such_key(), log, time}),
        Value::of_array({texts({"2", "23"}), no_such_key(), log, time}),
        Value::of_array({Value::of_array({Value{}, Value{}}), no_such_key(), log, time}),
        Value::of_array({texts({"2", "22"}), no_such_key(), log, log, time}),
        Value::of_array({texts({"2", "22"}), Value::of_error("NOPERM x"), log, time}),
    };
    for (const auto& value : wrong) {
        const auto pages = read_pages(value, scene.request, 10, scene.context, scene.reader);
        ASSERT_FALSE(pages);
        EXPECT_EQ(pages.error().code, Errc::store_unavailable);
    }
    EXPECT_FALSE(same_term(wrong[1], scene.context.facts));
    EXPECT_FALSE(same_term(wrong[3], scene.context.facts));
    EXPECT_FALSE(same_term(wrong[4], scene.context.facts));
    EXPECT_TRUE(same_term(wrong[6], scene.context.facts));
}

TEST(LogReads, S17_ALogThatIsSomethingElseIsNamed) {
    Scene scene;
    const Value time = texts({"1768876201", "0"});
    const auto wrong =
        Value::of_array({texts({"2", "22"}), no_such_key(), Value::of_error("WRONGTYPE x"), time});
    const auto pages = read_pages(wrong, scene.request, 10, scene.context, scene.reader);
    ASSERT_FALSE(pages);
    EXPECT_EQ(pages.error().code, Errc::store_corrupt);
    EXPECT_THAT(pages.error().detail,
                testing::HasSubstr(scene.context.names.stream(scene.request.logs[0].audience)));
    EXPECT_THAT(pages.error().detail, testing::HasSubstr("another program uses a key of ours"));
}

TEST(LogReads, SeveralLogsKeepTheirOrder) {
    Scene scene{room};
    scene.request.logs.push_back({ann, {}});
    auto pages = scene.read({no_such_key(), Value::of_array({}), Value{}, info({ours(at(1), at(0))}, 1),
                             Value::of_array({ours(at(1), at(0))})});
    ASSERT_TRUE(pages);
    ASSERT_EQ(pages->pages.size(), 2U);
    EXPECT_EQ(pages->pages[0].audience, room);
    EXPECT_THAT(pages->pages[0].entries, IsEmpty());
    EXPECT_EQ(pages->pages[1].audience, ann);
    EXPECT_THAT(positions(pages->pages[1].entries), ElementsAre(at(1)));
}

}  // namespace
}  // namespace tidings::redis
