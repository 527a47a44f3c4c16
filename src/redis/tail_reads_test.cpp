#include "redis/tail_reads.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidings::redis {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const Audience ann{Audience::Kind::user, "ann"};
const Audience bob{Audience::Kind::user, "bob"};

Position end_of(Milliseconds ms) { return {1, ms, ~std::uint64_t{0}}; }

TEST(TailReads, D3_ReadsFromTheFirstBoundAfterTheSubscriptionOnce) {
    TailReads tails;
    tails.bound({1, 10, 0}, 1000);
    tails.subscribed(ann);
    EXPECT_THAT(tails.due(9'000), IsEmpty()) << "no stream has a bound yet";
    tails.bound({1, 20, 0}, 1000);
    tails.bound({1, 30, 0}, 1001);
    tails.subscribed(bob);
    tails.bound({1, 40, 0}, 1100);
    EXPECT_THAT(tails.due(999 + TailReads::wait), IsEmpty());
    EXPECT_THAT(tails.due(1000 + TailReads::wait), ElementsAre(TailReads::Read{ann, end_of(19)}));
    EXPECT_THAT(tails.due(1100 + TailReads::wait), ElementsAre(TailReads::Read{bob, end_of(39)}));
    EXPECT_THAT(tails.due(9'000), IsEmpty());
}

TEST(TailReads, NothingIsLeftWhenAllIsReadAnew) {
    TailReads tails;
    tails.subscribed(ann);
    tails.bound({1, 20, 0}, 0);
    tails.subscribed(bob);
    tails.clear();
    tails.bound({2, 20, 0}, 0);
    EXPECT_THAT(tails.due(9'000), IsEmpty());
}

TEST(TailReads, P6_IsBounded) {
    TailReads tails;
    for (std::size_t i = 0; i < TailReads::waiting_max + 5; ++i) tails.subscribed(ann);
    tails.bound({1, 20, 0}, 0);
    tails.subscribed(bob);
    EXPECT_THAT(tails.due(9'000), SizeIs(TailReads::waiting_max));
}

}  // namespace
}  // namespace tidings::redis
