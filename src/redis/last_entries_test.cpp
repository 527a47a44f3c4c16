#include "redis/last_entries.hpp"

#include <gtest/gtest.h>

namespace tidings::redis {
namespace {

constexpr TermName second{2, 22};
constexpr TermName third{3, 33};

TEST(LastEntries, KeepTheHighestPositionOfEachLog) {
    LastEntries last;
    EXPECT_FALSE(last.find(second, "user:ann"));
    last.note(second, "user:ann", {2, 50, 1});
    last.note(second, "topic:room", {2, 60, 0});
    last.note(second, "user:ann", {2, 40, 9});
    EXPECT_EQ(last.find(second, "user:ann"), (Position{2, 50, 1}));
    EXPECT_EQ(last.find(second, "topic:room"), (Position{2, 60, 0}));
}

TEST(LastEntries, SayNothingOfAnotherTerm) {
    LastEntries last;
    last.note(second, "user:ann", {2, 50, 1});
    EXPECT_FALSE(last.find(third, "user:ann"));
    EXPECT_FALSE(last.find({2, 23}, "user:ann"));
    last.note(third, "user:ann", {2, 50, 1});
    EXPECT_FALSE(last.find(third, "user:ann")) << "a position of the term before";
    last.note(third, "topic:room", {3, 70, 0});
    EXPECT_EQ(last.size(), 1U) << "the others are forgotten";
}

TEST(LastEntries, P6_AreBounded) {
    LastEntries last;
    for (std::size_t i = 0; i <= LastEntries::logs_max; ++i) {
        last.note(second, std::to_string(i), {2, 50 + i, 0});
    }
    EXPECT_EQ(last.size(), 1U);
    EXPECT_TRUE(last.find(second, std::to_string(LastEntries::logs_max)));
}

}  // namespace
}  // namespace tidings::redis
