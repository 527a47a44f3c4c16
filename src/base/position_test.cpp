#include "base/position.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

TEST(EventId, IsAUuidOfVersionSevenThatSaysItsPosition) {
    const EventId id{{7, 0x0123456789abULL, 0xdef}, 0xdeadbeef, 0x2aaa};
    const Uuid uuid = id.uuid();
    EXPECT_EQ(uuid.version(), 7);
    EXPECT_EQ(uuid.bytes[8] >> 6, 2);
    EXPECT_EQ(uuid.text().substr(0, 19), "01234567-89ab-7def-");
    ASSERT_TRUE(EventId::from(uuid));
    EXPECT_EQ(*EventId::from(uuid), id);
}

TEST(EventId, KeepsTheWholeRangeOfEachField) {
    const EventId id{{0xffff, 0xffffffffffffULL, 4095}, 0xffffffff, 0x3fff};
    EXPECT_EQ(*EventId::from(id.uuid()), id);
    const EventId none{};
    EXPECT_EQ(*EventId::from(none.uuid()), none);
}

TEST(EventId, IsNotReadFromOtherVersions) {
    EXPECT_FALSE(EventId::from(Uuid{}));
    EXPECT_FALSE(EventId::from(*Uuid::parse("c232ab00-9414-11ec-b3c8-9f6bdeced846")));
}

TEST(Position, RisesWhenTheClockStepsBack) {
    const Position last{1, 1000, 5};
    EXPECT_EQ(mint(last, 1, 900), (Position{1, 1000, 6}));
    EXPECT_EQ(mint(last, 1, 1000), (Position{1, 1000, 6}));
    EXPECT_EQ(mint(last, 1, 1001), (Position{1, 1001, 0}));
}

TEST(Position, MovesToTheNextMillisecondWhenTheSequenceIsFull) {
    EXPECT_EQ(mint({1, 1000, 4095}, 1, 1000), (Position{1, 1001, 0}));
}

TEST(Position, ComparesByTermThenTimeThenSequence) {
    EXPECT_LT((Position{1, 9, 9}), (Position{2, 0, 0}));
    EXPECT_LT((Position{1, 1, 9}), (Position{1, 2, 0}));
    EXPECT_LT((Position{1, 1, 1}), (Position{1, 1, 2}));
}

TEST(Position, BeforeIsTheLastOneThatIsLess) {
    EXPECT_EQ((Position{1, 5, 3}).before(), (Position{1, 5, 2}));
    EXPECT_EQ((Position{1, 5, 0}).before(), (Position{1, 4, 4095}));
}

}  // namespace
}  // namespace tidings
