#include "event/conflation_key.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

EventTypeInfo conflating(std::string pointer = {}) {
    EventTypeInfo info;
    info.type = "job.progress";
    info.slow_reader = SlowReader::conflate;
    info.key = std::move(pointer);
    return info;
}

TEST(ConflationKey, C64_IsThePublishesOwnOrWhatThePointerLeadsTo) {
    struct Row {
        const char* pointer;
        const char* given;
        std::string data;
        const char* key;
    };
    const std::string longest(128, 'x');
    const std::vector<Row> rows{
        {"/f", "", R"({"f":"a.csv"})", "a.csv"},
        {"/f", "own", R"({"f":"a.csv"})", "own"},
        {"", "own", "{}", "own"},
        {"", "", R"({"f":"a.csv"})", ""},
        {"/f", "", R"({"f":"\u0041\n"})", "A\n"},
        {"/f", "", R"({"f":7})", "7"},
        {"/f", "", R"({"f":1.50})", "1.50"},
        {"/f", "", R"({"f":true})", "true"},
        {"/f", "", R"({"f":""})", ""},
        {"/f", "", R"({"f":null})", ""},
        {"/f", "", R"({"f":[1]})", ""},
        {"/f", "", R"({"f":{}})", ""},
        {"/f", "", "{}", ""},
        {"/f/1/~1", "", R"({"f":[0,{"/":"deep"}]})", "deep"},
        {"/f", "", R"({"f":")" + longest + R"("})", longest.c_str()},
        {"/f", "", R"({"f":")" + longest + R"(x"})", ""},
    };
    for (const auto& row : rows) {
        const auto info = conflating(row.pointer);
        EXPECT_EQ(conflation_key(&info, row.given, row.data, Limits{}), row.key) << row.pointer << row.data;
    }
}

TEST(ConflationKey, OtherPoliciesHaveNone) {
    auto info = conflating("/f");
    info.slow_reader = SlowReader::drop;
    EXPECT_EQ(conflation_key(&info, "own", R"({"f":"a"})", Limits{}), "");
    EXPECT_EQ(conflation_key(nullptr, "own", "{}", Limits{}), "");
    EXPECT_NE(check_given_key(&info, "a.b", "own", Limits{}).error().detail.find("takes no 'key'"),
              std::string::npos);
    EXPECT_FALSE(check_given_key(nullptr, "a.b", "own", Limits{}));
    EXPECT_FALSE(check_key_pointer(info, "/f"));
    info.slow_reader = SlowReader::conflate;
    EXPECT_TRUE(check_given_key(&info, "a.b", "own", Limits{}));
    EXPECT_TRUE(check_key_pointer(info, "/f"));
}

}  // namespace
}  // namespace tidings
