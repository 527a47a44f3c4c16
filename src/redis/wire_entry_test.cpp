#include "redis/wire_entry.hpp"

#include "event/finance_test_events.hpp"
#include "event/time_text.hpp"
#include "redis/term_text.hpp"

#include <gtest/gtest.h>

namespace tidings::redis {
namespace {

constexpr Milliseconds noon = 1'768'876'200'000;
const Audience ann = Audience::user(UserId{finance::user});
const Audience room{Audience::Kind::topic, "room"};

const Registry& registry() {
    static const Registry loaded = finance::registry();
    return loaded;
}
const TermTable& terms() {
    static const TermTable table = *parse_terms("1:11:1000:2000:5:s", {2, 22}, noon - 1000);
    return table;
}

std::string id_of(Position position, std::uint32_t tag = 22) {
    return EventId{position, tag, 0}.uuid().text();
}

const Position here{2, noon, 7};
const std::string meta = R"({"v": 1, "prev": "2-1768876199000-0", "audience": ")" + ann.text() +
                         R"(", "category": "data_sync", "key": "k"})";

std::string message(const std::string& id, const std::string& tidings) {
    return R"({"event_id": ")" + id + R"(", "event_type": "sync.accounts.completed", "user_id": "u", )" +
           R"("data": {"n": 1}, "occurred_at": "2026-01-20T02:30:00+00:00")" +
           (tidings.empty() ? "" : R"(, "tidings": )" + tidings) + "}";
}
const std::string foreign_message =
    R"({"event_id": "0199A2B4-0000-7abc-8def-0123456789ab", "event_type": "sync.accounts.completed", )"
    R"("user_id": "11111111-2222-7333-8444-555555555555", "data": {"n": [1]}, )"
    R"("occurred_at": "2026-01-20T02:30:00+00:00"})";

Value stored(const std::string& id, const std::vector<std::string>& fields) {
    std::vector<Value> texts;
    for (const auto& field : fields) texts.push_back(Value::of_text(field));
    return Value::of_array({Value::of_text(id), Value::of_array(std::move(texts))});
}
Value ours(const std::string& tidings = meta, const std::string& data = R"({"n":1})") {
    return stored(entry_id_text(here),
                  {"event_id", id_of(here), "event_type", "sync.accounts.completed", "data", data,
                   "occurred_at", "2026-01-20T02:30:00+00:00", "tidings", tidings});
}
Value foreign(const std::string& id, const std::string& data = R"({"n": 1})") {
    return stored(id, {"event_id", finance::thing.text(), "event_type", "sync.accounts.completed", "data",
                       data, "occurred_at", "2026-01-20T02:30:00+00:00"});
}

Result<WireEntry> read_message(std::string_view text, const Audience& audience = ann) {
    return WireReader{Limits{}}.message(text, audience, terms(), registry());
}
Result<WireEntry> read_entry(const Value& value, Position before = {}) {
    return WireReader{Limits{}}.entry(value, ann, terms(), registry(), before);
}

TEST(WireMessage, OursSaysItsPlaceAndThePlaceBefore) {
    const auto found = read_message(message(id_of(here), meta));
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_EQ(found->origin, Origin::ours);
    const auto& entry = found->entry;
    EXPECT_EQ(entry.audience, ann);
    EXPECT_EQ(entry.position, here);
    EXPECT_EQ(entry.tag, 22U);
    EXPECT_EQ(entry.previous, (Position{2, noon - 1000, 0}));
    EXPECT_EQ(entry.type, "sync.accounts.completed");
    EXPECT_EQ(entry.category, "data_sync");
    EXPECT_EQ(entry.key, "k");
    EXPECT_EQ(entry.data, R"({"n":1})");
    EXPECT_EQ(time_text(entry.occurred_at), "2026-01-20T02:30:00+00:00");
    EXPECT_TRUE(entry.retained);
    EXPECT_FALSE(entry.foreign);
    EXPECT_EQ(entry.id().text(), id_of(here));
}

TEST(WireMessage, AnUnretainedOneStandsAtThePartitionsLastPosition) {
    const auto found = read_message(message("0199a2b4-0000-7abc-8def-0123456789ab",
                                            R"({"v": 1, "at": "2-1768876200000-7", "retained": false})"));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->origin, Origin::ours);
    EXPECT_FALSE(found->entry.retained);
    EXPECT_EQ(found->entry.position, here);
    EXPECT_EQ(found->entry.tag, 22U) << "its id is a random one";
    const auto later = read_message(message(id_of(here), R"({"v": 1, "at": "3-1-0", "retained": false})"));
    EXPECT_EQ(later->origin, Origin::other_term);
}

TEST(WireMessage, D5_OneThatNamesAnotherAudienceThanItsChannelIsRefused) {
    const auto found = read_message(message(id_of(here), meta), room);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Errc::invalid_field);
}

TEST(WireMessage, ATopicsEndHasNeitherTypeNorData) {
    const auto found = read_message(
        R"({"event_id": ")" + id_of(here) + R"(", "tidings": {"v": 1, "prev": "2-1-0", "closes": true}})",
        room);
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_TRUE(found->entry.closes);
    EXPECT_EQ(found->entry.position, here);
}

TEST(WireMessage, OfATermThatIsNotKnownHereItSaysSo) {
    const std::pair<Position, std::uint32_t> others[] = {
        {{3, noon, 7}, 33}, {{2, noon, 7}, 23}, {{1, 1500, 0}, 22}};
    for (const auto& [position, tag] : others) {
        const auto found = read_message(message(id_of(position, tag), R"({"v": 1, "prev": "0-0-0"})"));
        ASSERT_TRUE(found);
        EXPECT_EQ(found->origin, Origin::other_term) << position.term << " " << tag;
    }
    EXPECT_EQ(read_message(message(id_of({1, 1500, 0}, 11), R"({"v": 1, "prev": "0-0-0"})"))->origin,
              Origin::ours);
}

TEST(WireMessage, P9_TheOriginalsHasItsOwnIdAndNoPlace) {
    const auto found = read_message(foreign_message);
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_EQ(found->origin, Origin::foreign);
    EXPECT_TRUE(found->entry.foreign);
    EXPECT_EQ(found->entry.id(), finance::thing);
    EXPECT_EQ(found->entry.category, "data_sync") << "of the registry";
    EXPECT_EQ(found->entry.data, R"({"n":[1]})");
    EXPECT_EQ(found->entry.audience, ann) << "P3: of the channel, whatever the message says";
    EXPECT_FALSE(found->entry.retained);
    EXPECT_EQ(found->entry.position, Position{});
}

TEST(WireMessage, D5_WhateverComesIsAnEntryOrAnError) {
    const std::string good = id_of(here);
    const std::string texts[] = {
        "",
        "[]",
        "5",
        "null",
        "{}",
        "{",
        "\xff",
        R"({"event_id": null})",
        R"({"tidings": {}})",
        message(good, "[]"),
        message(good, "null"),
        message(good, "{}"),
        message(good, R"({"v": 2})"),
        message(good, R"({"v": "1", "prev": "1-1-1"})"),
        message(good, R"({"v": 1})"),
        message(good, R"({"v": 1, "prev": 5})"),
        message(good, R"({"v": 1, "prev": "1-1"})"),
        message(good, R"({"v": 1, "at": "1-1-1"})"),
        message("5", meta),
        message("0199a2b4-0000-4abc-8def-0123456789ab", meta),
        R"({"event_id": ")" + good + R"(", "tidings": )" + meta + "}",
        R"({"event_id": ")" + good + R"(", "event_type": 5, "data": 1, "occurred_at": "now", "tidings": )" +
            meta + "}",
        message(good, R"({"v": 1, "prev": "2-1768876200000-7"})"),
        message(good, R"({"v": 1, "prev": "9-1-0"})"),
    };
    for (const auto& text : texts) EXPECT_FALSE(read_message(text)) << text;
}

TEST(WireMessage, OfRepeatedMembersTheLastCounts) {
    const auto text = message(id_of(here), R"({"v": 2, "v": 1, "prev": "x", "prev": "2-1-0"})");
    EXPECT_EQ(read_message(text)->entry.previous, (Position{2, 1, 0}));
}

TEST(WireMessage, P6_DataIsBounded) {
    Limits limits;
    limits.event_bytes = 5;
    limits.json_depth = 1;
    WireReader reader{limits};
    EXPECT_EQ(reader.message(message(id_of(here), meta), ann, terms(), registry()).error().code,
              Errc::event_too_large);
    EXPECT_EQ(reader.entry(ours(), ann, terms(), registry(), {}).error().code, Errc::event_too_large);
    EXPECT_TRUE(reader.entry(ours(meta, R"([1])"), ann, terms(), registry(), {}));
    EXPECT_FALSE(reader.entry(ours(meta, R"([[[]]])"), ann, terms(), registry(), {}));
}

TEST(WireStored, OursIsReadBack) {
    const auto found = read_entry(ours());
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_EQ(found->origin, Origin::ours);
    EXPECT_EQ(found->entry.position, here);
    EXPECT_EQ(found->entry.tag, 22U);
    EXPECT_EQ(found->entry.previous, (Position{2, noon - 1000, 0}));
    EXPECT_EQ(found->entry.category, "data_sync");
    EXPECT_EQ(found->entry.key, "k");
    EXPECT_EQ(found->entry.id().text(), id_of(here));
}

TEST(WireStored, P9_TheOriginalsFollowsOnWhatStandsBeforeIt) {
    const auto found = read_entry(foreign("1768876200123-18446744073709551615"), {2, noon, 9});
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_EQ(found->origin, Origin::foreign);
    EXPECT_EQ(found->entry.position, (Position{2, noon + 123, ~std::uint64_t{0}})) << "sequences of others";
    EXPECT_EQ(found->entry.previous, (Position{2, noon, 9}));
    EXPECT_EQ(found->entry.foreign_id, finance::thing);
    EXPECT_EQ(read_entry(foreign("1500-0"))->entry.position.term, 1) << "the term that ran then";
}

TEST(WireStored, OursUnderAnotherIdIsForeign) {
    auto copied = ours();
    copied.items[0] = Value::of_text("1768876200000-8");
    const auto found = read_entry(copied);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->origin, Origin::foreign);
    EXPECT_EQ(found->entry.position, (Position{2, noon, 8}));
    EXPECT_EQ(found->entry.id().text(), id_of(here));
}

TEST(WireStored, D5_S16_WhateverStandsThereIsAnEntryOrAnError) {
    const Value values[] = {
        Value{},
        Value::of_integer(5),
        Value::of_array({}),
        stored("x-y", {}),
        stored("1-1", {}),
        stored("1-1", {"event_id"}),
        foreign("281474976710656-0"),
        foreign("1-1", "{"),
        ours("{}"),
        ours("5"),
        ours(R"({"v": 2, "prev": "2-1-0"})"),
        ours(meta, "{"),
        // Only what is retained stands in a log: these would say another place than their own.
        ours(R"({"v": 1, "at": "1-1-1", "retained": false})"),
        ours(R"({"v": 1, "prev": "2-1-0", "closes": true})"),
        ours(R"({"v": 1, "prev": "2-1768876200000-7"})"),
    };
    for (const auto& value : values)
        EXPECT_FALSE(read_entry(value)) << value.at(0).text << value.at(1).items.size();
    EXPECT_TRUE(read_entry(foreign("1-1", "5"))) << "of any type: the original's data is not checked";
}

TEST(WireStored, ThePlaceIsKnownOfWhatCannotBeRead) {
    EXPECT_EQ(WireReader::position_of(ours("5"), terms()), here);
    EXPECT_EQ(WireReader::position_of(stored("1500-3", {}), terms()), (Position{1, 1500, 3}));
    EXPECT_EQ(WireReader::position_of(stored("281474976710655-0", {}), terms()),
              (Position{2, (Milliseconds{1} << 48) - 1, 0}));
    for (const auto* id : {"", "5", "281474976710656-0", "18446744073709551615-18446744073709551615"}) {
        EXPECT_EQ(WireReader::position_of(stored(id, {}), terms()), std::nullopt) << id;
    }
    EXPECT_EQ(WireReader::event_id_of(stored("1-1", {"event_id", "a", "event_id", "b", "event_id"})), "b");
    EXPECT_EQ(WireReader::event_id_of(Value{}), "");
}

// An entry of a term whose number ran before, under the same milliseconds: its id says which.
TEST(WireStored, TheIdSaysTheTerm) {
    const Position old{1, noon, 3};
    auto value =
        stored(entry_id_text(old), {"event_id", id_of(old, 11), "event_type", "t", "data", "1", "occurred_at",
                                    "2026-01-20T02:30:00+00:00", "tidings", R"({"v": 1, "prev": "1-1-0"})"});
    EXPECT_EQ(WireReader::position_of(value, terms()), old);
    EXPECT_EQ(read_entry(value)->entry.tag, 11U);
}

}  // namespace
}  // namespace tidings::redis
