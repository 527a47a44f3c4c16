#include "redis/pack.hpp"

#include <gtest/gtest.h>

namespace tidings::redis {
namespace {

std::string number(std::uint64_t value) {
    std::string out;
    Packer{out}.number(value);
    return out;
}

std::string text_head(std::size_t size) {
    std::string out;
    Packer{out}.text(std::string(size, 'x'));
    return out.substr(0, out.size() - size);
}

std::string array_head(std::size_t items) {
    std::string out;
    Packer{out}.array(items);
    return out;
}

std::string bytes(std::initializer_list<unsigned char> all) { return {all.begin(), all.end()}; }

TEST(Packer, WritesNumbersShortWhereTheyAreSmall) {
    EXPECT_EQ(number(0), bytes({0}));
    EXPECT_EQ(number(127), bytes({0x7f}));
    EXPECT_EQ(number(128), bytes({0xcd, 0, 0x80}));
    EXPECT_EQ(number(65'535), bytes({0xcd, 0xff, 0xff}));
    EXPECT_EQ(number(65'536), bytes({0xcf, 0, 0, 0, 0, 0, 1, 0, 0}));
    EXPECT_EQ(number(0xfedcba9876543210), bytes({0xcf, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10}));
}

TEST(Packer, WritesTextsOfAnyLength) {
    EXPECT_EQ(text_head(0), bytes({0xa0}));
    EXPECT_EQ(text_head(31), bytes({0xbf}));
    EXPECT_EQ(text_head(32), bytes({0xda, 0, 32}));
    EXPECT_EQ(text_head(65'535), bytes({0xda, 0xff, 0xff}));
    EXPECT_EQ(text_head(65'536), bytes({0xdb, 0, 1, 0, 0}));
}

TEST(Packer, WritesHowManyItemsFollow) {
    EXPECT_EQ(array_head(0), bytes({0x90}));
    EXPECT_EQ(array_head(15), bytes({0x9f}));
    EXPECT_EQ(array_head(16), bytes({0xdd, 0, 0, 0, 16}));
    EXPECT_EQ(array_head(70'000), bytes({0xdd, 0, 1, 0x11, 0x70}));
}

}  // namespace
}  // namespace tidings::redis
