#include "redis/term_text.hpp"

#include <gtest/gtest.h>

namespace tidings::redis {
namespace {

TEST(TermText, PositionsAreReadBack) {
    for (const Position position : {Position{}, Position{3, 1'795'613'335'100, 7},
                                    Position{0xffff, (Milliseconds{1} << 48) - 1, ~std::uint64_t{0}}}) {
        EXPECT_EQ(parse_position(position_text(position)), position);
    }
    EXPECT_EQ(entry_id_text({3, 12, 4}), "12-4");
    EXPECT_EQ(parse_entry_id("12-18446744073709551615"), (EntryId{12, ~std::uint64_t{0}}));
}

TEST(TermText, WhatIsNoPositionIsNone) {
    for (const auto* text : {"", "1", "1-2", "1-2-3-4", "a-2-3", "1-2-", "-1-2-3", "70000-1-1",
                             "1-281474976710656-0", "1-2-18446744073709551616", " 1-2-3", "1-2-3 "}) {
        EXPECT_FALSE(parse_position(text)) << text;
    }
    EXPECT_FALSE(parse_entry_id("12"));
    EXPECT_FALSE(parse_entry_id("$"));
}

TEST(TermText, EndedTermsKeepTheirEndAndWhetherItIsSealed) {
    const auto table = parse_terms("1:11:100:150:2:s 2:22:200:250:0:o 4:44:300:350:1:p", {5, 55}, 400);
    ASSERT_TRUE(table);
    ASSERT_EQ(table->terms.size(), 4U);
    EXPECT_TRUE(table->terms[0].sealed);
    EXPECT_FALSE(table->terms[1].sealed);
    EXPECT_FALSE(table->terms[2].sealed);
    EXPECT_EQ(table->terms[0].end, (Position{1, 150, 2}));
    EXPECT_EQ(table->terms[2].start, (Position{4, 300, 0}));
    EXPECT_EQ(table->running().name, (TermName{5, 55}));
    EXPECT_EQ(table->running().start, (Position{5, 400, 0}));
    EXPECT_EQ(parse_terms("", {1, 1}, 0)->terms.size(), 1U);
}

TEST(TermText, ATableThatCannotBeIsNone) {
    for (const auto* text : {"1", "1:2:3:4:5:x", "1:2:3:4:s", "1:2:3:4:5:6:s", "0x1:2:3:4:5:s", "9:1:1:1:1:s",
                             "2:1:1:1:1:s 1:1:1:1:1:s", "1:4294967296:3:4:5:s"}) {
        EXPECT_FALSE(parse_terms(text, {9, 1}, 5)) << text;
    }
}

}  // namespace
}  // namespace tidings::redis
