#include "store/log_rules.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

TermTable two_terms() {
    return {
        {{{1, 0xa}, {1, 1'000, 0}, {1, 5'000, 0}, false, true}, {{2, 0xb}, {2, 5'000, 0}, {}, true, false}}};
}

Partition partition_at(Position last) { return {std::make_shared<const TermTable>(two_terms()), last}; }

TEST(Partition, P1_MintsStrictlyRisingPositionsWhateverTheClockDoes) {
    auto partition = partition_at({2, 5'000, 0});
    Position last = partition.last();
    for (const Milliseconds wall : {5'000U, 5'000U, 7'000U, 100U, 7'001U, 0U}) {
        partition.observe(wall);
        EXPECT_GT(partition.mint(), last);
        last = partition.last();
    }
    EXPECT_EQ(partition.clock(), 7'001U);
}

TEST(Partition, P1_MovesToTheNextMillisecondWhenSequencesAreUsedUp) {
    auto partition = partition_at({2, 5'000, Position::sequence_max});
    EXPECT_EQ(partition.mint(), (Position{2, 5'001, 0}));
    EXPECT_EQ(partition.clock(), 5'001U);
}

TEST(LogRules, P3_WhatHasDiedLiesBelowTheFloorThatIsTold) {
    LogState log;
    log.last = {2, 6'000, 4'095};
    log.expires = 6'000 + 500;
    for (Milliseconds clock = 6'498; clock < 6'504; ++clock) {
        const auto floor = absent_floor(two_terms(), clock, 500, 0);
        EXPECT_EQ(expired(log, clock), clock > 6'500);
        if (expired(log, clock)) {
            EXPECT_GT(floor, log.last);
        }
    }
}

TEST(LogRules, P3_FloorsNameTheTermOfTheirMomentAndStopAtTheLastChangeOfTheAge) {
    EXPECT_EQ(absent_floor(two_terms(), 6'000, 500, 0), (Position{2, 5'500, 0}));
    EXPECT_EQ(absent_floor(two_terms(), 6'000, 2'000, 0), (Position{1, 4'000, 0}));
    EXPECT_EQ(absent_floor(two_terms(), 6'000, 50'000, 0), (Position{1, 0, 0}));
    EXPECT_EQ(absent_floor(two_terms(), 6'000, 50'000, 5'200), (Position{2, 5'200, 0}));
}

TEST(LogRules, TrimsByEventsAndBytesButNeverTheNewest) {
    LogState log;
    log.entries = 1;
    log.bytes = 10'000;
    EXPECT_FALSE(holds_too_much(log, {.events = 0, .bytes = 0}));
    log.entries = 3;
    EXPECT_TRUE(holds_too_much(log, {.events = 2, .bytes = 100'000}));
    EXPECT_TRUE(holds_too_much(log, {.events = 3, .bytes = 9'999}));
    EXPECT_FALSE(holds_too_much(log, {.events = 3, .bytes = 10'000}));
}

TEST(NextTerms, P3_EndsTheRunningTermAtTheLimitAndForgetsOldOnes) {
    const auto next = next_terms(two_terms(), 9'000, 0xc, true, 100'000);
    ASSERT_EQ(next->terms.size(), 3U);
    EXPECT_EQ(next->terms[1].end, (Position{2, 9'000, 0}));
    EXPECT_TRUE(next->terms[1].sealed);
    EXPECT_FALSE(next->terms[1].running);
    EXPECT_EQ(next->running().name, (TermName{3, 0xc}));
    EXPECT_EQ(next->running().start, (Position{3, 9'000, 0}));
    EXPECT_EQ(next_terms(two_terms(), 9'000, 0xc, true, 3'000)->terms.size(), 2U);
    EXPECT_FALSE(next_terms(two_terms(), 9'000, 0xc, false, 100'000)->terms[1].sealed);
}

TEST(NextTerms, BeginWithOneAndEndWithTheirNumbers) {
    EXPECT_EQ(next_terms({}, 9'000, 0xc, false, 0)->running().name, (TermName{1, 0xc}));
    auto table = two_terms();
    table.terms.back().name.number = 0xffff;
    EXPECT_FALSE(next_terms(table, 9'000, 0xc, true, 0));
}

TEST(PageRoom, EndsAtItsEventsOrBytesButTakesTheFirst) {
    PageRoom by_bytes{10, 100};
    EXPECT_TRUE(by_bytes.take(1'000));
    EXPECT_FALSE(by_bytes.take(1));
    PageRoom by_events{2, 100};
    EXPECT_TRUE(by_events.take(10));
    EXPECT_TRUE(by_events.take(90));
    EXPECT_FALSE(by_events.take(0));
    PageRoom none{0, 0};
    EXPECT_TRUE(none.take(1));
}

TEST(BeginPage, P3_ADeadLogIsToldAsAnAbsentOne) {
    const auto terms = two_terms();
    const RetentionPolicy policy{.user = {.age = std::chrono::milliseconds{500}}};
    const Audience audience{Audience::Kind::user, "a"};
    LogState log;
    log.last = {2, 5'100, 0};
    log.floor = {2, 5'050, 0};
    log.entries = 1;
    log.expires = 5'600;
    const AgeChanges changes;
    const auto alive = begin_page(audience, log, {terms, 5'600, policy, changes}, {2, 5'600, 0});
    EXPECT_TRUE(alive.second);
    EXPECT_EQ(alive.first.floor, log.floor);
    const auto dead = begin_page(audience, log, {terms, 5'601, policy, changes}, {2, 5'600, 0});
    EXPECT_FALSE(dead.second);
    EXPECT_EQ(dead.first.floor, (Position{2, 5'101, 0}));
}

}  // namespace
}  // namespace tidings
