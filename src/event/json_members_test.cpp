#include "event/json_members.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

const std::vector<std::string> allowed{"type", "data"};

Result<JsonMembers> parse(std::string_view json, UnknownMembers unknown = UnknownMembers::refuse) {
    return JsonMembers::parse(json, allowed, unknown, "a publish", Limits{});
}

TEST(JsonMembers, ReadsMembersByName) {
    const auto members = parse(R"({ "type" : "a\u002eb", "data" : { "x" : [ 1 ] } })");
    ASSERT_TRUE(members);
    EXPECT_EQ(*members->required_text("type"), "a.b");
    EXPECT_EQ(*members->raw("data"), R"({"x":[1]})");
    EXPECT_FALSE(members->has("key"));
    EXPECT_EQ(members->raw("key"), nullptr);
    EXPECT_EQ(*members->text("key"), std::nullopt);
    EXPECT_EQ(members->required_text("key").error().detail, "a publish needs the member 'key'");
    EXPECT_EQ(members->text("data").error().code, Errc::invalid_field);
}

TEST(JsonMembers, RefusesWhatIsNotAnObjectOfThoseMembers) {
    EXPECT_EQ(parse("[]").error().code, Errc::invalid_field);
    EXPECT_EQ(parse("{").error().code, Errc::invalid_json);
    EXPECT_EQ(parse(R"({"type":1,"type":2})").error().detail, "the member 'type' of a publish stands twice");
    EXPECT_EQ(parse(R"({"typ":1})").error().detail, "a publish has no member 'typ'; did you mean 'type'?");
    EXPECT_EQ(parse(R"({"colour":1})").error().detail,
              "a publish has no member 'colour'; allowed: type, data");
    EXPECT_TRUE(parse(R"({"colour":1})", UnknownMembers::keep));
}

TEST(JsonMembers, BoundsTheirNumber) {
    std::string many{"{\"m\":0"};
    for (int i = 0; i < 2000; ++i) many += ",\"m" + std::to_string(i) + "\":0";
    EXPECT_EQ(parse(many + "}", UnknownMembers::keep).error().code, Errc::invalid_field);
}

TEST(JsonMembers, ReadsTimes) {
    const auto members = parse(R"({"type":"2026-01-20T02:30:00Z","data":"soon"})");
    ASSERT_TRUE(members);
    EXPECT_TRUE(members->time("type")->has_value());
    EXPECT_EQ(members->time("data").error().code, Errc::invalid_field);
    EXPECT_EQ(*members->time("key"), std::nullopt);
}

}  // namespace
}  // namespace tidings
