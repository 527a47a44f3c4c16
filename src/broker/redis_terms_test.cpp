// Terms, leases and seals in the scripts, on a real server.

#include "broker/redis_scripts_scene.hpp"

#include <gmock/gmock.h>

#include <optional>

namespace tidings::redis_scripts {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

Position at(Milliseconds after_noon, std::uint64_t sequence = 0) { return {1, noon + after_noon, sequence}; }

class RedisTerms : public RedisScripts {
protected:
    // The server comes back with another run_id; `who` hears of it first.
    StateReply restarted(const CallHead& who, const StateCall& what = {}) {
        CallHead next = who;
        next.run_id = "run2";
        next.fresh_tag = 0x22;
        return state(next, what);
    }
    const Term& ended(const StateReply& reply) {
        EXPECT_EQ(reply.facts.table.terms.size(), 2U);
        return reply.facts.table.terms.front();
    }
    // 'a' appends and dies with the server; it and 'b' hold leases. The stored end is noon + 10, 1.
    void two_writers() {
        head.wall = noon + 10;
        append({item(), item()});
        b.wall = noon + 10;
        begin(b);
        begin(head);
        head.wall = b.wall = noon + 100;
    }
    StateCall report(std::optional<Position> acknowledged, std::optional<Position> seen = {}) {
        StateCall call;
        call.reports = {{head.known, acknowledged, seen}};
        return call;
    }

    CallHead b = hub("b");
};

TEST_F(RedisTerms, TheFirstTermBeginsNow) {
    EXPECT_EQ(head.known, (TermName{1, 0xfffffff1}));
    const auto facts = bound().facts;
    EXPECT_EQ(facts.table.terms.size(), 1U);
    EXPECT_EQ(facts.table.running().start, (Position{1, noon, 0}));
    EXPECT_EQ(state(head).facts.table.running().name, head.known) << "and goes on";
}

TEST_F(RedisTerms, ARestartBeginsANewOneBehindTheOld) {
    const auto last = append(item()).position;
    head.wall = noon - 500;
    const auto reply = restarted(head);
    EXPECT_EQ(reply.facts.table.running().name, (TermName{2, 0x22}));
    EXPECT_EQ(reply.facts.table.running().start, (Position{2, noon + 1, 0}))
        << "although the clock stepped back";
    EXPECT_EQ(ended(reply).end, last);
    EXPECT_FALSE(ended(reply).sealed);
    EXPECT_EQ(append(item()).position.term, 3) << "who comes with the old run_id is another server again";
}

TEST_F(RedisTerms, AFlushBeginsATermThatNobodyKnew) {
    append(item());
    call({"FLUSHALL"});
    const auto reply = state(head);
    ASSERT_EQ(reply.facts.table.terms.size(), 2U);
    EXPECT_EQ(ended(reply).name, head.known) << "so that others who knew it begin no term of their own";
    EXPECT_FALSE(ended(reply).sealed);
    EXPECT_EQ(reply.facts.table.running().name.number, 2) << "numbers go on where a hub knows them";
    CallHead other = hub("c");
    other.known = head.known;
    EXPECT_EQ(state(other).facts.table.running().name.number, 2);
}

TEST_F(RedisTerms, P3_ATermThatAnOlderDataSetLacksIsOpen) {
    two_writers();
    CallHead knows = head;
    knows.known = {2, 0x77};
    knows.run_id = "run2";
    state(knows, report(at(10)));
    CallHead other = b;
    other.run_id = "run2";
    const auto table = state(other, report(at(10))).facts.table;
    ASSERT_EQ(table.terms.size(), 3U);
    EXPECT_EQ(table.terms[0].name, head.known);
    EXPECT_TRUE(table.terms[0].sealed) << "of this one nothing is missing";
    EXPECT_EQ(table.terms[1].name, knows.known);
    EXPECT_FALSE(table.terms[1].sealed) << "whoever was acknowledged something in it may have left";
    EXPECT_TRUE(table.crosses_open_end(at(5)));
}

TEST_F(RedisTerms, ATermThatTheTableLacksBeginsANewOne) {
    CallHead other = hub("c");
    other.fresh_tag = 7;
    other.known = {5, 55};
    const auto reply = state(other);
    EXPECT_EQ(reply.facts.table.running().name, (TermName{6, 7})) << "its tag must not come twice";
    other.known = {6, 99};
    EXPECT_EQ(state(other).facts.table.running().name.number, 7) << "the same number under another tag";
    other.known = head.known;
    EXPECT_EQ(state(other).facts.table.running().name.number, 7) << "an ended term is known";
}

TEST_F(RedisTerms, EndedTermsAreForgottenAfterTheLongestAge) {
    StateCall leave;
    leave.part = StateCall::Part::leaving;
    state(head, leave);
    const auto terms_at = [&](Milliseconds wall) {
        CallHead next = head;
        next.run_id = "run" + std::to_string(wall);
        next.wall = wall;
        next.known = {};
        return bound_as(next).facts.table.terms.size();
    };
    EXPECT_EQ(terms_at(noon), 2U);
    EXPECT_EQ(terms_at(noon + hour), 3U);
    EXPECT_EQ(terms_at(noon + 2 * hour), 2U);
}

TEST_F(RedisTerms, WhenTheNumbersAreUsedUpItSaysSo) {
    set_field("number", "65535");
    const auto reply = raw_append(head, 1, {item()});
    EXPECT_TRUE(reply.is_error());
    EXPECT_THAT(reply.text, HasSubstr("delete sse:tidings:partition"));
    head.known = {65'535, 1};
    set_field("number", "3");
    EXPECT_TRUE(raw_append(head, 1, {item()}).is_error());
}

TEST_F(RedisTerms, P7_TheSameServerThatSyncsAllItsWritesNeedsNoReports) {
    struct Case {
        const char* why;
        bool durable_before, durable_between, durable_after, promoted;
        const char* server;
        bool sealed;
    };
    const Case cases[] = {{"the same, always durable", true, true, true, false, "host:1", true},
                          {"not durable before", false, true, true, false, "host:1", false},
                          {"not durable in between", true, false, true, false, "host:1", false},
                          {"not durable now", true, true, false, false, "host:1", false},
                          {"a promoted replica", true, true, true, true, "host:1", false},
                          {"another server", true, true, true, false, "host:2", false}};
    for (const auto& each : cases) {
        call({"FLUSHALL"});
        CallHead who = hub("a");
        who.durable = each.durable_before;
        begin(who);
        who.durable = each.durable_between;
        begin(who);
        who.durable = each.durable_after;
        who.promoted = each.promoted;
        who.server = each.server;
        EXPECT_TRUE(restarted(who).facts.pending) << "reports may come";
        set_field("pending", "1000");
        const auto reply = restarted(who);
        EXPECT_EQ(ended(reply).sealed, each.sealed) << each.why;
        EXPECT_FALSE(reply.facts.pending) << each.why;
    }
}

TEST_F(RedisTerms, P3_AnOlderDataSetUnderTheSameServerIsFoundOutByReports) {
    head.durable = b.durable = true;
    for (const bool all_there : {true, false}) {
        call({"FLUSHALL"});
        head = hub("a");
        b = hub("b");
        head.durable = b.durable = true;
        begin(head);
        two_writers();
        restarted(head, report(at(10, 1)));
        const auto reply = restarted(b, report(all_there ? at(10) : at(10, 2)));
        EXPECT_FALSE(reply.facts.pending);
        EXPECT_EQ(ended(reply).sealed, all_there);
    }
}

TEST_F(RedisTerms, P7_AnEndIsSealedWhenAllWritersReportedNothingBeyondIt) {
    two_writers();
    auto reply = restarted(head, report(at(10, 1)));
    EXPECT_TRUE(reply.facts.pending) << "the other one may have been told more";
    EXPECT_FALSE(ended(reply).sealed);
    reply = restarted(b, report(at(10)));
    EXPECT_FALSE(reply.facts.pending);
    EXPECT_TRUE(ended(reply).sealed);
    EXPECT_EQ(ended(reply).end, at(10, 1));
}

TEST_F(RedisTerms, AWriterThatWroteNothingReportsThat) {
    two_writers();
    restarted(head, report({}));
    EXPECT_TRUE(ended(restarted(b, report({}))).sealed);
}

TEST_F(RedisTerms, ASealedEndLiesWhereSomebodyHasBeen) {
    two_writers();
    restarted(head, report(at(10), at(10, 5)));
    const auto reply = restarted(b, report({}, at(50, 2)));
    EXPECT_TRUE(ended(reply).sealed);
    EXPECT_EQ(ended(reply).end, at(50, 2)) << "a cursor of what was seen and never acknowledged is known too";
    EXPECT_EQ(reply.facts.table.running().start, (Position{2, noon + 100, 0}));
}

TEST_F(RedisTerms, AnEndIsNeverRaisedIntoTheNewTerm) {
    for (const auto position : {at(99, 4095), at(100), at(5000)}) {
        call({"FLUSHALL"});
        head = hub("a");
        b = hub("b");
        begin(head);
        two_writers();
        restarted(head, report({}, position));
        const auto reply = restarted(b, report({}));
        EXPECT_FALSE(reply.facts.pending);
        EXPECT_TRUE(ended(reply).sealed) << "nothing acknowledged lies there";
        EXPECT_EQ(ended(reply).end, at(99, 4095)) << position.milliseconds;
    }
}

TEST_F(RedisTerms, P3_OneThatWasToldMoreMakesTheEndOpen) {
    two_writers();
    auto reply = restarted(b, report(at(10, 2)));
    EXPECT_FALSE(reply.facts.pending) << "whatever the others say";
    EXPECT_FALSE(ended(reply).sealed);
    EXPECT_EQ(ended(reply).end, at(10, 1));
    reply = restarted(head, report(at(10)));
    EXPECT_FALSE(ended(reply).sealed) << "decided is decided";
}

TEST_F(RedisTerms, P3_AfterTenSecondsWithoutAReportTheEndIsOpen) {
    two_writers();
    EXPECT_TRUE(restarted(head, report(at(10))).facts.pending);
    const auto pending = call({"HGET", partition, "pending"}).as_integer().value_or(0);
    const auto time = call({"TIME"}).at(0).as_integer().value_or(0) * 1000;
    EXPECT_GT(pending, time + 8000);
    EXPECT_LT(pending, time + 12'000);
    set_field("pending", "1000");
    head.run_id = "run2";
    const auto facts = bound().facts;
    EXPECT_FALSE(facts.pending) << "every script decides it";
    EXPECT_FALSE(facts.table.terms.front().sealed);
    EXPECT_FALSE(ended(restarted(b, report(at(10)))).sealed) << "too late";
}

TEST_F(RedisTerms, AReportOfAnotherTermCountsForNothing) {
    two_writers();
    auto wrong = report(at(5000));
    wrong.reports[0].term.tag = 5;
    EXPECT_TRUE(restarted(head, wrong).facts.pending);
    EXPECT_TRUE(restarted(b, report(at(10))).facts.pending);
    EXPECT_TRUE(ended(restarted(head, report(at(10)))).sealed);
}

TEST_F(RedisTerms, OnlyWhoHeldALeaseWhenTheDataWasWrittenIsAsked) {
    two_writers();
    set_field("lease:b", "1000 2 0");
    EXPECT_TRUE(ended(restarted(head, report(at(10)))).sealed);
}

TEST_F(RedisTerms, WithoutAnyWriterTheEndIsOpenAtOnce) {
    StateCall leave;
    leave.part = StateCall::Part::leaving;
    state(head, leave);
    head.run_id = "run2";
    const auto facts = bound().facts;
    EXPECT_FALSE(facts.pending);
    EXPECT_FALSE(facts.table.terms.front().sealed);
}

TEST_F(RedisTerms, EachEndThatWaitsIsDecidedForItself) {
    two_writers();
    EXPECT_TRUE(restarted(head, report(at(10))).facts.pending);
    head.run_id = b.run_id = "run3";
    auto both = report(at(10), at(50));
    both.reports.push_back({{2, 0x22}, {}, {}});
    auto reply = state(head, both);
    ASSERT_EQ(reply.facts.table.terms.size(), 3U);
    EXPECT_TRUE(reply.facts.pending);
    auto second = report({});
    second.reports[0].term = {2, 0x22};
    reply = state(b, second);
    EXPECT_FALSE(reply.facts.table.terms[0].sealed);
    EXPECT_TRUE(reply.facts.table.terms[1].sealed);
    EXPECT_TRUE(reply.facts.pending) << "it said nothing of the first";
    reply = state(b, both);
    EXPECT_TRUE(reply.facts.table.terms[0].sealed);
    EXPECT_EQ(reply.facts.table.terms[0].end, at(50));
    EXPECT_FALSE(reply.facts.pending);
}

TEST_F(RedisTerms, AnEndIsNotRaisedIntoTheTermAfterIt) {
    two_writers();
    restarted(head, report(at(10)));
    head.run_id = b.run_id = "run3";
    head.wall = b.wall = noon + 5000;
    state(head, report(at(10), at(100)));
    const auto reply = state(b, report(at(10)));
    EXPECT_TRUE(reply.facts.table.terms[0].sealed);
    EXPECT_EQ(reply.facts.table.terms[0].end, at(99, 4095)) << "the second term began at 100";
}

TEST_F(RedisTerms, AWriterThatJoinsWhileAnEndWaitsDelaysItOnlyUntilItHasReported) {
    two_writers();
    restarted(head, report(at(10)));
    CallHead late = hub("late");
    late.wall = noon + 100;
    auto nothing = report({});
    nothing.reports.clear();
    const auto version = restarted(late, nothing).own_version;
    auto from_b = report(at(10));
    from_b.joins = {{"late", version}};
    EXPECT_TRUE(restarted(b, from_b).facts.pending);
    EXPECT_TRUE(ended(restarted(late, report({}))).sealed);
}

TEST_F(RedisTerms, AWriterThatOnlyAnotherWriterHeardOfMustReportToo) {
    two_writers();
    // 'c' joined, and the server that took over had not heard of it yet.
    auto from_a = report(at(10));
    from_a.joins = {{"a", 1}, {"b", 2}, {"c", 3}};
    EXPECT_TRUE(restarted(head, from_a).facts.pending);
    EXPECT_TRUE(restarted(b, report(at(10))).facts.pending);
    CallHead c = hub("c");
    c.wall = noon + 100;
    const auto reply = restarted(c, report(at(10, 1)));
    EXPECT_FALSE(reply.facts.pending);
    EXPECT_TRUE(ended(reply).sealed);
}

TEST_F(RedisTerms, AWriterThatTheDataKnewAndThatHasLeftIsNotAsked) {
    two_writers();
    auto from_a = report(at(10));
    from_a.joins = {{"a", 1}, {"left", 2}};
    restarted(head, from_a);
    EXPECT_TRUE(ended(restarted(b, report(at(10)))).sealed);
}

TEST_F(RedisTerms, P3_ReportsOfOneEndCountForNoOther) {
    two_writers();
    restarted(head, report(at(10)));
    EXPECT_TRUE(ended(restarted(b, report(at(10)))).sealed);
    head.run_id = b.run_id = "run3";
    auto second = report({});
    second.reports[0].term = {2, 0x22};
    EXPECT_TRUE(state(head, second).facts.pending) << "'b' has not said anything of this one";
    EXPECT_FALSE(state(b, second).facts.pending);
}

TEST_F(RedisTerms, P3_AWriterThatOnlyAnotherHeardOfMayHaveBeenToldMore) {
    two_writers();
    auto from_a = report(at(10));
    from_a.joins = {{"c", 3}};
    restarted(head, from_a);
    CallHead c = hub("c");
    c.wall = noon + 100;
    EXPECT_FALSE(ended(restarted(c, report(at(20)))).sealed);
    EXPECT_FALSE(ended(restarted(b, report(at(10)))).sealed);
}

TEST_F(RedisTerms, P3_AWriterThatJoinedAgainCannotVouchForWhomItDidNotHear) {
    const auto sealed = [&](const StateCall& of_b) {
        call({"FLUSHALL"});
        head = hub("a");
        b = hub("b");
        begin(head);
        two_writers();
        restarted(head, report(at(10)));
        const auto reply = restarted(b, of_b);
        EXPECT_FALSE(reply.facts.pending);
        return ended(reply).sealed;
    };
    auto of_b = report(at(10));
    of_b.joins = {{"a", 1}, {"b", 2}};
    EXPECT_TRUE(sealed(of_b));
    of_b.joins = {{"a", 1}, {"b", 7}};
    EXPECT_FALSE(sealed(of_b)) << "its lease had run out, and it joined again in what was lost";
    of_b.joins = {{"a", 1}, {"b", 2}};
    of_b.joins_forgotten_to = 3;
    EXPECT_FALSE(sealed(of_b)) << "it forgot joins that the data lacks";
    of_b.joins_forgotten_to = 2;
    EXPECT_TRUE(sealed(of_b));
}

TEST_F(RedisTerms, JoiningInTheNewTermDoesNotTakeAReportBack) {
    two_writers();
    auto of_a = report(at(10));
    of_a.joins = {{"a", 1}, {"b", 2}};
    set_field("lease:a", "99999999999999 1 0");
    restarted(head, of_a);
    call({"HDEL", partition, "lease:a"});
    const auto again = restarted(head, of_a);
    of_a.joins = {{"a", again.own_version}, {"b", 2}};
    EXPECT_TRUE(restarted(head, of_a).facts.pending);
    EXPECT_TRUE(ended(restarted(b, report(at(10)))).sealed);
}

TEST_F(RedisTerms, AReaderTakesNoLeaseAndNobodyWaitsForIt) {
    StateCall read;
    read.part = StateCall::Part::reader;
    const auto reply = state(hub("r"), read);
    EXPECT_THAT(reply.members, testing::Not(testing::Contains(testing::Key("r"))));
    EXPECT_EQ(reply.own_version, 0U);
    EXPECT_EQ(reply.facts.table.running().name, head.known);
    EXPECT_TRUE(state(head).ready);
}

TEST_F(RedisTerms, WritersJoinAndAreHeardOf) {
    Listener listener{server.port(), {"sse:tidings:hubs"}};
    const auto first = state(head);
    EXPECT_TRUE(first.ready) << "nobody else is there";
    EXPECT_EQ(first.version, 1U);
    EXPECT_EQ(first.own_version, 1U);
    const auto joined = state(b);
    EXPECT_EQ(listener.next(), "sse:tidings:hubs joined b 2");
    EXPECT_FALSE(joined.ready) << "'a' has not heard of it";
    EXPECT_TRUE(state(head).ready) << "and does not have to be heard of anew";
    EXPECT_EQ(joined.version, 2U);
    EXPECT_EQ(joined.own_version, 2U);
    EXPECT_THAT(joined.members, UnorderedElementsAre(Pair("a", 1U), Pair("b", 2U)));
    StateCall heard;
    heard.seen_version = 2;
    EXPECT_TRUE(state(head, heard).ready);
    EXPECT_TRUE(state(b, heard).ready);
    EXPECT_EQ(state(b, heard).version, 2U) << "renewing is not joining";
}

TEST_F(RedisTerms, WhoIsSilentForTooLongIsNotWaitedFor) {
    state(b);
    EXPECT_FALSE(state(b).ready);
    const auto time = call({"TIME"}).at(0).as_integer().value_or(0) * 1000;
    set_field("lease:a", std::to_string(time - 5000) + " 1 0");
    const auto reply = state(b);
    EXPECT_TRUE(reply.ready);
    EXPECT_EQ(reply.members.size(), 2U) << "it may come back";
    set_field("lease:a", std::to_string(time - 70'000) + " 1 0");
    EXPECT_EQ(state(b).members.size(), 1U);
    EXPECT_EQ(call({"HEXISTS", partition, "lease:a"}).as_integer(), 0);
    EXPECT_EQ(state(head).own_version, 3U) << "and joins anew";
}

TEST_F(RedisTerms, ALeaseHoldsForTenSeconds) {
    const auto time = call({"TIME"}).at(0).as_integer().value_or(0) * 1000;
    state(head);
    const auto until = std::stoll(field("lease:a"));
    EXPECT_GE(until, time + 10'000);
    EXPECT_LT(until, time + 15'000);
}

TEST_F(RedisTerms, WhoLeavesIsNotAsked) {
    two_writers();
    StateCall leave;
    leave.part = StateCall::Part::leaving;
    state(b, leave);
    EXPECT_EQ(field("lease:b"), "");
    const auto reply = restarted(head, report(at(10)));
    EXPECT_TRUE(ended(reply).sealed);
    EXPECT_THAT(reply.members, ElementsAre(Pair("a", 1U)));
}

TEST_F(RedisTerms, NamesOfHubsMayBeAnyText) {
    two_writers();
    CallHead odd = hub("10.0.0.1:8080-%a+(x)");
    odd.wall = noon + 100;
    begin(odd);
    restarted(head, report(at(10)));
    restarted(b, report(at(10)));
    EXPECT_TRUE(ended(restarted(odd, report(at(10)))).sealed);
}

}  // namespace
}  // namespace tidings::redis_scripts
