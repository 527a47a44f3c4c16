#include <tidings/registry.hpp>

#include "base/json.hpp"
#include "event/finance_test_events.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

TEST(RegistryJson, IsTheWholeRegistryInOrder) {
    const std::string json = finance::registry().json();
    ASSERT_TRUE(check_json(json, Limits{}));
    EXPECT_EQ(*json_pointer(json, "/categories/0"), "\"data_sync\"");
    const auto types = json_elements(*json_pointer(json, "/event_types"));
    ASSERT_TRUE(types);
    EXPECT_EQ(types->size(), 29U);
    EXPECT_EQ(std::string{(*types)[2]},
              R"({"type":"sync.accounts.failed","category":"data_sync",)"
              R"("description":"An account sync ended with an error.",)"
              R"("data":{"connection_id":"uuid","error":"string"},"slow_reader":"resume","retain":true,)"
              R"("from":[{"name":"AccountSyncFailed","user_id":"/user_id",)"
              R"("data":{"connection_id":"/connection_id","error":"/reason"}}]})");
    EXPECT_EQ(*json_pointer((*types)[3], "/data/account_id"), "\"uuid?\"");
    EXPECT_EQ(*json_pointer((*types)[9], "/from"), "[]");
}

TEST(RegistryJson, ShowsEveryAudience) {
    Registry registry;
    ASSERT_TRUE(registry.add_category("jobs"));
    ASSERT_TRUE(registry.add_type({"job.done", "jobs", "", {}, SlowReader::drop, false}));
    ASSERT_TRUE(registry.add_mapping({"JobDone", "job.done", "", "/topic", false, {}}));
    ASSERT_TRUE(registry.add_mapping({"AllDone", "job.done", "", "", true, {}}));
    EXPECT_EQ(
        registry.json(),
        R"({"categories":["jobs"],"event_types":[{"type":"job.done","category":"jobs","description":"",)"
        R"("data":{},)"
        R"("slow_reader":"drop","retain":false,"from":[{"name":"JobDone","topic":"/topic","data":{}},)"
        R"({"name":"AllDone","broadcast":true,"data":{}}]}]})");
}

TEST(RegistryJson, ShowsAKey) {
    Registry registry;
    ASSERT_TRUE(registry.add_category("jobs"));
    ASSERT_TRUE(registry.add_type({.type = "job.progress",
                                   .category = "jobs",
                                   .description = "",
                                   .data = {},
                                   .slow_reader = SlowReader::conflate,
                                   .key = "/file_name"}));
    EXPECT_NE(registry.json().find(R"("slow_reader":"conflate","retain":true,"key":"/file_name","from":[])"),
              std::string::npos)
        << registry.json();
}

}  // namespace
}  // namespace tidings
