#include "base/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace tidings {
namespace {

TEST(TimerWheel, FiresEachDeadlineOnceAndNotBeforeItsTick) {
    constexpr unsigned seed = 7;
    std::mt19937 random{seed};
    std::vector<WheelLink> links(500);
    const auto link_of = [&](std::uint32_t index) -> WheelLink& { return links[index]; };
    TimerWheel wheel{64};
    std::map<std::uint32_t, std::uint32_t> expected;
    for (std::uint32_t index = 0; index < links.size(); ++index) {
        const std::uint32_t due = 1 + random() % 400;  // several laps
        wheel.schedule(index, due, link_of);
        expected[index] = due;
    }
    for (std::uint32_t index = 0; index < links.size(); index += 7) {
        wheel.remove(index, link_of);
        expected.erase(index);
    }
    for (std::uint32_t now = 1; now <= 410; now += 1 + random() % 5) {
        wheel.advance(now, link_of, [&](std::uint32_t index) {
            ASSERT_TRUE(expected.contains(index)) << "seed " << seed;
            EXPECT_LE(expected[index], now);
            EXPECT_GT(expected[index] + 6, now);
            expected.erase(index);
        });
    }
    EXPECT_TRUE(expected.empty());
}

TEST(TimerWheel, LetsWhatFiresScheduleItselfAgain) {
    std::vector<WheelLink> links(1);
    const auto link_of = [&](std::uint32_t index) -> WheelLink& { return links[index]; };
    TimerWheel wheel{8};
    int fired = 0;
    wheel.schedule(0, 1, link_of);
    for (std::uint32_t now = 1; now <= 30; ++now) {
        wheel.advance(now, link_of, [&](std::uint32_t index) {
            ++fired;
            wheel.schedule(index, now + 10, link_of);
        });
    }
    EXPECT_EQ(fired, 3);
}

TEST(TimerWheel, CatchesUpAfterALongSleep) {
    std::vector<WheelLink> links(3);
    const auto link_of = [&](std::uint32_t index) -> WheelLink& { return links[index]; };
    TimerWheel wheel{8};
    for (std::uint32_t index = 0; index < 3; ++index) wheel.schedule(index, 5 + index, link_of);
    int fired = 0;
    wheel.advance(1'000'000, link_of, [&](std::uint32_t) { ++fired; });
    EXPECT_EQ(fired, 3);
}

}  // namespace
}  // namespace tidings
