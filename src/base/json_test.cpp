#include "base/json.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

std::string mini(std::string_view text) {
    const auto result = minified(text, Limits{});
    return result ? *result : "refused";
}

TEST(Json, BecomesOneLineOfTheSameTokens) {
    EXPECT_EQ(mini(" { \"a\" : [ 1 , 2.50 , \"x y\\n\" ] , \"a\":null }\n"),
              R"({"a":[1,2.50,"x y\n"],"a":null})");
    EXPECT_EQ(mini("\"\""), "\"\"");
    EXPECT_EQ(mini("1000.00"), "1000.00");
    EXPECT_EQ(mini("{\"caf\xc3\xa9\":\"\\\" : ,\"}"), "{\"caf\xc3\xa9\":\"\\\" : ,\"}");
}

TEST(Json, TakesIntegersBeyondSixtyFourBits) {
    EXPECT_EQ(mini("[123456789012345678901234567890, 18446744073709551616]"),
              "[123456789012345678901234567890,18446744073709551616]");
}

TEST(Json, C12_RefusesWhatIsNotJsonOrNotUtf8) {
    for (const std::string_view text : {"",
                                        "{",
                                        "{\"a\":}",
                                        "NaN",
                                        "[NaN]",
                                        "Infinity",
                                        "-Infinity",
                                        "[1,]",
                                        "{\"a\":1,}",
                                        "'a'",
                                        "1 2",
                                        "{}x",
                                        "\"\xff\"",
                                        "\"\xc0\x80\"",
                                        "\"\xed\xa0\x80\"",
                                        "\"\\ud800\"",
                                        "\"\\udc00x\"",
                                        "\"\\ud800\\n\"",
                                        "01",
                                        "+1",
                                        "\"a\nb\"",
                                        "nul",
                                        "[1 2]",
                                        "\xef\xbb\xbf{}",
                                        "/**/1"}) {
        const auto result = minified(text, Limits{});
        ASSERT_FALSE(result) << text;
        EXPECT_EQ(result.error().code, Errc::invalid_json) << text;
        EXPECT_FALSE(result.error().detail.empty());
    }
    EXPECT_FALSE(minified(std::string_view{"{}\0", 3}, Limits{}));
    EXPECT_EQ(mini("\"\\ud83d\\ude00\""), "\"\\ud83d\\ude00\"");
}

TEST(Json, BoundsItsDepth) {
    Limits limits;
    limits.json_depth = 8;
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    EXPECT_TRUE(minified(nested(8), limits));
    EXPECT_FALSE(minified(nested(9), limits));
    EXPECT_FALSE(minified(nested(100'000), limits));
    EXPECT_FALSE(minified(std::string(100'000, '['), limits));
    // The slower validator keeps the same bound.
    EXPECT_TRUE(minified(std::string(8, '[') + "18446744073709551616" + std::string(8, ']'), limits));
    EXPECT_FALSE(minified(std::string(9, '[') + "18446744073709551616" + std::string(9, ']'), limits));
}

TEST(Json, CountsEmptyContainersAsLevelsToo) {
    Limits limits;
    limits.json_depth = 4;
    for (const std::string_view inner : {"", "1", "{}", "\"x\""}) {
        const std::size_t own = inner == "{}" ? 1 : 0;
        const auto text = [&](std::size_t depth) {
            return std::string(depth, '[').append(inner) + std::string(depth, ']');
        };
        EXPECT_TRUE(check_json(text(4 - own), limits)) << inner;
        EXPECT_FALSE(check_json(text(5 - own), limits)) << inner;
    }
}

TEST(Json, SaysWhereTheMistakeIsAndWhatWouldBeRight) {
    const auto detail = [](std::string_view text) { return minified(text, Limits{}).error().detail; };
    EXPECT_EQ(detail("{\n  \"a\": NaN}"),
              "line 2, column 8 (byte 9): NaN and Infinity are not JSON; send null");
    EXPECT_EQ(detail("[-Infinity]"), "line 1, column 3 (byte 2): NaN and Infinity are not JSON; send null");
    EXPECT_EQ(detail("{'a': 1}"), "line 1, column 2 (byte 1): strings stand in double quotes");
    EXPECT_EQ(detail("{} {}"), "line 1, column 4 (byte 3): more text follows the value; send one JSON value");
    EXPECT_EQ(detail("{\"a\":"), "line 1, column 6 (byte 5): the text ends within a value");
    EXPECT_EQ(detail("[\"\\ud800\"]"),
              "line 1, column 3 (byte 2): the escape of a lone surrogate is not Unicode");
    EXPECT_EQ(detail("[\"a\xff\"]"), "line 1, column 4 (byte 3): not UTF-8");
    EXPECT_EQ(detail(""), "empty text is not JSON; send at least {}");
    EXPECT_NE(detail("\xef\xbb\xbf{}").find("byte order mark"), std::string::npos);
    EXPECT_NE(detail("[\"a\nb\"]").find("control character"), std::string::npos);
    EXPECT_NE(detail(std::string(65, '[')).find("nested deeper than 64 levels"), std::string::npos);
}

TEST(Json, KeepsTheSpellingOfNumbers) {
    for (const auto* number :
         {"0", "-0", "1.0", "1000.00", "1e400", "-1E-400", "1.10", "9007199254740993", "1e5",
          "-123456789012345678901234567890.50", "0.1000000000000000055511151231257827"}) {
        EXPECT_EQ(mini(number), number);
        EXPECT_EQ(mini(std::string{"{ \"n\" : "} + number + " }"), std::string{"{\"n\":"} + number + "}");
    }
}

TEST(Json, ReaderLetsLargeBuffersGo) {
    JsonReader reader;
    const std::string large = "[\"" + std::string(3 << 20, 'x') + "\"]";
    EXPECT_EQ(*reader.minified(large), large);
    EXPECT_EQ(*reader.minified(" [ ] "), "[]");
    EXPECT_EQ(*reader.minified(large), large);
}

TEST(Json, ReaderIsUsedAgain) {
    JsonReader reader{Limits{}};
    EXPECT_TRUE(reader.minified("[" + std::string(20'000, ' ') + "1]"));
    EXPECT_FALSE(reader.minified("["));
    EXPECT_EQ(*reader.minified("[1, 2]"), "[1,2]");
}

TEST(Json, QuotesWhatItReads) {
    for (const std::string_view text :
         {"", "plain", "a\"b\\c", "line\nfeed\ttab", "\x01\x7f", "caf\xc3\xa9 \xf0\x9f\x98\x80"}) {
        EXPECT_EQ(json_string(quoted(text)), text);
        EXPECT_NE(mini(quoted(text)), "refused");
    }
    EXPECT_EQ(json_string(quoted("a\xff"
                                 "b")),
              "a\xef\xbf\xbd"
              "b");
    EXPECT_EQ(json_string("\"\\ud83d\\ude00\\u00e9\\/\""), "\xf0\x9f\x98\x80\xc3\xa9/");
    EXPECT_FALSE(json_string("12"));
}

TEST(Json, GivesMembersAndElementsInOrder) {
    const auto members = json_members(R"({"b":{"x":[1,"}"]},"a":"1,2","n":null})");
    ASSERT_TRUE(members);
    ASSERT_EQ(members->size(), 3U);
    EXPECT_EQ((*members)[0].name, "b");
    EXPECT_EQ((*members)[0].value, R"({"x":[1,"}"]})");
    EXPECT_EQ((*members)[1].value, R"("1,2")");
    EXPECT_EQ((*members)[2].value, "null");
    EXPECT_TRUE(json_members("{}")->empty());
    EXPECT_FALSE(json_members("[]"));
    const auto elements = json_elements(R"([1,[2,3],"a]"])");
    ASSERT_EQ(elements->size(), 3U);
    EXPECT_EQ((*elements)[1], "[2,3]");
    EXPECT_TRUE(json_elements("[]")->empty());
}

TEST(Json, FollowsPointers) {
    constexpr std::string_view text = R"({"a":{"b/c":[10,{"~":true}]},"":1,"d":1,"d":2})";
    EXPECT_EQ(json_pointer(text, ""), text);
    EXPECT_EQ(json_pointer(text, "/a/b~1c/0"), "10");
    EXPECT_EQ(json_pointer(text, "/a/b~1c/1/~0"), "true");
    EXPECT_EQ(json_pointer(text, "/"), "1");
    EXPECT_EQ(json_pointer(text, "/d"), "2");
    for (const auto* none : {"/x", "/a/b~1c/2", "/a/b~1c/01", "/a/b~1c/-", "a", "/a~2"}) {
        EXPECT_FALSE(json_pointer(text, none)) << none;
    }
}

}  // namespace
}  // namespace tidings
