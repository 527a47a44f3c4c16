#include <tidings/payload.hpp>

#include <gtest/gtest.h>

#include <limits>

namespace tidings {
namespace {

TEST(Payload, KeepsTheOrderOfItsFields) {
    Payload payload{{"zeta", 1}, {"alpha", "x"}};
    payload.add("mid", true).add("none", nullptr);
    EXPECT_EQ(payload.text(), R"({"zeta":1,"alpha":"x","mid":true,"none":null})");
    EXPECT_EQ(Payload{}.text(), "{}");
}

TEST(Payload, TakesWhatDomainEventsHold) {
    EXPECT_EQ(JsonValue{-7}.text(), "-7");
    EXPECT_EQ(JsonValue{std::numeric_limits<std::int64_t>::min()}.text(), "-9223372036854775808");
    EXPECT_EQ(JsonValue{std::numeric_limits<std::uint64_t>::max()}.text(), "18446744073709551615");
    EXPECT_EQ(JsonValue{7U}.text(), "7");
    EXPECT_EQ(JsonValue{7LL}.text(), "7");
    EXPECT_EQ(JsonValue{false}.text(), "false");
    EXPECT_EQ(JsonValue{0.1}.text(), "0.1");
    EXPECT_EQ(JsonValue{*Uuid::parse("0199a2b4-0000-7abc-8def-0123456789ab")}.text(),
              "\"0199a2b4-0000-7abc-8def-0123456789ab\"");
    EXPECT_EQ(JsonValue{std::optional<std::string>{}}.text(), "null");
    EXPECT_EQ(JsonValue{std::optional<int>{3}}.text(), "3");
    EXPECT_EQ(JsonValue::raw("[1,2]").text(), "[1,2]");
}

TEST(Payload, D29_NaNAndInfinityBecomeNull) {
    EXPECT_EQ(JsonValue{std::numeric_limits<double>::quiet_NaN()}.text(), "null");
    EXPECT_EQ(JsonValue{std::numeric_limits<double>::infinity()}.text(), "null");
}

TEST(Payload, V5_EscapesWhatMustBeAndKeepsTheRest) {
    EXPECT_EQ(JsonValue{"a\"b\\c\nd"}.text(), R"("a\"b\\c\nd")");
    EXPECT_EQ(JsonValue{"Zürich 🎉"}.text(), "\"Zürich 🎉\"");
    EXPECT_EQ(JsonValue{"\xff"}.text(), "\"\xef\xbf\xbd\"");
    EXPECT_EQ((Payload{{"a\"b", 1}}.text()), R"({"a\"b":1})");
}

}  // namespace
}  // namespace tidings
