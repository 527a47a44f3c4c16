#include <tidings/config.hpp>

#include <gtest/gtest.h>

namespace tidings {
namespace {

using namespace std::chrono_literals;

TEST(ConfigValues, DurationsCarryTheirUnit) {
    EXPECT_EQ(parse_duration("100ms").value(), 100ms);
    EXPECT_EQ(parse_duration("15s").value(), 15s);
    EXPECT_EQ(parse_duration("10m").value(), 10min);
    EXPECT_EQ(parse_duration("1h").value(), 1h);
    EXPECT_EQ(parse_duration("7d").value(), 168h);
    EXPECT_EQ(parse_duration("0s").value(), 0ms);
}

TEST(ConfigValues, SizesCarryTheirUnit) {
    EXPECT_EQ(parse_size("512B").value(), 512u);
    EXPECT_EQ(parse_size("256KiB").value(), 262'144u);
    EXPECT_EQ(parse_size("1MiB").value(), 1'048'576u);
    EXPECT_EQ(parse_size("4GiB").value(), std::size_t{4} << 30);
}

TEST(ConfigValues, RefusesWhatIsNotAWholeNumberAndAUnit) {
    for (const char* text : {"", "15", "s", "-1s", "+1s", " 1s", "1s ", "1.5s", "1S", "99999999999999999999s",
                             "9223372036854775807d", "1 s"}) {
        EXPECT_FALSE(parse_duration(text)) << text;
    }
    for (const char* text : {"", "15", "KiB", "-1B", "1KB", "1kib", "1.5MiB", "99999999999999TiB", "1 KiB"}) {
        EXPECT_FALSE(parse_size(text)) << text;
    }
    EXPECT_EQ(parse_size("10").error().code, Errc::invalid_field);
    EXPECT_NE(parse_size("10").error().detail.find("256KiB"), std::string::npos);
}

TEST(ConfigValues, TextIsTheInverseInTheLargestUnitThatLosesNothing) {
    EXPECT_EQ(duration_text(90s), "90s");
    EXPECT_EQ(duration_text(2min), "2m");
    EXPECT_EQ(duration_text(24h), "1d");
    EXPECT_EQ(duration_text(1500ms), "1500ms");
    EXPECT_EQ(duration_text(0ms), "0s");
    EXPECT_EQ(duration_text(-5s), "-5s");
    EXPECT_EQ(size_text(0), "0B");
    EXPECT_EQ(size_text(1000), "1000B");
    EXPECT_EQ(size_text(65'536), "64KiB");
    for (const std::size_t bytes : {1u, 1024u, 1025u, 3u << 20}) {
        EXPECT_EQ(parse_size(size_text(bytes)).value(), bytes);
    }
}

}  // namespace
}  // namespace tidings
