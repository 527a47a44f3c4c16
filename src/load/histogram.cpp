#include "load/histogram.hpp"

#include <cmath>

namespace tidings::load {

Histogram::Histogram() : counts_(index_of(value_max) + 1) {}

void Histogram::clear() {
    std::ranges::fill(counts_, 0);
    count_ = sum_ = max_ = 0;
}

double Histogram::mean() const noexcept {
    return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_);
}

std::uint64_t Histogram::at(double quantile) const noexcept {
    const auto wanted = std::max(1.0, std::ceil(quantile * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t index = 0; index < counts_.size(); ++index) {
        seen += counts_[index];
        if (static_cast<double>(seen) >= wanted) return std::min(upper_end(index), max_);
    }
    return max_;
}

std::uint64_t Histogram::upper_end(std::size_t index) noexcept {
    const std::size_t doubling = index >> half_bits;
    if (doubling < 2) return index;
    const std::size_t shift = doubling - 1;
    return (((index - (shift << half_bits)) + 1) << shift) - 1;
}

}  // namespace tidings::load
