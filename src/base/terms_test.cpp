#include "base/terms.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

TermTable table(bool first_sealed) {
    return {{{{1, 0xa}, {1, 100, 0}, {1, 200, 0}, false, first_sealed},
             {{2, 0xb}, {2, 200, 0}, {}, true, false}}};
}

std::string id(Position position, std::uint32_t tag) { return EventId{position, tag, 0}.uuid().text(); }

TEST(Cursor, IsReplayedWhenItsTermIsKnown) {
    const auto meaning = interpret(id({2, 300, 4}, 0xb), table(true), {2, 300, 4});
    EXPECT_EQ(meaning.kind, CursorKind::ours);
    EXPECT_EQ(meaning.after, (Position{2, 300, 4}));
}

TEST(Cursor, MayCrossASealedEndButNotAnOpenOne) {
    EXPECT_EQ(interpret(id({1, 150, 0}, 0xa), table(true), {2, 300, 0}).kind, CursorKind::ours);
    EXPECT_EQ(interpret(id({1, 150, 0}, 0xa), table(false), {2, 300, 0}).kind, CursorKind::store_reset);
}

TEST(Cursor, OfAnotherLifeIsRecognised) {
    EXPECT_EQ(interpret(id({2, 250, 0}, 0xc), table(true), {2, 300, 0}).kind, CursorKind::store_reset);
    EXPECT_EQ(interpret(id({7, 250, 0}, 0xb), table(true), {2, 300, 0}).kind, CursorKind::store_reset);
}

TEST(Cursor, BeyondAnEndOrTheLastIsAReset) {
    EXPECT_EQ(interpret(id({1, 201, 0}, 0xa), table(true), {2, 300, 0}).kind, CursorKind::store_reset);
    EXPECT_EQ(interpret(id({2, 301, 0}, 0xb), table(true), {2, 300, 0}).kind, CursorKind::store_reset);
}

TEST(Cursor, ThatIsNoIdOfOursIsUnknownAndNeverAnError) {
    for (const auto* text : {"abc", "None", "c232ab00-9414-11ec-b3c8-9f6bdeced846", "\xff\xfe", "0192f1c4"}) {
        EXPECT_EQ(interpret(text, table(true), {2, 300, 0}).kind, CursorKind::unknown_id) << text;
    }
    EXPECT_EQ(interpret("", table(true), {2, 300, 0}).kind, CursorKind::none);
}

TEST(Stand, HoldsWithinItsTermAndAcrossASealedEnd) {
    for (const Position stand : {Position{2, 300, 0}, Position{1, 200, 0}, Position{1, 150, 7}, Position{}}) {
        EXPECT_EQ(interpret(stand, table(true), {2, 300, 0}).kind, CursorKind::ours);
        EXPECT_EQ(interpret(stand, table(true), {2, 300, 0}).after, stand);
    }
}

TEST(Stand, BeyondAnEndOrAcrossAnOpenOneOrInALostTermIsAReset) {
    EXPECT_EQ(interpret(Position{1, 200, 1}, table(true), {2, 300, 0}).kind, CursorKind::store_reset);
    EXPECT_EQ(interpret(Position{1, 150, 0}, table(false), {2, 300, 0}).kind, CursorKind::store_reset);
    EXPECT_EQ(interpret(Position{7, 150, 0}, table(true), {2, 300, 0}).kind, CursorKind::store_reset);
    EXPECT_EQ(interpret(Position{2, 301, 0}, table(true), {2, 300, 0}).kind, CursorKind::store_reset);
}

// Another system's sequence may be wider than an id has room for; what stands for it lies before it.
TEST(EventIdOfAWideSequence, NeverLiesBeyondIt) {
    const Position wide{1, 150, (std::uint64_t{1} << 40) + 3};
    EXPECT_EQ(EventId::from(EventId{wide, 0xa, 0}.uuid())->position, (Position{1, 150, 4095}));
}

TEST(TermTable, PlacesAMomentInTheTermThatReignedThen) {
    EXPECT_EQ(table(true).at(150).term, 1);
    EXPECT_EQ(table(true).at(200).term, 2);
    EXPECT_EQ(table(true).at(50).term, 1);
}

}  // namespace
}  // namespace tidings
