#include "fanout/conflation.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tidings {
namespace {

RingItem item(AudienceIndex audience, const char* identity, CategoryMask category = 1) {
    RingItem made;
    made.frame = Frame::comment("x");
    made.position = {1, 1, 1};
    made.category = category;
    made.audience = audience;
    if (*identity != '\0') made.identity = std::make_shared<const std::string>(identity);
    return made;
}

// By index, what took its place; -1: nothing.
std::vector<int> replaced(const FrameRing& ring) {
    std::vector<int> places;
    for (std::uint64_t i = ring.begin(); i < ring.end(); ++i) {
        const auto by = ring.at(i).replaced_by;
        places.push_back(by == no_item ? -1 : static_cast<int>(by));
    }
    return places;
}

TEST(FrameRing, C64_LinksItemsOfOneAudienceAndIdentity) {
    FrameRing ring{64, 1 << 20};
    for (const auto& [audience, identity] :
         std::vector<std::pair<AudienceIndex, const char*>>{{1, "a"},
                                                            {1, "b"},
                                                            {2, "a"},
                                                            {1, ""},
                                                            {1, "a"},
                                                            {1, ""},
                                                            {2, "a"},
                                                            {1, "a"},
                                                            {no_audience, "a"},
                                                            {no_audience, "a"}}) {
        ring.push(item(audience, identity));
    }
    EXPECT_EQ(replaced(ring), (std::vector{4, -1, 6, -1, 7, -1, -1, -1, -1, -1}));
    EXPECT_EQ(ring.at(4).replaces, 0U);
    EXPECT_EQ(ring.at(7).replaces, 4U);
    EXPECT_EQ(ring.at(1).replaces, no_item);
    EXPECT_EQ(ring.identities(), 3U);
}

TEST(FrameRing, P6_ForgetsIdentitiesWithTheirLastItems) {
    FrameRing ring{3, 1 << 20};
    for (int i = 0; i < 100; ++i) {
        ring.push(item(1, std::to_string(i).c_str()));
        ring.push(item(1, "same"));
        EXPECT_LE(ring.identities(), 2U);
    }
    EXPECT_EQ(replaced(ring), (std::vector{199, -1, -1}));
    for (int i = 0; i < 3; ++i) ring.push(item(1, ""));
    EXPECT_EQ(ring.identities(), 0U);
    ring.push(item(1, "same"));
    EXPECT_EQ(ring.at(ring.end() - 1).replaces, no_item);
    ring.clear();
    EXPECT_EQ(ring.identities(), 0U);
    ring.push(item(1, "same"));
    EXPECT_EQ(ring.at(ring.end() - 1).replaces, no_item);
    // One that pushes the one out whose place it takes.
    FrameRing tiny{1, 1};
    for (int i = 0; i < 3; ++i) tiny.push(item(1, "same"));
    EXPECT_EQ(tiny.identities(), 1U);
    EXPECT_FALSE(tiny.holds(tiny.at(2).replaces));
}

TEST(Conflation, C64_OnlyWhatIsWantedTooTakesAPlace) {
    FrameRing ring{64, 1 << 20};
    ring.push(item(1, "a", 1));
    ring.push(item(1, "a", 2));
    ring.push(item(1, "a", 1));
    const auto all = [](const RingItem&) { return true; };
    const auto first_category = [](const RingItem& one) { return one.category == 1; };
    EXPECT_TRUE(is_replaced(ring, ring.at(0), all));
    EXPECT_FALSE(is_replaced(ring, ring.at(0), first_category));
    EXPECT_TRUE(is_replaced(ring, ring.at(1), all));
    EXPECT_FALSE(is_replaced(ring, ring.at(2), all));
    EXPECT_EQ(makes_way(ring, ring.at(1), 0, all), &ring.at(0));
    EXPECT_EQ(makes_way(ring, ring.at(1), 1, all), nullptr);  // it was sent
    EXPECT_EQ(makes_way(ring, ring.at(0), 0, all), nullptr);
    EXPECT_EQ(makes_way(ring, ring.at(2), 0, first_category), nullptr);
}

}  // namespace
}  // namespace tidings
