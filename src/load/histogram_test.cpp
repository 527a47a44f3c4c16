#include "load/histogram.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace tidings::load {
namespace {

TEST(LoadHistogram, IsEmptyAtFirst) {
    const Histogram histogram;
    EXPECT_EQ(histogram.count(), 0u);
    EXPECT_EQ(histogram.at(0.5), 0u);
    EXPECT_EQ(histogram.max(), 0u);
    EXPECT_EQ(histogram.mean(), 0);
}

TEST(LoadHistogram, KeepsThreeSignificantDigitsOfEveryMagnitude) {
    for (std::uint64_t value = 1; value < Histogram::value_max; value = value * 3 + 1) {
        Histogram histogram;
        histogram.record(static_cast<std::int64_t>(value));
        histogram.record(static_cast<std::int64_t>(Histogram::value_max));  // so that max() does not help
        const auto found = histogram.at(0.5);
        EXPECT_GE(found, value);
        EXPECT_LE(static_cast<double>(found - value), static_cast<double>(value) / 1024) << value;
    }
}

TEST(LoadHistogram, IsExactBelowTwoThousand) {
    Histogram histogram;
    for (std::int64_t value = 0; value < 2048; ++value) histogram.record(value);
    for (std::uint64_t rank = 1; rank <= 2048; ++rank)
        EXPECT_EQ(histogram.at(static_cast<double>(rank) / 2048), rank - 1);
}

TEST(LoadHistogram, FindsTheQuantilesOfASortedList) {
    constexpr std::uint64_t seed = 7;
    std::mt19937_64 random{seed};
    std::vector<std::uint64_t> values;
    Histogram histogram;
    for (int i = 0; i < 20'000; ++i) {
        values.push_back(random() >> (24 + random() % 40));
        histogram.record(static_cast<std::int64_t>(values.back()));
    }
    std::ranges::sort(values);
    EXPECT_EQ(histogram.max(), values.back());
    for (const double quantile : {0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
        const auto rank = static_cast<std::size_t>(std::ceil(quantile * 20'000)) - 1;
        const auto exact = static_cast<double>(values[rank]);
        EXPECT_NEAR(static_cast<double>(histogram.at(quantile)), exact, exact / 1000 + 1)
            << quantile << " seed " << seed;
    }
}

TEST(LoadHistogram, ClampsWhatNoClockShouldGive) {
    Histogram histogram;
    histogram.record(-5);
    EXPECT_EQ(histogram.max(), 0u);
    histogram.record(std::int64_t{1} << 60);
    EXPECT_EQ(histogram.max(), Histogram::value_max);
    EXPECT_EQ(histogram.count(), 2u);
    histogram.clear();
    EXPECT_EQ(histogram.count(), 0u);
    EXPECT_EQ(histogram.at(1), 0u);
}

}  // namespace
}  // namespace tidings::load
