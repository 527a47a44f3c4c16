#include "http/query.hpp"

#include <gtest/gtest.h>

#include <array>

namespace tidings::http {
namespace {

TEST(HttpQuery, DecodesPairsAsFormsWriteThem) {
    const std::vector<Parameter> expected{
        {"a", "1 2+"}, {"b", ""}, {"c", ""}, {"d", "x=y"}, {"Last-Event-ID", "\xc3\xa9"}};
    EXPECT_EQ(parse_query("a=1+2%2B&b=&&c&d=x=y&Last-Event%2dID=%C3%a9").value(), expected);
    EXPECT_TRUE(parse_query("").value().empty());
    EXPECT_TRUE(parse_query("&&").value().empty());
}

TEST(HttpQuery, MarksABrokenPercentSignAndKeepsTheText) {
    for (const auto* text : {"a=%", "a=%1", "a=%zz", "a=%1g", "a=x%"}) {
        const auto parameters = parse_query(text).value();
        ASSERT_EQ(parameters.size(), 1U);
        EXPECT_EQ(parameters[0].decoding, Decoding::broken) << text;
    }
    EXPECT_FALSE(percent_decoded("%", PlusSign::is_space));
    EXPECT_EQ(percent_decoded("a+b%00", PlusSign::is_plus), (std::string{"a+b\0", 4}));
}

TEST(HttpQuery, C65_BoundsTheNumberOfParameters) {
    std::string query;
    for (int i = 0; i < 256; ++i) query.append("a=b&");
    EXPECT_TRUE(parse_query(query));
    EXPECT_EQ(parse_query(query + "c").error().code, Errc::invalid_field);
}

TEST(HttpQuery, C65_NamesTheNearestAndAllValidParameters) {
    constexpr std::array<std::string_view, 2> valid{"categories", "topics"};
    const auto error = unknown_parameter("categorys", valid);
    EXPECT_EQ(error.code, Errc::unknown_parameter);
    EXPECT_EQ(error.detail,
              "unknown query parameter 'categorys'; did you mean 'categories'?; valid: categories, topics");
    EXPECT_EQ(unknown_parameter("\r\n\xff", valid).detail,
              "unknown query parameter '?\?\?'; valid: categories, topics");
}

TEST(HttpQuery, ShowsAtMostSixtyFourCharacters) {
    EXPECT_EQ(shown(std::string(100, 'x')), std::string(64, 'x') + "...");
}

}  // namespace
}  // namespace tidings::http
