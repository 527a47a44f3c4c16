#include "base/json.hpp"
#include "base/utf8.hpp"

#include <gtest/gtest.h>

#include <random>

namespace tidings {
namespace {

using namespace std::string_view_literals;

TEST(JsonText, ReadsTextThatWasNotMinified) {
    constexpr auto text = " { \"a\" : [ 1 ,\n 2 ] , \"b\" : { } }\t"sv;
    const auto members = json_members(text);
    ASSERT_TRUE(members);
    ASSERT_EQ(members->size(), 2U);
    EXPECT_EQ((*members)[0].value, "[ 1 ,\n 2 ]");
    EXPECT_EQ((*members)[1].value, "{ }");
    EXPECT_EQ(json_pointer(text, "/a/1"), "2");
    EXPECT_EQ(json_pointer(text, ""), text.substr(1, text.size() - 2));
    EXPECT_EQ(json_string(" \"x\" "), "x");
}

TEST(JsonText, KeepsRepeatedNamesAndLetsTheLastCount) {
    constexpr auto text = R"({"a":1,"\u0061":2,"b":3})"sv;
    EXPECT_EQ(json_members(text)->size(), 3U);
    EXPECT_EQ(json_member(text, "a"), "2");
    EXPECT_EQ(json_member(text, "b"), "3");
    EXPECT_FALSE(json_member(text, "c"));
    EXPECT_FALSE(json_member("[1]", "0"));
}

TEST(JsonText, StopsOneBehindTheLimitOfItsCaller) {
    EXPECT_EQ(json_elements("[1,2,3,4,5]", 3)->size(), 4U);
    EXPECT_EQ(json_elements("[1,2,3]", 3)->size(), 3U);
    EXPECT_EQ(json_members(R"({"a":1,"b":2,"c":3})", 1)->size(), 2U);
}

TEST(JsonText, UnescapesEveryEscape) {
    EXPECT_EQ(json_string(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
    EXPECT_EQ(json_string(R"("\u0000")"), "\0"sv);
    EXPECT_EQ(json_string(R"("\u20AC\uD83D\uDE00")"), "\xe2\x82\xac\xf0\x9f\x98\x80");
}

TEST(JsonText, QuotesControlCharactersByTheirShortestEscape) {
    EXPECT_EQ(quoted("\b\f\n\r\t\x01\x1f\0"sv), R"("\b\f\n\r\t\u0001\u001f\u0000")");
    EXPECT_EQ(quoted("\"\\/"), R"("\"\\/")");
    EXPECT_EQ(quoted("\xe2\x80\xa8"), "\"\xe2\x80\xa8\"");
}

TEST(JsonText, GivesNothingForTextThatNobodyValidated) {
    for (const auto text : {""sv, "{"sv, "{\"a"sv, "{\"a\\"sv, "{\"a\":"sv, "{\"a\":}"sv, "{\"a\":1"sv,
                            "{\"a\":1,"sv, "{\"a\":[}"sv, "{\"a\":1}x"sv, "{a:1}"sv, "[[]"sv, "[1"sv,
                            "\"\\u12\""sv, "\"\\x\""sv, "{\"\\u1\":1}"sv}) {
        EXPECT_FALSE(json_members(text)) << text;
        EXPECT_FALSE(json_string(text)) << text;
    }
    EXPECT_FALSE(json_elements("[1"));
    EXPECT_FALSE(json_elements("[1]]"));
    EXPECT_FALSE(json_elements("[,]"));
    EXPECT_FALSE(json_pointer("{", "/a"));
}

// Views into any bytes at all stay inside of them (the sanitizers watch), and strings round trip.
TEST(JsonText, C12_SurvivesRandomBytes) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random{seed};
    constexpr auto alphabet = "{}[]\",:\\u0d8a1 \n"sv;
    for (int round = 0; round < 5000; ++round) {
        std::string text(random() % 40, '\0');
        for (auto& c : text)
            c = random() % 16 == 0 ? static_cast<char>(random()) : alphabet[random() % alphabet.size()];
        json_members(text);
        json_elements(text);
        json_string(text);
        json_pointer(text, "/0/a");
        const auto literal = quoted(text);
        ASSERT_TRUE(check_json(literal, Limits{})) << literal;
        std::string expected;
        append_utf8(expected, text);
        ASSERT_EQ(json_string(literal), expected);
    }
}

}  // namespace
}  // namespace tidings
