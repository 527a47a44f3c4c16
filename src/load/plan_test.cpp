#include "load/plan.hpp"

#include <gtest/gtest.h>

namespace tidings::load {
namespace {

TEST(LoadPlan, ReadsEveryKindOfMember) {
    const auto plan = read_plan(R"({
        "mode": "fanout", "port": 8080, "streams": 1000, "rate": 50.5, "seconds": 2.5, "pids": [1, 22],
        "source_addresses": ["127.0.0.1", "127.0.0.2"], "key": "k", "claims": {"a": [1], "b": {}},
        "subscribe": {"path": "/events?u={user}", "headers": [["A", "b"], ["C", "{token}"]], "open": "body"},
        "publish": {"port": 9090, "path": "/p", "body": "{\"data\":{payload}}", "batch": 64,
                    "array": 32, "array_milliseconds": 2.5}})");
    ASSERT_TRUE(plan) << plan.error().message();
    EXPECT_EQ(plan->mode, Mode::fanout);
    EXPECT_EQ(plan->streams, 1000u);
    EXPECT_EQ(plan->rate, 50.5);
    EXPECT_EQ(plan->pids, (std::vector<int>{1, 22}));
    EXPECT_EQ(plan->source_addresses.size(), 2u);
    EXPECT_EQ(plan->claims, R"("a":[1],"b":{})");
    EXPECT_EQ(plan->subscribe.headers, (Headers{{"A", "b"}, {"C", "{token}"}}));
    EXPECT_EQ(plan->subscribe.open, Plan::Subscribe::Open::body);
    EXPECT_EQ(plan->publish.to.port, 9090);
    EXPECT_EQ(plan->publish.batch, 64u);
    EXPECT_EQ(plan->publish.array, 32u);
    EXPECT_EQ(plan->publish.array_milliseconds, 2.5);
    EXPECT_EQ(plan->publish.body, "{\"data\":{payload}}");
}

TEST(LoadPlan, PublishesWhereStreamsAreUnlessItIsToldOtherwise) {
    const auto plan =
        read_plan(R"({"port":1,"streams":1,"rate":1,"host":"127.0.0.3","publish":{"body":"x"}})");
    ASSERT_TRUE(plan) << plan.error().message();
    EXPECT_EQ(plan->publish.to.port, 1);
    EXPECT_EQ(plan->publish.to.host, "127.0.0.3");
}

TEST(LoadPlan, SaysWhatIsWrong) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"[]", "object"},
        {"{", "invalid-json"},
        {R"({"mod":"fanout"})", "mod is no member"},
        {R"({"mode":"fan"})", "mode cannot be \"fan\""},
        {R"({"port":70000})", "port cannot be 70000"},
        {R"({"streams":-1})", "streams cannot be -1"},
        {R"({"pids":"1"})", "pids cannot be"},
        {R"({"publish":{"boby":"x"}})", "publish.boby is no member"},
        {R"({"subscribe":{"headers":[["a"]]}})", "subscribe.headers cannot be"},
        {R"({"mode":"fanout","streams":1})", "port is missing"},
        {R"({"mode":"idle","port":1})", "streams is missing"},
        {R"({"port":1,"streams":1})", "rate or outstanding is missing"},
        {R"({"port":1,"streams":1,"rate":1})", "publish.body is missing"}};
    for (const auto& [json, what] : cases) {
        const auto plan = read_plan(json);
        ASSERT_FALSE(plan) << json;
        EXPECT_NE(plan.error().message().find(what), std::string::npos) << plan.error().message();
    }
}

}  // namespace
}  // namespace tidings::load
