#include "event/type_name.hpp"

#include "base/utf8.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

namespace tidings {
namespace {

// The code point at `at`, which moves behind it; none: not UTF-8.
std::optional<std::uint32_t> next_code_point(std::string_view text, std::size_t& at) noexcept {
    const Utf8Step step = utf8_step(text.substr(at));
    if (!step.valid) return std::nullopt;
    constexpr std::uint32_t lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};  // by length
    std::uint32_t point = static_cast<unsigned char>(text[at]) & lead_bits[step.bytes];
    for (std::size_t i = 1; i < step.bytes; ++i) {
        point = point << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3fU);
    }
    at += step.bytes;
    return point;
}

bool control(std::uint32_t point) noexcept {
    return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x2028 || point == 0x2029;
}

// Characters that are not seen but change what is: zero width, bidi embedding and isolates, BOM, soft hyphen,
// tags.
bool format_character(std::uint32_t point) noexcept {
    return point == 0xad || point == 0x61c || point == 0x180e || (point >= 0x200b && point <= 0x200f) ||
           (point >= 0x202a && point <= 0x202e) || (point >= 0x2060 && point <= 0x206f) || point == 0xfeff ||
           (point >= 0xfff9 && point <= 0xfffb) || (point >= 0xe0000 && point <= 0xe007f);
}

Error invalid(std::string_view what, std::string_view why) {
    return Error{Errc::invalid_field, std::string{what}.append(" ").append(why)};
}

}  // namespace

Result<void> check_plain_text(std::string_view text, std::size_t bytes_max, std::string_view what) {
    if (text.empty()) return invalid(what, "is empty");
    if (text.size() > bytes_max) {
        return invalid(what,
                       "has " + std::to_string(text.size()) + " bytes, at most " + std::to_string(bytes_max));
    }
    for (std::size_t at = 0; at < text.size();) {
        const auto point = next_code_point(text, at);
        if (!point) return invalid(what, "is not UTF-8");
        if (control(*point))
            return invalid(what, "holds a control character (a line feed, a NUL ...); remove it");
    }
    return {};
}

Result<void> check_type_name(std::string_view type, const Limits& limits) {
    const auto plain = check_plain_text(type, limits.type_bytes, "the event type");
    if (!plain) return plain.error();
    for (std::size_t at = 0; at < type.size();) {
        const auto point = next_code_point(type, at);
        if (point && format_character(*point)) {
            return invalid("the event type", "holds an invisible format character; remove it");
        }
    }
    if (type == "open" || type == "error" || type == "message") {
        return Error{Errc::reserved_name, "clients cannot use the event type " + shown(type) +
                                              ": EventSource dispatches its own events by that name"};
    }
    if (type == "tidings" || type.starts_with("tidings.")) {
        return Error{Errc::reserved_name,
                     "names under 'tidings.' are the hub's own; choose another for " + shown(type)};
    }
    return {};
}

Result<void> check_category_name(std::string_view name) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-' || c == '.';
    };
    if (name.empty() || name.size() > 64 || !std::all_of(name.begin(), name.end(), fits)) {
        return Error{Errc::invalid_field,
                     "a category is 1 to 64 characters of a-z A-Z 0-9 . _ -, not " + shown(name)};
    }
    return {};
}

std::string shown(std::string_view name) {
    constexpr std::size_t shown_bytes_max = 64;
    std::string text{"'"};
    for (std::size_t at = 0; at < name.size();) {
        if (at >= shown_bytes_max) {
            text.append("...");
            break;
        }
        const std::size_t start = at;
        const auto point = next_code_point(name, at);
        if (!point) {
            ++at;
            text.push_back('?');
        } else if (control(*point) || format_character(*point)) {
            text.push_back('?');
        } else {
            text.append(name.substr(start, at - start));
        }
    }
    return text.append("'");
}

}  // namespace tidings
