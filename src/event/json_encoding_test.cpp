#include "event/json_encoding.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

using namespace std::string_literals;

std::string read(std::string_view text) {
    std::string room;
    const auto found = json_utf8(text, room);
    return found ? std::string{*found} : "refused: " + found.error().message();
}

// Code units in two or four bytes.
std::string units(std::u32string_view points, std::size_t bytes, bool big) {
    std::string text;
    for (const auto point : points) {
        for (std::size_t i = 0; i < bytes; ++i) {
            const auto shift = 8 * (big ? bytes - 1 - i : i);
            text += static_cast<char>(static_cast<unsigned char>(point >> shift & 0xff));
        }
    }
    return text;
}

TEST(JsonEncoding, P9_Utf8IsReturnedAsItIs) {
    for (const auto& text : {"{\"a\": \"é😀\"}"s, ""s, "1"s, "12"s, "123"s, "\"\xff\""s, "{\0}"s}) {
        std::string room;
        const auto found = json_utf8(text, room);
        ASSERT_TRUE(found);
        EXPECT_EQ(*found, text);
        EXPECT_EQ(found->data(), text.data());
    }
}

TEST(JsonEncoding, P9_AMarkIsRemovedOnce) {
    EXPECT_EQ(read("\xef\xbb\xbf{}"), "{}");
    EXPECT_EQ(read("\xef\xbb\xbf"), "");
    EXPECT_EQ(read("\xef\xbb\xbf\xef\xbb\xbf{}"), "\xef\xbb\xbf{}");
    EXPECT_EQ(read("\xff\xfe"), "");
    EXPECT_EQ(read("\xff\xfe\0\0"s), "");
}

TEST(JsonEncoding, P9_Utf16And32AreReadInBothOrdersWithAndWithoutAMark) {
    const std::u32string_view text = U"{\"a\": \"é€\"}";
    for (const std::size_t bytes : {2U, 4U}) {
        for (const bool big : {true, false}) {
            EXPECT_EQ(read(units(text, bytes, big)), "{\"a\": \"é€\"}") << bytes << big;
            EXPECT_EQ(read(units(U"\ufeff", bytes, big) + units(text, bytes, big)), "{\"a\": \"é€\"}")
                << bytes << big;
        }
    }
    EXPECT_EQ(read("\0"s + "5"), "5");
    EXPECT_EQ(read("5\0"s), "5");
    EXPECT_EQ(read("5\0\0\0"s), "5");
    EXPECT_EQ(read("\0\0\0"s + "5"), "5");
}

TEST(JsonEncoding, P9_PairsOfSurrogatesAreOneCodePoint) {
    const auto pair = units(U"\"", 2, true) + "\xd8\x3d\xde\x00"s + units(U"\"", 2, true);
    EXPECT_EQ(read(pair), "\"😀\"");
    EXPECT_EQ(read(units(U"\"😀\"", 4, false)), "\"😀\"");
}

TEST(JsonEncoding, D5_WhatIsNoTextIsRefused) {
    const auto quote = units(U"\"", 2, true);
    for (const auto& text :
         {quote + "\xd8\x3d" + quote, quote + "\xde\x00"s + quote, quote + quote + "\xd8\x3d", "{\0}\0x"s,
          "\0\0\0{\0\x11\0\0"s, "\0\0\0{\0\0\xd8\0"s, "5\0\0\0\0"s}) {
        EXPECT_TRUE(read(text).starts_with("refused")) << testing::PrintToString(text);
    }
}

}  // namespace
}  // namespace tidings
