#include "net/lifecycle.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace tidings {
namespace {

TEST(Lifecycle, LetsExactlyOneStopAndTheOthersWaitForIt) {
    Lifecycle life;
    life.started();
    std::atomic<int> stoppers{0};
    std::atomic<bool> stopped{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            if (life.begin_stopping()) {
                ++stoppers;
                stopped = true;
                life.over();
            } else {
                EXPECT_TRUE(stopped);
            }
        });
    }
    life.wait_until_over();
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(stoppers, 1);
}

TEST(Lifecycle, DrainsOnceAndOnlyWhileRunning) {
    Lifecycle life;
    EXPECT_FALSE(life.begin_draining(2));
    life.started();
    EXPECT_TRUE(life.begin_draining(2));
    EXPECT_FALSE(life.begin_draining(2));
    EXPECT_FALSE(life.part_drained());
    EXPECT_TRUE(life.part_drained());
    EXPECT_TRUE(life.begin_stopping());
    life.over();
    EXPECT_FALSE(life.begin_stopping());
}

TEST(Lifecycle, ADrainThatIsStoppedIsNotFinishedAgain) {
    Lifecycle life;
    life.started();
    EXPECT_TRUE(life.begin_draining(1));
    EXPECT_TRUE(life.begin_stopping());
    life.over();
    EXPECT_FALSE(life.part_drained());
}

}  // namespace
}  // namespace tidings
