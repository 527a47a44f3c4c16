#include "base/nearest.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

const std::vector<std::string> keys{"heartbeat", "retry", "stall", "lifetime", "drain"};

TEST(Nearest, FindsASlipOfTheFinger) {
    EXPECT_EQ(nearest("heartbeet", keys), "heartbeat");
    EXPECT_EQ(nearest("Retry", keys), "retry");
    EXPECT_EQ(nearest("ertry", keys), "retry");  // swapped
    EXPECT_EQ(nearest("lifetim", keys), "lifetime");
    EXPECT_EQ(nearest("drains", keys), "drain");
}

TEST(Nearest, SaysNothingWhereNothingIsNear) {
    EXPECT_EQ(nearest("colour", keys), std::nullopt);
    EXPECT_EQ(nearest("", keys), std::nullopt);
    EXPECT_EQ(nearest("x", {"y"}), std::nullopt);
    EXPECT_EQ(nearest(std::string(65, 'a'), {std::string(65, 'a')}), std::nullopt);
    EXPECT_EQ(nearest("retry", {}), std::nullopt);
}

TEST(Nearest, PrefersTheEarlierOfEquals) { EXPECT_EQ(nearest("cat", {"bat", "hat"}), "bat"); }

TEST(Nearest, PhrasesAHint) {
    EXPECT_EQ(nearest_hint("stal", keys), "did you mean 'stall'?");
    EXPECT_EQ(nearest_hint("colour", keys), "");
    EXPECT_EQ(joined({"a", "b"}), "a, b");
    EXPECT_EQ(joined({}), "");
}

}  // namespace
}  // namespace tidings
