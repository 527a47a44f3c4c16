#pragma once
// Latencies in log-linear buckets, as HdrHistogram has them.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tidings::load {

// Counts values from 0 to 2^42 - 1 with an error of at most 1/1024, that is three significant digits; larger
// ones count as the largest. With nanoseconds that reaches beyond an hour. Fixed size (270 kB); recording is
// one shift and one increment.
class Histogram {
public:
    Histogram();

    // A negative value, which a clock that is read twice can give, counts as 0.
    void record(std::int64_t value) noexcept {
        const auto clamped =
            std::min(value < 0 ? std::uint64_t{0} : static_cast<std::uint64_t>(value), value_max);
        ++counts_[index_of(clamped)];
        ++count_;
        sum_ += clamped;
        max_ = std::max(max_, clamped);
    }
    void clear();

    std::uint64_t count() const noexcept { return count_; }
    std::uint64_t max() const noexcept { return max_; }
    double mean() const noexcept;
    // The value that a share of `quantile` (0 to 1) does not pass: the upper end of its bucket, at most
    // max(). 0 where nothing was recorded.
    std::uint64_t at(double quantile) const noexcept;

    static constexpr std::uint64_t value_max = (std::uint64_t{1} << 42) - 1;

private:
    static constexpr unsigned half_bits = 10;  // 1024 buckets for each doubling

    static std::size_t index_of(std::uint64_t value) noexcept {
        const unsigned width = static_cast<unsigned>(std::bit_width(value | ((2U << half_bits) - 1)));
        const unsigned shift = width - (half_bits + 1);
        return (std::size_t{shift} << half_bits) + (value >> shift);
    }
    static std::uint64_t upper_end(std::size_t index) noexcept;

    std::vector<std::uint64_t> counts_;
    std::uint64_t count_ = 0;
    std::uint64_t sum_ = 0;
    std::uint64_t max_ = 0;
};

}  // namespace tidings::load
