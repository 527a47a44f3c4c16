#include "load/ledger.hpp"

#include <gtest/gtest.h>

namespace tidings::load {
namespace {

TEST(LoadLedger, CountsWhatEverybodyHas) {
    Ledger ledger{2, Audience::everybody};
    Ledger::Place ann, bob;
    const Stamp first = ledger.next(100), second = ledger.next(200);
    for (Ledger::Place* place : {&ann, &bob}) {
        EXPECT_FALSE(ledger.settled());
        ledger.delivered(*place, first, 150);
        ledger.delivered(*place, second, 290);
    }
    EXPECT_TRUE(ledger.settled());
    const auto totals = ledger.totals();
    EXPECT_EQ(totals.published, 2u);
    EXPECT_EQ(totals.expected, 4u);
    EXPECT_EQ(totals.delivered, 4u);
    EXPECT_EQ(totals.lost + totals.duplicated + totals.out_of_order + totals.foreign, 0u);
    EXPECT_EQ(ledger.latencies().at(1), 90u);
    EXPECT_EQ(ledger.last_latencies().count(), 2u);
    EXPECT_EQ(ledger.last_latencies().at(0.5), 50u);
}

TEST(LoadLedger, TellsLateFromDoubledFromLost) {
    Ledger ledger{1, Audience::everybody};
    Ledger::Place ann;
    std::vector<Stamp> stamps;
    for (int i = 0; i < 8; ++i) stamps.push_back(ledger.next(i));
    for (const int at : {0, 4, 2, 1, 1, 4, 6, 0})
        ledger.delivered(ann, stamps[static_cast<std::size_t>(at)], 100);
    const auto totals = ledger.totals();
    EXPECT_EQ(totals.delivered, 5u);     // 0 4 2 1 6
    EXPECT_EQ(totals.out_of_order, 2u);  // 2 1
    EXPECT_EQ(totals.duplicated, 3u);    // 1 4 0
    EXPECT_EQ(totals.lost, 3u);          // 3 5 7
    EXPECT_EQ(ledger.unsettled(), 3u);
    for (const int at : {3, 5, 7}) ledger.delivered(ann, stamps[static_cast<std::size_t>(at)], 100);
    EXPECT_TRUE(ledger.settled());
    EXPECT_TRUE(ann.holes.empty());
    EXPECT_EQ(ledger.totals().lost, 0u);
}

TEST(LoadLedger, ARefusedEventIsNobodysLoss) {
    Ledger ledger{2, Audience::everybody};
    const Stamp stamp = ledger.next(1);
    EXPECT_FALSE(ledger.settled());
    ledger.failed(stamp.sequence);
    ledger.failed(stamp.sequence);
    EXPECT_TRUE(ledger.settled());
    EXPECT_EQ(ledger.totals().failed, 1u);
    EXPECT_EQ(ledger.totals().published, 0u);
    EXPECT_EQ(ledger.totals().lost, 0u);
}

TEST(LoadLedger, LeavesOutWarmingUpAndOtherRuns) {
    Ledger ledger{1, Audience::everybody};
    Ledger::Place ann;
    const Stamp warm = ledger.next(5);
    ledger.delivered(ann, warm, 1'000'000);
    ledger.begin_measuring();
    ledger.delivered(ann, {1, 6}, 10);   // its time is not that of event 1
    ledger.delivered(ann, {99, 6}, 10);  // there is no such event
    const Stamp hot = ledger.next(10);
    ledger.delivered(ann, hot, 11);
    const auto totals = ledger.totals();
    EXPECT_EQ(totals.published, 1u);
    EXPECT_EQ(totals.delivered, 1u);
    EXPECT_EQ(totals.foreign, 2u);
    EXPECT_EQ(ledger.latencies().max(), 1u);
    EXPECT_EQ(ledger.last_delivery(), 11);
}

TEST(LoadLedger, AnEventForOneIsCompleteWithOne) {
    Ledger ledger{1000, Audience::one};
    Ledger::Place ann, bob;
    const Stamp first = ledger.next(1), second = ledger.next(2), third = ledger.next(3);
    ledger.delivered(ann, third, 10);
    ledger.delivered(ann, first, 10);
    ledger.delivered(bob, second, 10);
    EXPECT_TRUE(ledger.settled());
    ledger.delivered(bob, first, 10);
    const auto totals = ledger.totals();
    EXPECT_EQ(totals.expected, 3u);
    EXPECT_EQ(totals.delivered, 3u);
    EXPECT_EQ(totals.out_of_order, 1u);
    EXPECT_EQ(totals.duplicated, 1u);
    EXPECT_EQ(totals.lost, 0u);
}

}  // namespace
}  // namespace tidings::load
