#include "load/report.hpp"

#include "base/json.hpp"

#include <gtest/gtest.h>

namespace tidings::load {
namespace {

std::string at(const std::string& json, std::string_view pointer) {
    return std::string{json_pointer(json, pointer).value_or("nothing")};
}

TEST(LoadReport, IsJsonWithWhatApplies) {
    Report report;
    report.mode = Mode::fanout;
    report.streams = 1000;
    report.seconds = 2;
    report.has_server = true;
    report.before = {.wall = 0, .server = 0, .generator = 0, .softirq = 0, .steal = 0, .total = 0};
    report.after = {.wall = 2'000'000'000,
                    .server = 1'000'000'000,
                    .generator = 500'000'000,
                    .softirq = 25,
                    .steal = 0,
                    .total = 100};
    report.deliveries = Ledger::Totals{.published = 10,
                                       .failed = 1,
                                       .expected = 10'000,
                                       .delivered = 9'999,
                                       .lost = 1,
                                       .duplicated = 2,
                                       .out_of_order = 3,
                                       .foreign = 4};
    report.reads = 5000;
    report.latency.record(1'500'000);
    report.memory.push_back({.mark = "before", .streams = 7, .pss_kb = 8});
    const std::string json = json_of(report);
    ASSERT_TRUE(check_json(json, Limits{})) << json;
    const std::pair<std::string_view, std::string_view> expected[] = {{"/mode", "\"fanout\""},
                                                                      {"/published", "10"},
                                                                      {"/publish_failed", "1"},
                                                                      {"/expected", "10000"},
                                                                      {"/delivered", "9999"},
                                                                      {"/lost", "1"},
                                                                      {"/duplicated", "2"},
                                                                      {"/out_of_order", "3"},
                                                                      {"/deliveries_per_second", "4999.5"},
                                                                      {"/server/busy", "0.5"},
                                                                      {"/generator/busy", "0.25"},
                                                                      {"/machine/softirq", "0.25"},
                                                                      {"/latency_us/p50", "1500"},
                                                                      {"/latency_us/max", "1500"},
                                                                      {"/memory/0/mark", "\"before\""},
                                                                      {"/memory/0/pss_kb", "8"},
                                                                      {"/last_latency_us", "nothing"},
                                                                      {"/connects", "nothing"}};
    for (const auto& [pointer, value] : expected) EXPECT_EQ(at(json, pointer), value) << pointer;
    EXPECT_EQ(at(json, "/server/cpu_us_per_delivery").substr(0, 7), "100.01");
}

TEST(LoadReport, CountsEventsWhereNobodyListens) {
    Report report;
    report.mode = Mode::publish;
    report.seconds = 4;
    report.published_per_run = 100;
    report.first_publish_failure = "403 \"no\"";
    const std::string json = json_of(report);
    ASSERT_TRUE(check_json(json, Limits{})) << json;
    EXPECT_EQ(at(json, "/events_per_second"), "25");
    EXPECT_EQ(at(json, "/server"), "nothing");
    EXPECT_EQ(json_string(at(json, "/first_publish_failure")), "403 \"no\"");
}

}  // namespace
}  // namespace tidings::load
