#include "fanout/audience_queue.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

RingItem at(std::uint64_t ms) {
    RingItem item;
    item.position = {1, ms, 0};
    return item;
}

TEST(AudienceQueue, HoldsEachAudienceOnceWithAllItsItems) {
    AudienceQueue queue;
    EXPECT_TRUE(queue.empty());
    queue.push(3, 10, at(100));
    queue.push(1, 11, at(101));
    queue.push(3, 12, at(102));
    EXPECT_EQ(queue.size(), 2U);
    EXPECT_EQ(queue.front().audience, 3U);
    EXPECT_EQ(queue.front().places, (std::vector<std::uint64_t>{10, 12}));
    EXPECT_EQ(queue.front().before, at(100).position.before());
    EXPECT_TRUE(queue.front().plain);
    ASSERT_NE(queue.find(1), nullptr);
    EXPECT_EQ(queue.find(2), nullptr);
    EXPECT_EQ(queue.find(77), nullptr);
    queue.finish_front();
    EXPECT_EQ(queue.find(3), nullptr);
    EXPECT_EQ(queue.front().audience, 1U);
    queue.finish_front();
    EXPECT_TRUE(queue.empty());
}

TEST(AudienceQueue, VisitsAgainForWhatCameDuringARound) {
    AudienceQueue queue;
    queue.push(3, 10, at(100));
    queue.push(4, 11, at(101));
    queue.front().visited = 5;
    queue.push(3, 12, at(102));
    queue.push(3, 13, at(103));
    queue.finish_front();
    EXPECT_EQ(queue.front().audience, 4U);
    queue.finish_front();
    ASSERT_FALSE(queue.empty());
    EXPECT_EQ(queue.front().places, (std::vector<std::uint64_t>{12, 13}));
    EXPECT_EQ(queue.front().before, at(102).position.before());
    EXPECT_EQ(queue.front().visited, 0U);
    queue.finish_front();
    EXPECT_TRUE(queue.empty());
}

TEST(AudienceQueue, BeginsARoundAnewWhenStreamsHaveMoved) {
    AudienceQueue queue;
    queue.restart(3);
    queue.push(3, 10, at(100));
    queue.front().visited = 5;
    queue.push(3, 12, at(102));
    queue.restart(4);
    EXPECT_EQ(queue.front().visited, 5U);
    queue.restart(3);
    EXPECT_EQ(queue.front().visited, 0U);
    queue.finish_front();
    EXPECT_TRUE(queue.empty());
}

TEST(AudienceQueue, KnowsWhatIsNotInPlainOrder) {
    AudienceQueue queue;
    RingItem passing = at(100);
    passing.retained = false;
    queue.push(3, 10, passing);
    EXPECT_FALSE(queue.front().plain);
    EXPECT_EQ(queue.front().before, passing.position);
    RingItem foreign = at(100);
    foreign.foreign = std::make_shared<const ForeignEvent>();
    queue.push(4, 11, foreign);
    EXPECT_FALSE(queue.find(4)->plain);
    EXPECT_EQ(queue.find(4)->before, Position{});
    RingItem end = at(100);
    end.closes = true;
    queue.push(5, 12, at(99));
    EXPECT_TRUE(queue.find(5)->plain);
    queue.push(5, 13, end);
    EXPECT_FALSE(queue.find(5)->plain);
}

TEST(AudienceQueue, ForgetsEverything) {
    AudienceQueue queue;
    for (AudienceIndex audience = 0; audience < 5; ++audience) queue.push(audience, audience, at(100));
    queue.finish_front();
    queue.clear();
    EXPECT_TRUE(queue.empty());
    for (AudienceIndex audience = 0; audience < 5; ++audience) EXPECT_EQ(queue.find(audience), nullptr);
    queue.push(2, 9, at(101));
    EXPECT_EQ(queue.front().places, std::vector<std::uint64_t>{9});
}

}  // namespace
}  // namespace tidings
