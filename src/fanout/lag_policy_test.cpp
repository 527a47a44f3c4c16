#include "fanout/lag_policy.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tidings {
namespace {

using Kind = LagDecision::Kind;

std::vector<Unsent> events(std::size_t count, SlowReader policy, bool retained = true) {
    std::vector<Unsent> list;
    for (std::size_t i = 0; i < count; ++i) list.push_back({100 + i, 10, policy, retained});
    return list;
}

TEST(LagPolicy, C64_KeepsWhatIsWithinBothBounds) {
    EXPECT_EQ(decide_lag(events(5, SlowReader::resume), 50, 5).kind, Kind::keep);
    EXPECT_EQ(decide_lag(events(5, SlowReader::resume), 49, 5).kind, Kind::resume);
    EXPECT_EQ(decide_lag(events(5, SlowReader::resume), 50, 4).kind, Kind::resume);
}

TEST(LagPolicy, P6_DropsTheOldestUntilTheRestFits) {
    const auto decision = decide_lag(events(10, SlowReader::drop), 1000, 4);
    EXPECT_EQ(decision.kind, Kind::drop);
    EXPECT_EQ(decision.count, 6U);
    EXPECT_EQ(decision.next, 106U);
    EXPECT_EQ(decide_lag(events(10, SlowReader::drop), 25, 100).count, 8U);
    EXPECT_EQ(decide_lag(events(2, SlowReader::drop), 5, 100).next, 102U);
}

TEST(LagPolicy, P3_ResumesAMixedQueueAndCountsWhatNoLogHolds) {
    auto mixed = events(3, SlowReader::drop, false);
    const auto resumed = events(3, SlowReader::resume);
    mixed.insert(mixed.end(), resumed.begin(), resumed.end());
    const auto decision = decide_lag(mixed, 10, 1);
    EXPECT_EQ(decision.kind, Kind::resume);
    EXPECT_EQ(decision.count, 3U);
}

TEST(LagPolicy, C64_KeysThatDoNotFitAreReadFromTheLog) {
    EXPECT_EQ(decide_lag(events(5, SlowReader::conflate), 50, 5).kind, Kind::keep);
    EXPECT_EQ(decide_lag(events(5, SlowReader::conflate), 50, 4).kind, Kind::resume);
    EXPECT_EQ(decide_lag(events(5, SlowReader::conflate), 50, 4).count, 0U);
    auto mixed = events(3, SlowReader::drop);
    const auto keyed = events(1, SlowReader::conflate);
    mixed.insert(mixed.end(), keyed.begin(), keyed.end());
    EXPECT_EQ(decide_lag(mixed, 100, 2).kind, Kind::resume);
}

TEST(LagPolicy, P6_KeysThatNoLogHasLoseTheirOldest) {
    const auto decision = decide_lag(events(5, SlowReader::conflate, false), 50, 3);
    EXPECT_EQ(decision.kind, Kind::drop);
    EXPECT_EQ(decision.count, 2U);
    EXPECT_EQ(decision.next, 102U);
}

}  // namespace
}  // namespace tidings
