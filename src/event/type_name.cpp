#include "event/type_name.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

namespace tidings {
namespace {

// The code point at `at`, which moves behind it; none: not UTF-8 (RFC 3629: no overlong forms, no surrogates).
std::optional<std::uint32_t> next_code_point(std::string_view text, std::size_t& at) noexcept {
    const auto lead = static_cast<unsigned char>(text[at]);
    std::size_t length = 1;
    std::uint32_t point = lead;
    std::uint32_t least = 0;
    if (lead >= 0x80) {
        if (lead >= 0xc2 && lead <= 0xdf) {
            length = 2, point = lead & 0x1fU, least = 0x80;
        } else if (lead >= 0xe0 && lead <= 0xef) {
            length = 3, point = lead & 0x0fU, least = 0x800;
        } else if (lead >= 0xf0 && lead <= 0xf4) {
            length = 4, point = lead & 0x07U, least = 0x10000;
        } else {
            return std::nullopt;
        }
    }
    if (text.size() - at < length) return std::nullopt;
    for (std::size_t i = 1; i < length; ++i) {
        const auto next = static_cast<unsigned char>(text[at + i]);
        if ((next & 0xc0U) != 0x80) return std::nullopt;
        point = point << 6 | (next & 0x3fU);
    }
    const bool surrogate = point >= 0xd800 && point <= 0xdfff;
    if (point < least || point > 0x10ffff || surrogate) return std::nullopt;
    at += length;
    return point;
}

bool control(std::uint32_t point) noexcept {
    return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x2028 || point == 0x2029;
}

// Characters that are not seen but change what is: zero width, bidi embedding and isolates, BOM, soft hyphen, tags.
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
        return invalid(what, "has " + std::to_string(text.size()) + " bytes, at most " + std::to_string(bytes_max));
    }
    for (std::size_t at = 0; at < text.size();) {
        const auto point = next_code_point(text, at);
        if (!point) return invalid(what, "is not UTF-8");
        if (control(*point)) return invalid(what, "holds a control character (a line feed, a NUL ...); remove it");
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
        return Error{Errc::reserved_name, "names under 'tidings.' are the hub's own; choose another for " + shown(type)};
    }
    return {};
}

Result<void> check_category_name(std::string_view name) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               c == '.';
    };
    if (name.empty() || name.size() > 64 || !std::all_of(name.begin(), name.end(), fits)) {
        return Error{Errc::invalid_field, "a category is 1 to 64 characters of a-z A-Z 0-9 . _ -, not " + shown(name)};
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
