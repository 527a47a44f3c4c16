#include "redis/script_calls.hpp"

#include "redis/append_pack.hpp"
#include "redis/term_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidings::redis {
namespace {

using testing::ElementsAre;
using testing::Pair;

const Audience ann{Audience::Kind::user, "ann"};
const Audience room{Audience::Kind::topic, "room"};

CallHead head() {
    CallHead head;
    head.run_id = "run";
    head.instance = "hub";
    head.known = {2, 22};
    head.fresh_tag = 33;
    head.server = "host:1";
    head.retention.user.age = std::chrono::seconds{1};
    head.retention.broadcast.age = std::chrono::seconds{2};
    head.retention.topic.age = std::chrono::seconds{3};
    return head;
}

AppendCall item(AppendCall::Kind kind, Audience audience) {
    AppendCall call;
    call.kind = kind;
    call.audience = std::move(audience);
    call.type = "a\"b";
    call.data = R"({"n":1})";
    call.occurred_at = "2026-01-20T02:30:00+00:00";
    call.category = "c";
    return call;
}

// The words of a command.
std::vector<std::string> words(const std::string& bytes) {
    RespReader reader;
    if (!reader.feed(bytes)) return {};
    const auto command = reader.next().value_or(Value{});
    std::vector<std::string> all;
    for (const auto& word : command.items) all.push_back(word.text);
    return all;
}
// From the keys on.
std::vector<std::string> arguments(const std::string& bytes) {
    auto all = words(bytes);
    all.erase(all.begin(), all.begin() + 2);
    return all;
}
const std::vector<std::string> head_words{"run", "hub", "2", "22", "33", "host:1", "0", "0", "1000 2000 3000",
                                          "",    "0",   "0"};
std::vector<std::string> with_head(std::vector<std::string> keys, const std::vector<std::string>& own) {
    keys.insert(keys.end(), head_words.begin(), head_words.end());
    keys.insert(keys.end(), own.begin(), own.end());
    return keys;
}

Value reply(std::vector<Value> values) { return Value::of_array(std::move(values)); }
Value text(std::string words) { return Value::of_text(std::move(words)); }
Value integer(std::int64_t number) { return Value::of_integer(number); }

TEST(ScriptCalls, NameTheScriptOrGiveItsSource) {
    const Scripts scripts;
    const auto sha = words(bound_command(scripts, ScriptForm::by_sha, Names{}, head(), 1, {}));
    EXPECT_EQ(sha[0], "EVALSHA");
    EXPECT_EQ(sha[1], scripts.bound.sha);
    const auto source = words(state_command(scripts, ScriptForm::by_source, Names{}, head(), {}));
    EXPECT_EQ(source[0], "EVAL");
    EXPECT_EQ(source[1], scripts.state.source);
}

TEST(ScriptCalls, ABoundMayHaveToLieBeyondAPosition) {
    const Scripts scripts;
    EXPECT_EQ(arguments(bound_command(scripts, ScriptForm::by_sha, Names{}, head(), 7, {})),
              with_head({"1", "sse:tidings:partition"}, {"7", "sse:tidings:hub:hub", ""}));
    EXPECT_EQ(
        arguments(bound_command(scripts, ScriptForm::by_sha, Names{}, head(), 7, Position{2, 55, 6})).back(),
        "55-6");
}

TEST(ScriptCalls, TheHeadSaysWhatTheServerIs) {
    CallHead other = head();
    other.durable = other.promoted = other.foreign = other.evicts = true;
    other.wall = 99;
    const auto all = arguments(bound_command(Scripts{}, ScriptForm::by_sha, Names{}, other, 7, {}));
    EXPECT_EQ(std::vector<std::string>(all.begin() + 8, all.begin() + 14),
              (std::vector<std::string>{"1", "1", "1000 2000 3000", "99", "1", "1"}));
}

TEST(ScriptCalls, AnAppendBringsItsItemsInAPackAndTheirData) {
    const std::vector<AppendCall> items{item(AppendCall::Kind::retained, ann),
                                        item(AppendCall::Kind::closes, room)};
    LastEntries last;
    last.note({2, 22}, "user:ann", {2, 70, 8});
    const auto all =
        arguments(append_command(Scripts{}, ScriptForm::by_sha, Names{}, head(), 9, items, last));
    EXPECT_EQ(all, with_head({"2", "sse:tidings:partition", "sse:tidings:tokens:hub"},
                             {"9", "sse:tidings:hub:hub", "~1000 ~1000 ~1000", "120000", "281474976710654",
                              append_pack(Names{}, last, {2, 22}, items), R"({"n":1})", R"({"n":1})"}));
}

TEST(ScriptCalls, ShortLogsAreTrimmedExactly) {
    const std::pair<std::size_t, const char*> caps[] = {{0, "=1"}, {1, "=1"}, {199, "=199"}, {200, "~200"}};
    for (const auto& [events, cap] : caps) EXPECT_EQ(cap_text(events), cap);
}

TEST(ScriptCalls, AStateCallReports) {
    StateCall call;
    EXPECT_EQ(arguments(state_command(Scripts{}, ScriptForm::by_sha, Names{}, head(), call)),
              with_head({"1", "sse:tidings:partition"}, {"stay", "sse:tidings:hubs", "0", "", "", "0"}));
    call.part = StateCall::Part::leaving;
    call.seen_version = 4;
    call.reports = {{{1, 11}, Position{1, 5, 6}, Position{1, 7, 8}}, {{2, 22}, {}, {}}};
    call.joins = {{"a", 1}, {"b", 2}};
    call.joins_forgotten_to = 3;
    EXPECT_EQ(arguments(state_command(Scripts{}, ScriptForm::by_sha, Names{}, head(), call)),
              with_head({"1", "sse:tidings:partition"},
                        {"leave", "sse:tidings:hubs", "4", "1:11:5-6:7-8 2:22:-:-", "a:1 b:2", "3"}));
}

TEST(ScriptReplies, AnAppendsResultsAreRead) {
    using Kind = AppendResult::Kind;
    const std::string id = "0199a2b4-0000-7abc-8def-0123456789ab";
    const auto found =
        parse_append_reply(reply({text("ok"), integer(2), text("22"),
                                  text("A2-5-4095 22 1\nA2-6-0 23 2\nD" + id +
                                       " 1-2-3\nD- 1-2-3\nU2-5-7\nC\nI\nEWRONGTYPE no stream")}));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->term, (TermName{2, 22}));
    EXPECT_FALSE(found->no_lease);
    std::vector<Kind> kinds;
    for (const auto& result : found->results) kinds.push_back(result.kind);
    EXPECT_THAT(kinds,
                ElementsAre(Kind::appended, Kind::appended, Kind::appended, Kind::duplicate, Kind::duplicate,
                            Kind::unretained, Kind::closed, Kind::conflict, Kind::failed));
    const Position positions[] = {{2, 5, 4095}, {2, 6, 0}, {2, 6, 1}};
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(found->results[i].position, positions[i]);
        EXPECT_EQ(found->results[i].id, (EventId{positions[i], i == 0 ? 22U : 23U, 0}.uuid()));
    }
    EXPECT_EQ(found->results[3].id.text(), id);
    EXPECT_EQ(found->results[3].position, (Position{1, 2, 3}));
    EXPECT_TRUE(found->results[4].id.nil());
    EXPECT_EQ(found->results[5].position, (Position{2, 5, 7}));
    EXPECT_EQ(found->results[8].why, "WRONGTYPE no stream");
    EXPECT_FALSE(found->repeated);
    const auto again = parse_append_reply(reply({text("repeat"), integer(2), text("22"), text("C")}));
    EXPECT_EQ(again->results.size(), 1U);
    EXPECT_TRUE(again->repeated);
    EXPECT_TRUE(parse_append_reply(reply({text("nolease"), integer(2), text("22")}))->no_lease);
}

TEST(ScriptReplies, ABoundsAreRead) {
    const auto found = parse_bound_reply(reply({text("ok"), integer(2), text("22"), text("500-4"), text("1"),
                                                text("1:11:100:200:0:p"), text("400"), text("1 2 3")}));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->position, (Position{2, 500, 4}));
    EXPECT_TRUE(found->facts.pending);
    EXPECT_EQ(found->facts.table.terms.size(), 2U);
    EXPECT_EQ(found->facts.table.running().start, (Position{2, 400, 0}));
    EXPECT_THAT(found->facts.ages_changed, ElementsAre(1U, 2U, 3U));
}

TEST(ScriptReplies, AStatesAreRead) {
    const auto found = parse_state_reply(
        reply({text("ok"), integer(2), text("22"), text("0"), text("1:11:100:200:0:s"), text("400"),
               text("0 0 0"), integer(9), text("1"), text("a:1 b:c:2"), integer(1)}));
    ASSERT_TRUE(found);
    EXPECT_FALSE(found->facts.pending);
    EXPECT_EQ(found->version, 9U);
    EXPECT_TRUE(found->ready);
    EXPECT_EQ(found->own_version, 1U);
    EXPECT_THAT(found->members, ElementsAre(Pair("a", 1U), Pair("b:c", 2U)));
}

TEST(ScriptReplies, D5_WhatIsNotOfThatFormIsNone) {
    const std::string id = "0199a2b4-0000-7abc-8def-0123456789ab";
    const std::string lines[] = {"X",
                                 "A",
                                 "A2-5-6",
                                 "A2-5-6 22",
                                 "A2-5-6 22 0",
                                 "A2-5-6 4294967296 1",
                                 "A2-5-6 22 100001",
                                 "A2-5 22 1",
                                 "A2-5-6 22 1 1",
                                 "U",
                                 "U1",
                                 "D- 1-2",
                                 "D" + id + " 1-2-x"};
    for (const auto& line : lines) {
        EXPECT_FALSE(parse_append_reply(reply({text("ok"), integer(2), text("22"), text(line)}))) << line;
    }
    const Value terms[] = {Value{},
                           Value::of_error("ERR"),
                           reply({}),
                           reply({text("ok")}),
                           reply({text("ok"), integer(0), text("1")}),
                           reply({text("ok"), integer(65'536), text("1")}),
                           reply({text("ok"), integer(1), text("4294967296")}),
                           reply({text("no"), integer(1), text("1")})};
    for (const auto& value : terms) {
        EXPECT_FALSE(parse_append_reply(value));
        EXPECT_FALSE(parse_bound_reply(value));
        EXPECT_FALSE(parse_state_reply(value));
    }
    const auto bound = [](const char* at, const char* ended, const char* start, const char* changed) {
        return parse_bound_reply(reply({text("ok"), integer(2), text("22"), text(at), text("0"), text(ended),
                                        text(start), text(changed)}));
    };
    EXPECT_TRUE(bound("5-6", "", "4", "0 0 0"));
    EXPECT_FALSE(bound("5", "", "4", "0 0 0"));
    EXPECT_FALSE(bound("5-6", "2:1:1:1:1:s", "4", "0 0 0")) << "the running term cannot have ended";
    EXPECT_FALSE(bound("5-6", "", "-4", "0 0 0"));
    EXPECT_FALSE(bound("5-6", "", "4", "0 0"));
    EXPECT_FALSE(bound("5-6", "", "4", "0 x 0"));
}

}  // namespace
}  // namespace tidings::redis
