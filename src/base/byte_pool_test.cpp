#include "base/byte_pool.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace tidings {
namespace {

TEST(BytePool, HoldsWhatAMapHolds) {
    for (unsigned seed = 1; seed <= 4; ++seed) {
        std::mt19937 random{seed};
        BytePool pool;
        std::map<int, std::pair<BytePool::Place, std::string>> expected;
        for (int step = 0; step < 5000; ++step) {
            const int key = static_cast<int>(random() % 700);
            if (const auto at = expected.find(key); at != expected.end()) {
                const auto& [place, text] = at->second;
                ASSERT_EQ(pool.at(place, text.size()), text) << "seed " << seed;
                pool.remove(place, text.size());
                expected.erase(at);
                continue;
            }
            const std::size_t size = random() % 10 == 0 ? random() % 2000 : random() % 64;
            std::string text(size, static_cast<char>('a' + key % 26));
            if (!text.empty()) text.back() = static_cast<char>(step);
            const auto place = pool.put(text);
            expected[key] = {place, std::move(text)};
        }
        for (const auto& [key, held] : expected) {
            ASSERT_EQ(pool.at(held.first, held.second.size()), held.second) << "seed " << seed;
        }
    }
}

TEST(BytePool, UsesAgainWhatWasRemoved) {
    BytePool pool;
    std::vector<BytePool::Place> places;
    const auto fill = [&] {
        for (int i = 0; i < 3000; ++i) places.push_back(pool.put("0190c0de-0000-7000-8000-00000000c0de"));
    };
    fill();
    const std::size_t once = pool.memory_bytes();
    EXPECT_LE(once, 3000U * 44 + 8192);
    for (int round = 0; round < 10; ++round) {
        for (const auto place : places) pool.remove(place, 36);
        places.clear();
        fill();
    }
    EXPECT_EQ(pool.memory_bytes(), once);
}

TEST(BytePool, AlignsWhatItHolds) {
    BytePool pool;
    for (const std::size_t size : {1U, 8U, 12U, 36U, 132U, 500U, 512U}) {
        for (int i = 0; i < 3; ++i) {
            const auto place = pool.put(std::string(size, 'x'));
            EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pool.at(place, size).data()) % 8, 0U) << size;
        }
    }
}

}  // namespace
}  // namespace tidings
