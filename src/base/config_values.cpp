// Durations and sizes as people write them, with their unit.
#include <tidings/config.hpp>

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

namespace tidings {
namespace {

using Units = std::array<std::pair<std::string_view, std::uint64_t>, 5>;

constexpr Units duration_units{{{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr Units size_units{{{"B", 1},
                            {"KiB", std::uint64_t{1} << 10},
                            {"MiB", std::uint64_t{1} << 20},
                            {"GiB", std::uint64_t{1} << 30},
                            {"TiB", std::uint64_t{1} << 40}}};

std::optional<std::uint64_t> parse_with(const Units& units, std::string_view text) {
    std::uint64_t count = 0;
    const auto [rest, ec] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (ec != std::errc{}) return std::nullopt;
    const std::string_view unit = text.substr(static_cast<std::size_t>(rest - text.data()));
    for (const auto& [name, factor] : units) {
        if (unit != name) continue;
        constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
        if (count > most / factor) return std::nullopt;
        return count * factor;
    }
    return std::nullopt;
}

// The largest unit that divides the value; `zero` is the unit of nothing.
std::string text_with(const Units& units, std::uint64_t value, std::string_view zero) {
    if (value == 0) return "0" + std::string{zero};
    for (auto unit = units.rbegin(); unit != units.rend(); ++unit) {
        if (value % unit->second == 0) return std::to_string(value / unit->second) + std::string{unit->first};
    }
    return std::to_string(value);
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
    const auto value = parse_with(duration_units, text);
    if (!value) {
        return Error{Errc::invalid_field,
                     "a duration is a whole number and one of ms, s, m, h, d, like \"15s\""};
    }
    return std::chrono::milliseconds{static_cast<std::int64_t>(*value)};
}

Result<std::size_t> parse_size(std::string_view text) {
    const auto value = parse_with(size_units, text);
    if (!value) {
        return Error{Errc::invalid_field,
                     "a size is a whole number and one of B, KiB, MiB, GiB, TiB, like \"256KiB\""};
    }
    return static_cast<std::size_t>(*value);
}

std::string duration_text(std::chrono::milliseconds duration) {
    if (duration.count() < 0) return "-" + duration_text(-duration);
    return text_with(duration_units, static_cast<std::uint64_t>(duration.count()), "s");
}

std::string size_text(std::size_t bytes) { return text_with(size_units, bytes, "B"); }

}  // namespace tidings
