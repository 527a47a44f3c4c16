#pragma once
// A UUID's 36 characters, written where they are to stand.

#include <tidings/ids.hpp>

#include <array>
#include <cstddef>
#include <cstring>

namespace tidings {

inline constexpr std::size_t uuid_text_bytes = 36;

// Both digits of each byte, so that a byte is one load and one store.
inline constexpr auto hex_pairs = [] {
    constexpr char digits[] = "0123456789abcdef";
    std::array<char, 512> pairs{};
    for (std::size_t byte = 0; byte < 256; ++byte) {
        pairs[byte * 2] = digits[byte >> 4];
        pairs[byte * 2 + 1] = digits[byte & 15];
    }
    return pairs;
}();

// Writes the canonical form; returns where it ends.
inline char* put_uuid(char* at, const Uuid& id) noexcept {
    for (std::size_t i = 0; i < id.bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
        std::memcpy(at, &hex_pairs[std::size_t{id.bytes[i]} * 2], 2);
        at += 2;
    }
    return at;
}

}  // namespace tidings
