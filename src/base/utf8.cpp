#include "base/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace tidings {

Utf8Step utf8_step(std::string_view text) noexcept {
    const auto lead = static_cast<unsigned char>(text.front());
    if (lead < 0x80) return {1, true};
    if (lead < 0xc2 || lead > 0xf4) return {1, false};
    const std::size_t following = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    // Only the second byte's range depends on the lead: it excludes overlong forms, surrogates and U+110000.
    unsigned char lower = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned char upper = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    for (std::size_t i = 1; i <= following; ++i) {
        if (i >= text.size()) return {i, false};
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < lower || byte > upper) return {i, false};
        lower = 0x80;
        upper = 0xbf;
    }
    return {following + 1, true};
}

bool valid_utf8(std::string_view text) noexcept {
    while (true) {
        text.remove_prefix(ascii_prefix(text));
        if (text.empty()) return true;
        const auto step = utf8_step(text);
        if (!step.valid) return false;
        text.remove_prefix(step.bytes);
    }
}

std::size_t ascii_prefix(std::string_view text) noexcept {
    constexpr std::uint64_t high_bits = 0x8080808080808080;
    constexpr std::uint64_t spaces = 0x2020202020202020;
    std::size_t at = 0;
    for (; at + sizeof(std::uint64_t) <= text.size(); at += sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + at, sizeof word);
        // A byte from 0x20 to 0x7f keeps its high bit clear and, less 0x20, borrows nothing. With every high
        // bit set beforehand no borrow crosses into a neighbour.
        const bool plain =
            (word & high_bits) == 0 && (((word | high_bits) - spaces) & high_bits) == high_bits;
        if (!plain) break;
    }
    for (; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if (byte < 0x20 || byte > 0x7f) break;
    }
    return at;
}

void append_utf8(std::string& target, std::string_view text) {
    std::size_t start = 0;
    std::size_t at = 0;
    while (at < text.size()) {
        at += ascii_prefix(text.substr(at));
        if (at >= text.size()) break;
        const auto step = utf8_step(text.substr(at));
        if (!step.valid) {
            target.append(text.substr(start, at - start)).append("\xef\xbf\xbd");
            start = at + step.bytes;
        }
        at += step.bytes;
    }
    target.append(text.substr(start));
}

void append_code_point(std::string& target, char32_t point) {
    const auto byte = [](char32_t bits) { return static_cast<char>(static_cast<unsigned char>(bits)); };
    if (point < 0x80) {
        target.push_back(byte(point));
    } else if (point < 0x800) {
        target.push_back(byte(0xc0U | point >> 6));
        target.push_back(byte(0x80U | (point & 0x3fU)));
    } else if (point < 0x10000) {
        target.push_back(byte(0xe0U | point >> 12));
        target.push_back(byte(0x80U | (point >> 6 & 0x3fU)));
        target.push_back(byte(0x80U | (point & 0x3fU)));
    } else {
        target.push_back(byte(0xf0U | point >> 18));
        target.push_back(byte(0x80U | (point >> 12 & 0x3fU)));
        target.push_back(byte(0x80U | (point >> 6 & 0x3fU)));
        target.push_back(byte(0x80U | (point & 0x3fU)));
    }
}

}  // namespace tidings
