#include "fanout/subscriptions.hpp"

#include <gtest/gtest.h>

#include <set>

namespace tidings {
namespace {

Audience user(const char* name) { return Audience::user(*UserId::parse(name)); }
Audience topic(const char* name) { return *Audience::topic(name); }

TEST(SubscriptionTable, InternsEqualSetsWhateverTheirOrder) {
    SubscriptionTable table;
    const auto first = table.hold({user("alice"), Audience::broadcast()});
    const auto second = table.hold({Audience::broadcast(), user("alice"), user("alice")});
    EXPECT_EQ(first, second);
    EXPECT_EQ(table.subscription_count(), 1U);
    EXPECT_EQ(table.audience_count(), 2U);
    EXPECT_TRUE(table.has(first, table.find("user:alice")));
    EXPECT_EQ(table.audiences(first).size(), 2U);
}

TEST(SubscriptionTable, ForgetsAudiencesThatNobodyNames) {
    SubscriptionTable table;
    const auto first = table.hold({user("alice"), Audience::broadcast()});
    const auto second = table.hold({user("bob"), Audience::broadcast()});
    table.release(first);
    EXPECT_EQ(table.find("user:alice"), no_audience);
    EXPECT_NE(table.find("broadcast"), no_audience);
    table.release(second);
    EXPECT_EQ(table.audience_count(), 0U);
    const auto third = table.hold({user("carol")});
    EXPECT_EQ(table.audiences(third).front().text(), "user:carol");
    EXPECT_TRUE(table.members(table.find("user:carol")).empty());
}

TEST(SubscriptionTable, CompactsAnArrayWhenMostOfItIsStale) {
    SubscriptionTable table;
    const auto index = table.hold({Audience::broadcast()});
    std::set<std::uint32_t> alive;
    for (std::uint32_t handle = 0; handle < 1000; ++handle) {
        table.join(index, {handle, 1});
        alive.insert(handle);
    }
    for (std::uint32_t handle = 0; handle < 990; ++handle) {
        alive.erase(handle);
        table.leave(index, [&](const Member& member) { return alive.contains(member.handle); });
    }
    std::set<std::uint32_t> found;
    for (const auto& member : table.members(table.find("broadcast"))) {
        if (alive.contains(member.handle)) found.insert(member.handle);
    }
    EXPECT_EQ(found, alive);
    EXPECT_LE(table.members(table.find("broadcast")).size(), 2 * alive.size() + 1);
}

TEST(SubscriptionTable, C33_IsFinishedWhenEveryAudienceIsAClosedTopic) {
    SubscriptionTable table;
    const auto topics = table.hold({topic("a"), topic("b")});
    const auto mixed = table.hold({topic("a"), user("alice")});
    table.mark(table.find("topic:a"), TopicState::closed);
    EXPECT_FALSE(table.finished(topics));
    table.mark(table.find("topic:b"), TopicState::closed);
    EXPECT_TRUE(table.finished(topics));
    EXPECT_FALSE(table.finished(mixed));
}

TEST(FrameRing, ForgetsTheOldestBeyondItsBounds) {
    FrameRing ring{4, 1 << 20};
    for (int i = 0; i < 6; ++i) ring.push({Frame::comment(std::to_string(i)), {1, 1, 1}});
    EXPECT_EQ(ring.begin(), 2U);
    EXPECT_EQ(ring.end(), 6U);
    EXPECT_EQ(ring.at(2).frame->text(), ": 2\n");
    EXPECT_FALSE(ring.holds(1));
    FrameRing tiny{4, 1};
    tiny.push({Frame::comment("one"), {1, 1, 1}});
    EXPECT_EQ(tiny.end() - tiny.begin(), 1U);
    ring.clear();
    EXPECT_FALSE(ring.holds(6));
}

}  // namespace
}  // namespace tidings
