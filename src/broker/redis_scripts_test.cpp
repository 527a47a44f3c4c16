// The script that appends, and bounds, on a real server: positions, logs, messages, answers.

#include "broker/redis_scripts_scene.hpp"

#include <gmock/gmock.h>

namespace tidings::redis_scripts {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using Kind = AppendResult::Kind;

std::vector<Position> positions(const std::vector<AppendResult>& results) {
    std::vector<Position> all;
    for (const auto& result : results) all.push_back(result.position);
    return all;
}
Position at(Milliseconds after_noon, std::uint64_t sequence = 0) { return {1, noon + after_noon, sequence}; }

TEST_F(RedisScripts, P1_PositionsRiseAlsoWhenTheClockStepsBack) {
    head.wall = noon + 10;
    EXPECT_THAT(positions(append({item(), item(room), item()})), ElementsAre(at(10), at(10, 1), at(10, 2)));
    head.wall = noon - 5000;
    EXPECT_EQ(append(item()).position, at(10, 3));
    EXPECT_EQ(bound().position, at(10, 4));
    EXPECT_EQ(append(item()).position, at(10, 5));
    head.wall = noon + 11;
    EXPECT_EQ(append(item()).position, at(11));
}

TEST_F(RedisScripts, IdsAreTheirPositionsUnderTheTermsTag) {
    const std::uint32_t tags[] = {0, 1, 0x3ffff, 0x40000, 0x12345678, 0xffffffff};
    for (const auto tag : tags) {
        call({"FLUSHALL"});
        head.fresh_tag = tag;
        head.known = {};
        begin(head);
        set_field("number", "513");
        head.known = {513, tag};
        set_field("seq", "2748");
        const auto result = append(item());
        EXPECT_EQ(result.position, (Position{513, noon, 2749}));
        EXPECT_EQ(result.id, (EventId{result.position, tag, 0}.uuid())) << tag;
    }
}

TEST_F(RedisScripts, ASequenceThatOverflowsMovesToTheNextMillisecond) {
    set_field("seq", "4094");
    EXPECT_THAT(positions(append({item(), item(), item()})), ElementsAre(at(0, 4095), at(1), at(1, 1)));
}

TEST_F(RedisScripts, P9_APositionIsAboveTheLogsForeignEntries) {
    foreign(std::to_string(noon) + "-7");
    EXPECT_EQ(append(item()).position, at(0, 8));
    EXPECT_EQ(last_prev(stream), "1-" + std::to_string(noon) + "-7");
    foreign(std::to_string(noon + 50) + "-3");
    EXPECT_EQ(append(item()).position, at(50, 4)) << "a clock that is ahead";
    foreign(std::to_string(noon + 60) + "-4095");
    EXPECT_THAT(positions(append({item(), item(room)})), ElementsAre(at(61), at(61, 1)));
    foreign(std::to_string(noon + 70) + "-18446744073709551615");
    EXPECT_EQ(append(item()).position, at(71));
    EXPECT_EQ(last_prev(stream), "1-" + std::to_string(noon + 70) + "-18446744073709551615");
    EXPECT_EQ(append(item(room)).position, at(71, 1)) << "one order for all logs";
}

TEST_F(RedisScripts, AForeignIdFarBeyondAnyTimeFailsItsLogAlone) {
    foreign("281474976710655-0");
    const auto results = append({item(), item(room)});
    EXPECT_EQ(results.at(0).kind, Kind::failed);
    EXPECT_THAT(results.at(0).why, HasSubstr("far beyond any time"));
    EXPECT_EQ(results.at(1).kind, Kind::appended);
    EXPECT_LT(results.at(1).position, at(5)) << "no clock follows it";
}

TEST_F(RedisScripts, EntriesNameTheOneBefore) {
    const auto first = append(item());
    EXPECT_EQ(last_prev(stream), position_text({1, noon - hour, 0})) << "its birth minus the age";
    append(item(room));
    append(item());
    EXPECT_EQ(last_prev(stream), position_text(first.position));
    head.wall = noon + 20;
    const std::string other = "sse:stream:broadcast";
    append(item(Audience::broadcast()));
    EXPECT_EQ(last_prev(other), position_text({1, noon + 20 - hour, 0}));
}

// What the hub says of a log's last entry saves reading it, and is never believed where it could be wrong.
TEST_F(RedisScripts, P3_AnEntryThatTheHubKnowsIsTheOneBefore) {
    LastEntries last;
    const auto append_knowing = [&](const AppendCall& one) {
        const auto bytes =
            append_command(scripts, ScriptForm::by_source, names, head, ++serial, std::vector{one}, last);
        const auto reply = parse_append_reply(run(bytes));
        return reply && reply->results.size() == 1 ? reply->results[0] : AppendResult{};
    };
    const auto first = append(item());
    last.note(head.known, ann.text(), first.position);
    const auto second = append_knowing(item());
    EXPECT_EQ(last_prev(stream), position_text(first.position));
    append_knowing(item());
    EXPECT_EQ(last_prev(stream), position_text(second.position)) << "a younger one is seen";
    foreign(std::to_string(noon + 30) + "-3");
    EXPECT_EQ(append_knowing(item()).position, at(30, 4)) << "another system's too";
    EXPECT_EQ(last_prev(stream), "1-" + std::to_string(noon + 30) + "-3");
    head.wall = noon + 31 + hour;
    append_knowing(item());
    EXPECT_EQ(length(stream), 1) << "a dead log begins anew";
    EXPECT_EQ(last_prev(stream), position_text({1, noon + 31, 0}));
}

TEST_F(RedisScripts, P3_AnEntryThatTheHubKnewIsNotBelievedForEver) {
    LastEntries last;
    // The log is gone, and the hub knows the entry that it appended last.
    const auto append_at = [&](Milliseconds wall) {
        call({"DEL", stream});
        head.wall = wall;
        const auto bytes =
            append_command(scripts, ScriptForm::by_source, names, head, ++serial, std::vector{item()}, last);
        const auto reply = parse_append_reply(run(bytes));
        const auto position = reply && reply->results.size() == 1 ? reply->results[0].position : Position{};
        last.note(head.known, ann.text(), position);
        return position;
    };
    const auto first = append_at(noon);
    append_at(noon + 10);
    EXPECT_EQ(last_prev(stream), position_text(first));
    head.evicts = true;
    auto position = append_at(noon + 20);
    EXPECT_EQ(last_prev(stream), position_text(position.before())) << "it may have been evicted";
    head.evicts = false;
    head.retention.user.age = std::chrono::minutes{1};
    position = append_at(noon + 30);
    EXPECT_EQ(last_prev(stream), position_text(position.before())) << "another age";
    position = append_at(noon + 60'030);
    EXPECT_EQ(last_prev(stream), position_text({1, noon + 30, 0})) << "its birth less the age";
}

TEST_F(RedisScripts, PrevNamesTheTermOfTheEntryBefore) {
    const auto old = append(item());
    foreign(std::to_string(noon + 100) + "-0", "sse:stream:broadcast");
    head.run_id = "run2";
    head.wall = noon + 200;
    begin(head);
    append(item());
    EXPECT_EQ(last_prev(stream), position_text(old.position));
    append(item(Audience::broadcast()));
    EXPECT_EQ(last_prev("sse:stream:broadcast"), "1-" + std::to_string(noon + 100) + "-0")
        << "the term that ran then";
    // Our fields under an id that is not theirs: somebody copied them.
    const auto id = append(item()).id.text();
    call({"XADD", stream, std::to_string(noon + 900) + "-0", "event_id", id, "tidings", "{}"});
    append(item());
    EXPECT_EQ(last_prev(stream), "2-" + std::to_string(noon + 900) + "-0");
}

TEST_F(RedisScripts, NoFloorIsOlderThanTheAge) {
    append(item(room));
    EXPECT_THAT(bound().facts.ages_changed, ElementsAre(0U, 0U, 0U));
    head.wall = noon + 30;
    head.retention.user.age = std::chrono::hours{2};
    const auto first = append(item());
    EXPECT_EQ(first.position, at(30));
    EXPECT_EQ(last_prev(stream), position_text(at(30).before())) << "an age of this very millisecond";
    EXPECT_THAT(bound().facts.ages_changed, ElementsAre(noon + 30, 0U, 0U));
    head.wall = noon + 40;
    head.retention.broadcast.age = std::chrono::minutes{1};
    bound();
    head.wall = noon + 50;
    append(item(Audience::broadcast()));
    EXPECT_EQ(last_prev("sse:stream:broadcast"), position_text(at(40)));
    EXPECT_EQ(append(item(room)).kind, Kind::appended);
}

TEST_F(RedisScripts, ANewLogIsUnknownWhereTheServerMayEvict) {
    head.evicts = true;
    append(item());
    EXPECT_EQ(last_prev(stream), position_text(at(0)));
    head.wall = noon + 5;
    append(item(Audience::broadcast()));
    EXPECT_EQ(last_prev("sse:stream:broadcast"), position_text(at(5).before()));
}

TEST_F(RedisScripts, ADeadLogBeginsAnew) {
    const auto first = append({item(), item()});
    head.wall = noon + hour;
    append(item());
    EXPECT_EQ(length(stream), 3) << "alive to the last millisecond";
    head.wall = noon + 2 * hour + 1;
    append(item());
    EXPECT_EQ(length(stream), 1);
    EXPECT_EQ(last_prev(stream), position_text({1, noon + hour + 1, 0}));
}

TEST_F(RedisScripts, LogsAreTrimmedToTheirEvents) {
    head.retention.user.events = 5;
    head.retention.topic.events = 300;
    for (int i = 0; i < 12; ++i) append(std::vector<AppendCall>(64, i % 2 == 0 ? item() : item(room)));
    EXPECT_EQ(length(stream), 5) << "exactly where it is short";
    EXPECT_GE(length("sse:stream:topic:room"), 300);
    EXPECT_LE(length("sse:stream:topic:room"), 300 + 100) << "by whole nodes where it is long";
}

TEST_F(RedisScripts, D7_EveryAppendRenewsTheExpiry) {
    append(item());
    call({"PEXPIRE", stream, "5000"});
    append(item());
    const auto left = call({"PTTL", stream}).as_integer().value_or(0);
    EXPECT_GT(left, 3'590'000);
    EXPECT_LE(left, 3'600'000);
    EXPECT_EQ(call({"PTTL", partition}).as_integer(), -1) << "the partition's own key never expires";
}

TEST_F(RedisScripts, ATopicThatWasClosedStaysSoForItsAge) {
    append(item(room));
    const auto closed = append(closing());
    EXPECT_EQ(closed.kind, Kind::appended);
    head.wall = noon + 100;
    const auto again = append({item(room), closing(), passing(room), item()});
    EXPECT_EQ(again[0].kind, Kind::closed);
    EXPECT_EQ(again[1].kind, Kind::duplicate);
    EXPECT_EQ(again[1].id, closed.id);
    EXPECT_EQ(again[1].position, closed.position);
    EXPECT_EQ(again[2].kind, Kind::closed);
    EXPECT_EQ(again[3].kind, Kind::appended);
    EXPECT_EQ(length("sse:stream:topic:room"), 1);
    EXPECT_GT(call({"PTTL", "sse:tidings:closed:room"}).as_integer().value_or(0), 3'590'000);
    head.wall = noon + hour + 1;
    EXPECT_EQ(append(item(room)).kind, Kind::appended) << "its tombstone has expired";
}

TEST_F(RedisScripts, P7_ARepeatedKeyPublishesNothing) {
    const auto first =
        append({with_key(item(), "k", "b"), with_key(item(), "k", "b"), with_key(item(), "k", "other")});
    EXPECT_EQ(first[0].kind, Kind::appended);
    EXPECT_EQ(first[1].kind, Kind::duplicate) << "within one call too";
    EXPECT_EQ(first[1].id, first[0].id);
    EXPECT_EQ(first[2].kind, Kind::conflict);
    const auto again = append(with_key(item(), "k", "b"));
    EXPECT_EQ(again.kind, Kind::duplicate);
    EXPECT_EQ(again.id, first[0].id);
    EXPECT_EQ(again.position, first[0].position);
    EXPECT_EQ(length(stream), 1);
    EXPECT_GT(call({"PTTL", "sse:tidings:key:k"}).as_integer().value_or(0), 3'590'000);
    head.wall = noon + hour + 1;
    EXPECT_EQ(append(with_key(item(), "k", "other")).kind, Kind::appended) << "forgotten";
    const auto passed = append({with_key(passing(), "p", "b"), with_key(passing(), "p", "b")});
    EXPECT_EQ(passed[0].kind, Kind::unretained);
    EXPECT_EQ(passed[1].kind, Kind::duplicate);
    EXPECT_TRUE(passed[1].id.nil());
    EXPECT_EQ(passed[1].position, passed[0].position);
}

TEST_F(RedisScripts, P7_ACallThatIsRepeatedPublishesNothing) {
    Listener listener{server.port(), {"sse:user:" + ann.name, "sse:tidings:hub:a"}};
    const auto first = raw_append(head, 5, {item(), closing()});
    head.wall = noon + 1000;
    const auto second = raw_append(head, 5, {item(), closing()});
    EXPECT_EQ(first.at(0).text, "ok");
    EXPECT_EQ(second.at(0).text, "repeat");
    EXPECT_EQ(first.at(3), second.at(3));
    EXPECT_EQ(length(stream), 1);
    EXPECT_THAT(listener.next(), StartsWith("sse:user:"));
    EXPECT_EQ(listener.next(), "sse:tidings:hub:a a 5");
    EXPECT_EQ(listener.next(), "sse:tidings:hub:a a 5") << "its caller waits for the marker";
    CallHead other = hub("b");
    begin(other);
    EXPECT_EQ(raw_append(other, 5, {item()}).at(0).text, "ok") << "serials are each hub's own";
    const auto left = call({"PTTL", "sse:tidings:tokens:a"}).as_integer().value_or(0);
    EXPECT_GT(left, 110'000);
    EXPECT_LE(left, 120'000);
}

TEST_F(RedisScripts, P6_SerialsAreForgottenAfterFourThousand) {
    raw_append(head, 5, {item()});
    raw_append(head, 4100, {item()});
    EXPECT_EQ(call({"HEXISTS", "sse:tidings:tokens:a", "5"}).as_integer(), 1);
    raw_append(head, 4101, {item()});
    EXPECT_EQ(call({"HEXISTS", "sse:tidings:tokens:a", "5"}).as_integer(), 0);
}

TEST_F(RedisScripts, V6_MessagesAreTheOriginalsWithOneMemberMore) {
    Listener listener{server.port(), {"sse:user:" + ann.name, "sse:broadcast", "sse:topic:room"}};
    auto full = item(ann, R"({"connection_id":"x","account_count":3,"n":null,"note":"Zürich 🎉"})");
    full.key = "k";
    const auto results = append({full, item(Audience::broadcast()), item(room), passing(), closing()});
    const auto id = [&](std::size_t i) { return results[i].id.text(); };
    const std::string now = std::to_string(noon);
    const std::string before = "1-" + std::to_string(noon - hour) + "-0";
    const std::string nil = "00000000-0000-0000-0000-000000000000";
    EXPECT_EQ(listener.next(),
              "sse:user:" + ann.name + R"( {"event_id": ")" + id(0) +
                  R"(", "event_type": "sync.accounts.completed", "user_id": ")" + ann.name +
                  R"(", "data": {"connection_id":"x","account_count":3,"n":null,"note":"Zürich 🎉"}, )"
                  R"("occurred_at": "2026-01-20T02:30:00+00:00", "tidings": {"v": 1, "prev": ")" +
                  before + R"(", "audience": "user:)" + ann.name +
                  R"(", "category": "data_sync", "key": "k"}})");
    EXPECT_EQ(listener.next(), R"(sse:broadcast {"event_id": ")" + id(1) +
                                   R"(", "event_type": "sync.accounts.completed", )" + R"("user_id": ")" +
                                   nil + R"(", "data": {}, "occurred_at": "2026-01-20T02:30:00+00:00", )" +
                                   R"("tidings": {"v": 1, "prev": ")" + before +
                                   R"(", "audience": "broadcast", "category": "data_sync"}})");
    EXPECT_THAT(listener.next(),
                StartsWith(R"(sse:topic:room {"event_id": ")" + id(2) + R"(", "event_type": )"));
    EXPECT_EQ(
        listener.next(),
        "sse:user:" + ann.name + R"( {"event_id": "0199a2b4-0000-7abc-8def-0123456789ab", )" +
            R"("event_type": "sync.accounts.completed", "user_id": ")" + ann.name + R"(", "data": {}, )" +
            R"("occurred_at": "2026-01-20T02:30:00+00:00", "tidings": {"v": 1, "at": "1-)" + now +
            R"(-3", "audience": "user:)" + ann.name + R"(", "retained": false, "category": "data_sync"}})");
    EXPECT_EQ(listener.next(), R"(sse:topic:room {"event_id": ")" + id(4) +
                                   R"(", "tidings": {"v": 1, "prev": "1-)" + now +
                                   R"(-3", "audience": "topic:room", "closes": true}})");
}

TEST_F(RedisScripts, P9_StoredEntriesBeginWithTheOriginalsFields) {
    const auto result = append(item(ann, R"({"n":1})"));
    const auto entry = call({"XRANGE", stream, "-", "+"}).at(0);
    EXPECT_EQ(entry.at(0).text, entry_id_text(result.position));
    std::vector<std::string> fields;
    for (const auto& one : entry.at(1).items) fields.push_back(one.text);
    EXPECT_THAT(fields,
                ElementsAre("event_id", result.id.text(), "event_type", "sync.accounts.completed", "data",
                            R"({"n":1})", "occurred_at", "2026-01-20T02:30:00+00:00", "tidings",
                            R"({"v": 1, "prev": "1-)" + std::to_string(noon - hour) +
                                R"(-0", "audience": "user:)" + ann.name + R"(", "category": "data_sync"})"));
}

TEST_F(RedisScripts, WhatIsNotRetainedIsInNoLogAndTakesNoPosition) {
    const auto last = append(item()).position;
    const auto passed = append(passing());
    EXPECT_EQ(passed.kind, Kind::unretained);
    EXPECT_EQ(passed.position, last);
    EXPECT_EQ(length(stream), 1);
    EXPECT_EQ(append(item()).position, last.next());
}

TEST_F(RedisScripts, WithoutALeaseNothingIsAppended) {
    call({"HDEL", partition, "lease:a"});
    EXPECT_TRUE(append_as(head, {item()}).no_lease);
    set_field("lease:a", "1000 1 0");
    EXPECT_TRUE(append_as(head, {item()}).no_lease) << "it has run out";
    EXPECT_EQ(length(stream), 0);
    state(head);
    EXPECT_EQ(append(item()).kind, Kind::appended);
}

TEST_F(RedisScripts, D3_AFullServerLeavesNothingHalfDone) {
    append(item());
    Listener listener{server.port(), {"sse:user:" + ann.name, "sse:tidings:hub:a"}};
    const auto clock = field("ms") + field("seq");
    call({"CONFIG", "SET", "maxmemory", "1"});
    head.wall = noon + 5;
    const auto refused = raw_append(head, 77, {item(), passing(), closing(), with_key(item(), "k", "b")});
    EXPECT_TRUE(refused.is_error());
    EXPECT_THAT(refused.text, HasSubstr("OOM"));
    call({"CONFIG", "SET", "maxmemory", "0"});
    EXPECT_EQ(field("ms") + field("seq"), clock);
    EXPECT_EQ(length(stream), 1);
    EXPECT_EQ(call({"EXISTS", "sse:tidings:closed:room", "sse:tidings:key:k"}).as_integer(), 0);
    EXPECT_EQ(call({"HEXISTS", "sse:tidings:tokens:a", "77"}).as_integer(), 0);
    client.call({"PUBLISH", "sse:tidings:hub:a", "end"});
    EXPECT_EQ(listener.next(), "sse:tidings:hub:a end") << "nor was anything published";
}

TEST_F(RedisScripts, AKeyOfAnotherTypeFailsItsItemAlone) {
    call({"SET", stream, "no stream"});
    call({"LPUSH", "sse:tidings:closed:room", "x"});
    call({"LPUSH", "sse:tidings:key:k", "x"});
    const auto results =
        append({item(), item(room), with_key(item(Audience::broadcast()), "k", "b"), item()});
    EXPECT_EQ(results[0].kind, Kind::failed);
    EXPECT_THAT(results[0].why, HasSubstr("WRONGTYPE"));
    EXPECT_EQ(results[1].kind, Kind::appended) << "a tombstone that is none";
    EXPECT_EQ(results[2].kind, Kind::appended) << "a key that is none is replaced";
    EXPECT_EQ(results[3].kind, Kind::failed);
    EXPECT_EQ(call({"GET", stream}).text, "no stream");
}

TEST_F(RedisScripts, ManyAtOnceAreAnsweredOneByOne) {
    std::vector<AppendCall> items(128, item(ann, std::string(1000, '1')));
    items[20] = passing();
    items[21] = item(room);
    items[70].data = "[2]";
    const auto results = append(items);
    ASSERT_EQ(results.size(), 128U);
    EXPECT_EQ(results[20].kind, Kind::unretained);
    for (const std::size_t i : {0, 21, 70, 127}) {
        EXPECT_EQ(results[i].id, (EventId{results[i].position, 0xfffffff1, 0}.uuid()));
        const auto& log = i == 21 ? "sse:stream:topic:room" : stream;
        const auto id = entry_id_text(results[i].position);
        const auto entry = call({"XRANGE", log, id, id}).at(0).at(1);
        EXPECT_EQ(entry.at(1).text, results[i].id.text()) << i;
        EXPECT_EQ(entry.at(5).text, items[i].data) << i;
    }
    std::set<Position> different;
    for (const auto& result : results) different.insert(result.position);
    EXPECT_EQ(different.size(), 127U) << "what is not retained stands where the one before does";
    EXPECT_EQ(length(stream), 126);
}

TEST_F(RedisScripts, ABoundIsAboveAllThatWasAppendedAndBelowAllThatWillBe) {
    Listener listener{server.port(), {"sse:tidings:hub:a"}};
    const auto first = append(item()).position;
    EXPECT_EQ(listener.next(), "sse:tidings:hub:a a 1");
    const auto reply = bound();
    EXPECT_GT(reply.position, first);
    EXPECT_EQ(listener.next(), "sse:tidings:hub:a b 2");
    EXPECT_GT(append(item()).position, reply.position);
    EXPECT_EQ(reply.facts.table.running().name, head.known);
    EXPECT_EQ(reply.facts.table.running().start, (Position{1, noon, 0}));
    EXPECT_FALSE(reply.facts.pending);
}

TEST_F(RedisScripts, P9_ABoundIsAboveWhatOthersAppendedInItsMillisecond) {
    head.foreign = true;
    EXPECT_EQ(bound().position, at(0, 2048));
    EXPECT_EQ(bound().position, at(0, 2049));
    EXPECT_EQ(append(item()).position, at(0, 2050));
    EXPECT_EQ(bound(at(70, 3)).position, at(70, 3)) << "what was found there";
    EXPECT_EQ(bound(at(80, 70'000)).position, at(81)) << "sequences of others are never minted";
    EXPECT_EQ(bound(at(5)).position, at(81, 2048));
}

TEST_F(RedisScripts, TheServersClockCountsWhereNoneIsGiven) {
    head.wall = std::nullopt;
    const auto time = call({"TIME"});
    const auto now = static_cast<Milliseconds>(time.at(0).as_integer().value_or(0)) * 1000;
    EXPECT_GE(append(item()).position.milliseconds, now);
}

TEST_F(RedisScripts, ScriptsAreFoundByTheirSha) {
    for (const auto* script : {&scripts.append, &scripts.bound, &scripts.state}) {
        EXPECT_EQ(call({"SCRIPT", "LOAD", script->source}).text, script->sha);
    }
    const auto reply = run(append_command(scripts, ScriptForm::by_sha, names, head, 1, std::vector{item()}));
    EXPECT_TRUE(parse_append_reply(reply)) << reply.text;
}

}  // namespace
}  // namespace tidings::redis_scripts
