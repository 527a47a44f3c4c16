#include "redis/trouble_log.hpp"

#include <gtest/gtest.h>

namespace tidings::redis {
namespace {

TEST(TroubleLog, SaysATextOnceInAMinute) {
    TroubleLog log{10};
    EXPECT_TRUE(log.says("a", 1000));
    EXPECT_FALSE(log.says("a", 60'999));
    EXPECT_TRUE(log.says("b", 60'999));
    EXPECT_TRUE(log.says("a", 61'000));
}

TEST(TroubleLog, SaysItAgainWhenAllWasWellMeanwhile) {
    TroubleLog log{10};
    EXPECT_TRUE(log.says("a", 1000));
    log.forget();
    EXPECT_TRUE(log.says("a", 1001));
    EXPECT_FALSE(log.says("a", 1002));
}

TEST(TroubleLog, D5_NeverFillsTheLog) {
    TroubleLog log{3};
    std::size_t lines = 0;
    for (int i = 0; i < 100; ++i) {
        lines += log.says(std::to_string(i), 1000) ? 1 : 0;
        log.forget();
    }
    EXPECT_EQ(lines, 3U);
    EXPECT_TRUE(log.says("later", 61'000));
}

}  // namespace
}  // namespace tidings::redis
