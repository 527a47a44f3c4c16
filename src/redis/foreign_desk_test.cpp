#include "redis/foreign_desk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidings::redis {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

Uuid id(std::uint16_t number) {
    Uuid uuid;
    uuid.bytes[0] = static_cast<std::uint8_t>(number >> 8);
    uuid.bytes[15] = static_cast<std::uint8_t>(number);
    return uuid;
}

const Audience ann{Audience::Kind::user, "ann"};
const Audience bob{Audience::Kind::user, "bob"};

Entry message(std::uint16_t number, const Audience& audience = ann) {
    Entry entry;
    entry.audience = audience;
    entry.foreign = true;
    entry.foreign_id = id(number);
    entry.retained = false;
    return entry;
}

TEST(ForeignDesk, LooksAgainAndAgainForFiftyMilliseconds) {
    ForeignDesk desk;
    const ForeignDesk::Look look{ann, id(1)};
    EXPECT_TRUE(desk.arrived(message(1), 1000));
    std::vector<Milliseconds> looked;
    for (Milliseconds now = 1000; now < 1050; ++now) {
        EXPECT_THAT(desk.give_up(now), IsEmpty());
        if (desk.due(now).empty()) continue;
        EXPECT_THAT(desk.due(now), IsEmpty()) << "one look at a time";
        looked.push_back(now - 1000);
        desk.missing(look);
    }
    EXPECT_THAT(looked, ElementsAre(0, 2, 5, 12, 25, 45));
    EXPECT_EQ(desk.next(), 1050U);
    const auto given = desk.give_up(1050);
    ASSERT_THAT(given, SizeIs(1));
    EXPECT_EQ(given[0].foreign_id, id(1));
    EXPECT_FALSE(given[0].retained);
    EXPECT_EQ(desk.next(), 1050 + ForeignDesk::late_look);
}

TEST(ForeignDesk, WhatIsFoundHasItsPlace) {
    ForeignDesk desk;
    desk.arrived(message(1), 0);
    EXPECT_THAT(desk.due(0), ElementsAre(ForeignDesk::Look{ann, id(1)}));
    EXPECT_EQ(desk.next(), ForeignDesk::patience) << "while it looks only the end is due";
    const auto entry = desk.found({ann, id(1)}, {2, 70, 1}, {2, 60, 0});
    ASSERT_TRUE(entry);
    EXPECT_TRUE(entry->retained);
    EXPECT_EQ(entry->position, (Position{2, 70, 1}));
    EXPECT_EQ(entry->previous, (Position{2, 60, 0}));
    EXPECT_EQ(desk.waiting(), 0U);
    EXPECT_FALSE(desk.found({ann, id(1)}, {2, 70, 1}, {}));
}

TEST(ForeignDesk, ALookThatEndsTooLateFindsNobodyWaiting) {
    ForeignDesk desk;
    desk.arrived(message(1), 0);
    ASSERT_THAT(desk.due(0), SizeIs(1));
    EXPECT_THAT(desk.give_up(50), SizeIs(1));
    EXPECT_FALSE(desk.found({ann, id(1)}, {1, 1, 1}, {}));
    desk.missing({ann, id(1)});
    EXPECT_THAT(desk.due(60), IsEmpty());
}

// Who read the log before it was appended, and came after it was given up, has not had it.
TEST(ForeignDesk, D3_WhatIsAppendedLaterIsHandedUpOnceMoreWithItsPlace) {
    ForeignDesk desk;
    const ForeignDesk::Look look{ann, id(1)};
    desk.arrived(message(1), 0);
    EXPECT_THAT(desk.give_up(50), SizeIs(1));
    EXPECT_FALSE(desk.arrived(message(1), 60)) << "the message has been handed up";
    EXPECT_THAT(desk.due_late(50 + ForeignDesk::late_look - 1), IsEmpty());
    EXPECT_THAT(desk.due_late(50 + ForeignDesk::late_look), ElementsAre(look));
    EXPECT_THAT(desk.due_late(50 + ForeignDesk::late_look), IsEmpty());
    EXPECT_EQ(desk.next(), std::nullopt);
    EXPECT_TRUE(desk.first_time(look));
    EXPECT_FALSE(desk.first_time(look));
    // Not looked for when it was found by another way.
    desk.arrived(message(2), 100);
    EXPECT_THAT(desk.give_up(150), SizeIs(1));
    EXPECT_TRUE(desk.first_time({ann, id(2)}));
    EXPECT_THAT(desk.due_late(10'000), IsEmpty());
}

TEST(ForeignDesk, EachIsHandedUpOnce) {
    ForeignDesk desk;
    EXPECT_TRUE(desk.arrived(message(1), 0));
    EXPECT_FALSE(desk.arrived(message(1), 1));
    EXPECT_TRUE(desk.first_time({ann, id(1)})) << "seen in the log by another way";
    EXPECT_EQ(desk.waiting(), 0U);
    EXPECT_FALSE(desk.first_time({ann, id(1)}));
    EXPECT_FALSE(desk.arrived(message(1), 2));
    EXPECT_TRUE(desk.first_time({ann, id(2)}));
    EXPECT_FALSE(desk.arrived(message(2), 3));
}

TEST(ForeignDesk, P3_TheSameEventForAnotherUserIsAnotherOne) {
    ForeignDesk desk;
    EXPECT_TRUE(desk.arrived(message(1, ann), 0));
    EXPECT_TRUE(desk.arrived(message(1, bob), 0));
    EXPECT_THAT(desk.due(0), ElementsAre(ForeignDesk::Look{ann, id(1)}, ForeignDesk::Look{bob, id(1)}));
    EXPECT_EQ(desk.found({bob, id(1)}, {1, 5, 0}, {})->audience, bob);
    EXPECT_THAT(desk.give_up(50), SizeIs(1));
}

TEST(ForeignDesk, P6_BeyondTheBoundNothingIsLookedFor) {
    ForeignDesk desk;
    for (std::size_t i = 0; i < ForeignDesk::waiting_max; ++i)
        desk.arrived(message(static_cast<std::uint16_t>(i)), 7);
    EXPECT_TRUE(desk.arrived(message(60'000), 7));
    EXPECT_THAT(desk.due(7), SizeIs(ForeignDesk::waiting_max));
    EXPECT_EQ(desk.next(), 7U);
    const auto given = desk.give_up(7);
    ASSERT_THAT(given, SizeIs(1));
    EXPECT_EQ(given[0].foreign_id, id(60'000));
}

TEST(ForeignDesk, P6_TheOldestAreForgotten) {
    ForeignDesk desk;
    for (std::size_t i = 0; i <= ForeignDesk::remembered_max; ++i) {
        desk.first_time({ann, id(static_cast<std::uint16_t>(i))});
    }
    EXPECT_TRUE(desk.arrived(message(0), 0));
    EXPECT_FALSE(desk.arrived(message(1), 0));
}

}  // namespace
}  // namespace tidings::redis
