#include "base/nearest.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace tidings {
namespace {

constexpr std::size_t name_bytes_max = 64;

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Optimal string alignment over lower-cased letters: three rows are enough.
std::size_t distance(std::string_view a, std::string_view b) noexcept {
    std::array<std::array<std::size_t, name_bytes_max + 1>, 3> rows{};
    for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        auto& row = rows[i % 3];
        const auto& above = rows[(i + 2) % 3];
        const auto& above_that = rows[(i + 1) % 3];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + change});
            const bool swapped =
                i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
            if (swapped) row[j] = std::min(row[j], above_that[j - 2] + 1);
        }
    }
    return rows[a.size() % 3][b.size()];
}

}  // namespace

std::optional<std::string> nearest(std::string_view name, const std::vector<std::string>& candidates) {
    if (name.empty() || name.size() > name_bytes_max) return std::nullopt;
    const std::size_t allowed = std::max<std::size_t>(1, name.size() / 3);
    const std::string* best = nullptr;
    std::size_t best_distance = allowed + 1;
    for (const auto& candidate : candidates) {
        if (candidate.empty() || candidate.size() > name_bytes_max) continue;
        const std::size_t found = distance(name, candidate);
        if (found < best_distance && found < std::max(name.size(), candidate.size())) {
            best = &candidate;
            best_distance = found;
        }
    }
    if (best == nullptr) return std::nullopt;
    return *best;
}

std::string nearest_hint(std::string_view name, const std::vector<std::string>& candidates) {
    const auto found = nearest(name, candidates);
    return found ? "did you mean '" + *found + "'?" : std::string{};
}

std::string joined(const std::vector<std::string>& names, std::string_view separator) {
    std::string text;
    for (const auto& name : names) {
        if (!text.empty()) text.append(separator);
        text.append(name);
    }
    return text;
}

}  // namespace tidings
