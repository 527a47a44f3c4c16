#include "base/utf8.hpp"

#include <gtest/gtest.h>

#include <random>

namespace tidings {
namespace {

using namespace std::string_view_literals;

std::string repaired(std::string_view text) {
    std::string target;
    append_utf8(target, text);
    return target;
}

#define U "\xef\xbf\xbd"

// The table of the Unicode Standard, section 3.9, and the WHATWG Encoding Standard's decoder.
TEST(Utf8, ReplacesEachMaximalSubpartOnce) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xff"
         "a",
         U "a"},
        {"\x80\xbf", U U},
        {"\xc0\xaf", U U},
        {"\xe0\x80\x80", U U U},
        {"\xed\xa0\x80", U U U},
        {"\xf4\x90\x80\x80", U U U U},
        {"\xf5\x80", U U},
        {"\xe2\x82"
         "a",
         U "a"},
        {"\xf0\x9f\x98"
         "a",
         U "a"},
        {"\xf0\x9f\x98", U},
        {"\xe2\x82\xe2\x82\xac", U "\xe2\x82\xac"},
        {"\xc3", U},
        {"a\xf0\x80\x80\x41", "a" U U U "A"},
    };
    for (const auto& [text, expected] : cases) {
        EXPECT_EQ(repaired(text), expected);
        EXPECT_EQ(valid_utf8(text), text == expected) << text;
        EXPECT_TRUE(valid_utf8(repaired(text)));
    }
}

#undef U

TEST(Utf8, TakesEveryCodePointAndNoSurrogate) {
    for (char32_t point = 0; point <= 0x10ffff; ++point) {
        if (point == 0xd800) point = 0xe000;
        std::string text;
        append_code_point(text, point);
        ASSERT_TRUE(valid_utf8(text)) << static_cast<unsigned>(point);
        ASSERT_EQ(utf8_step(text).bytes, text.size());
    }
}

TEST(Utf8, FindsTheFirstByteThatIsNotPlain) {
    EXPECT_EQ(ascii_prefix(""), 0U);
    EXPECT_EQ(ascii_prefix("a plain text of some length\x7f"), 28U);
    for (std::size_t size = 1; size < 40; ++size) {
        for (std::size_t at = 0; at < size; ++at) {
            for (const char c : {'\0', '\n', '\x1f', '\x80', '\xa0', '\xff'}) {
                std::string text(size, ' ');
                text[at] = c;
                EXPECT_EQ(ascii_prefix(text), at);
            }
        }
    }
}

TEST(Utf8, RepairsRandomBytesToSomethingStable) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random{seed};
    for (int round = 0; round < 2000; ++round) {
        std::string text(random() % 24, '\0');
        for (auto& c : text) c = static_cast<char>(random() % 3 == 0 ? random() : 0xc0 + random() % 0x40);
        const auto once = repaired(text);
        ASSERT_TRUE(valid_utf8(once));
        ASSERT_EQ(repaired(once), once);
    }
}

}  // namespace
}  // namespace tidings
