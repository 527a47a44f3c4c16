#include "auth/json_object.hpp"

#include <gtest/gtest.h>

namespace tidings::auth {
namespace {

TEST(TokenObject, ReadsMembersAsText) {
    const std::string text = R"({"a" : "x\u0041", "b": [1, 2], "c":null})";
    const auto object = JsonObject::parse(text).value();
    EXPECT_EQ(object.string("a"), "xA");
    EXPECT_EQ(object.member("b"), "[1, 2]");
    EXPECT_FALSE(object.string("b"));
    EXPECT_TRUE(object.has("c"));
    EXPECT_FALSE(object.has("d"));
}

TEST(TokenObject, C46_RefusesANameThatStandsTwice) {
    EXPECT_FALSE(JsonObject::parse(R"({"sub":"a","sub":"b"})"));
    EXPECT_FALSE(JsonObject::parse(R"({"sub":"a","s\u0075b":"b"})"));
    EXPECT_TRUE(JsonObject::parse(R"({"sub":"a","Sub":"b"})"));
}

TEST(TokenObject, RefusesWhatIsNoSmallObject) {
    for (const auto* text :
         {"", "[]", "null", "\"a\"", "{", "{}x", "{\"a\":}", "{\"a\":\"\xff\"}", "{a:1}"}) {
        EXPECT_FALSE(JsonObject::parse(text)) << text;
    }
    std::string many = "{";
    for (int i = 0; i < 65; ++i) many.append(i == 0 ? "" : ",").append("\"m" + std::to_string(i) + "\":1");
    EXPECT_FALSE(JsonObject::parse(many + "}"));
    EXPECT_FALSE(JsonObject::parse("{\"a\":" + std::string(40, '[') + std::string(40, ']') + "}"));
}

}  // namespace
}  // namespace tidings::auth
