#include "net/inbox.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace tidings {
namespace {

LiveBatchPtr batch(std::uint64_t ms, std::size_t bytes = 10) {
    auto made = std::make_shared<LiveBatch>();
    LiveItem item;
    item.frame = Frame::comment("x");
    item.position = {1, ms, 0};
    made->items.push_back(std::move(item));
    made->bytes = bytes;
    return made;
}

TEST(Inbox, WakesOnceUntilItIsTaken) {
    int wakes = 0;
    Inbox inbox{1000, [&] { ++wakes; }};
    inbox.push(batch(1));
    inbox.push(batch(2));
    EXPECT_EQ(wakes, 1);
    EXPECT_EQ(inbox.take().batch->items[0].position.milliseconds, 1U);
    EXPECT_EQ(inbox.take().batch->items[0].position.milliseconds, 2U);
    EXPECT_FALSE(inbox.take().batch);
    inbox.push(batch(3));
    EXPECT_EQ(wakes, 2);
}

TEST(Inbox, P6_IsBoundedAndTellsThatItOverflowed) {
    Inbox inbox{25, [] {}};
    for (std::uint64_t ms = 1; ms <= 5; ++ms) inbox.push(batch(ms));
    EXPECT_EQ(inbox.bytes(), 0U);
    const auto taken = inbox.take();
    EXPECT_TRUE(taken.overflowed);
    EXPECT_FALSE(taken.batch);
    inbox.push(batch(6));
    EXPECT_FALSE(inbox.take().overflowed);
}

TEST(Inbox, P3_RemembersAcrossAnOverflowThatForeignEventsWereLost) {
    for (const std::size_t before : {0U, 1U, 4U}) {
        Inbox inbox{25, [] {}};
        for (std::size_t i = 0; i < before; ++i) inbox.push(batch(i + 1));
        auto broken = std::make_shared<LiveBatch>();
        broken->broken = broken->foreign_lost = true;
        inbox.push(broken);
        for (std::uint64_t ms = 10; ms <= 15; ++ms) inbox.push(batch(ms));
        const auto taken = inbox.take();
        EXPECT_TRUE(taken.overflowed && taken.foreign_lost) << before;
        EXPECT_FALSE(inbox.take().foreign_lost);
    }
}

// No wake-up follows an overflow, so a shard that took an empty inbox for granted would fall silent.
TEST(Inbox, P3_IsNotEmptyUntilItsOverflowWasTold) {
    int wakes = 0;
    Inbox inbox{25, [&] { ++wakes; }};
    EXPECT_TRUE(inbox.empty());
    for (std::uint64_t ms = 1; ms <= 5; ++ms) inbox.push(batch(ms));
    EXPECT_EQ(wakes, 1);
    EXPECT_EQ(inbox.bytes(), 0U);
    EXPECT_FALSE(inbox.empty());
    EXPECT_TRUE(inbox.take().overflowed);
    EXPECT_TRUE(inbox.empty());
    inbox.push(batch(6));
    EXPECT_EQ(wakes, 2);
}

TEST(Inbox, P1_KeepsTheOrderOfOneWriterAcrossThreads) {
    constexpr std::uint64_t count = 20'000;
    std::atomic<int> wakes{0};
    Inbox inbox{~std::size_t{0}, [&] { ++wakes; }};
    std::thread writer{[&] {
        for (std::uint64_t ms = 1; ms <= count; ++ms) inbox.push(batch(ms));
    }};
    for (std::uint64_t next = 1; next <= count;) {
        const auto taken = inbox.take();
        if (!taken.batch) continue;
        ASSERT_EQ(taken.batch->items[0].position.milliseconds, next++);
    }
    writer.join();
    EXPECT_GE(wakes, 1);
}

}  // namespace
}  // namespace tidings
