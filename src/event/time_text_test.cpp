#include "event/time_text.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

// Seconds since 1970 as Python's datetime.fromisoformat reads them.
struct Row {
    const char* text;
    std::int64_t microseconds;
};

constexpr std::int64_t base = 1'768'876'200'000'000;  // 2026-01-20T02:30:00Z

TEST(TimeText, ReadsWhatPythonReads) {
    constexpr Row rows[] = {
        {"2026-01-20T02:30:00+00:00", base},
        {"2026-01-20T02:30:00Z", base},
        {"2026-01-20T02:30:00z", base},
        {"2026-01-20T02:30:00", base},
        {"2026-01-20 02:30", base},
        {"20260120T023000Z", base},
        {"20260120T0230", base},
        {"2026-01-20T02:30:00.5", base + 500'000},
        {"2026-01-20T02:30:00,123456789Z", base + 123'456},
        {"2026-01-20T03:30:00+01:00", base},
        {"2026-01-19T22:00:00-04:30", base},
        {"2026-01-20T03:30:00+0100", base},
        {"2026-01-20T03:30:00+01", base},
        {"2026-01-20T02:30:01.000001+00:00:01", base + 1},
        {"2026-W04-2T02:30", base},
        {"2026W042T02:30", base},
        {"2026-01-20", base - 9'000'000'000},
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59.999999Z", -1},
        {"2020-W53-5", 1'609'459'200'000'000},
    };
    for (const auto& row : rows) {
        const auto time = parse_time(row.text);
        ASSERT_TRUE(time) << row.text;
        EXPECT_EQ(time->time_since_epoch().count(), row.microseconds) << row.text;
    }
}

TEST(TimeText, RefusesWhatPythonRefuses) {
    for (const auto* text : {"",
                             "now",
                             "2026",
                             "2026-13-01",
                             "2026-02-29",
                             "2026-01-20T",
                             "2026-01-20T24:00",
                             "2026-01-20T02:60",
                             "2026-01-20T02:30:60Z",
                             "2026-01-20T02:30:00.",
                             "0000-01-01",
                             "2026-01-20T02:30:00+25",
                             "2026-01-20T02:30:00Zx",
                             "2026-01-20T02:30:00 +",
                             "20260-1-20",
                             "2026-W54-1",
                             "2021-W53-1",
                             "2026-W00-1",
                             "0001-01-01T00:00:00+01:00",
                             "9999-12-31T23:59:59-01:00",
                             "1768876200",
                             "2026-01-20T02:30:00+-1"}) {
        EXPECT_FALSE(parse_time(text)) << text;
    }
}

TEST(TimeText, V6_WritesIsoformat) {
    EXPECT_EQ(time_text(Timestamp{std::chrono::microseconds{base}}), "2026-01-20T02:30:00+00:00");
    EXPECT_EQ(time_text(Timestamp{std::chrono::microseconds{base + 1}}), "2026-01-20T02:30:00.000001+00:00");
    EXPECT_EQ(time_text(Timestamp{std::chrono::microseconds{-1}}), "1969-12-31T23:59:59.999999+00:00");
    EXPECT_EQ(time_text(*parse_time("0001-01-01")), "0001-01-01T00:00:00+00:00");
    EXPECT_EQ(parse_time(time_text(Timestamp{std::chrono::microseconds{base + 42}})),
              Timestamp{std::chrono::microseconds{base + 42}});
}

}  // namespace
}  // namespace tidings
