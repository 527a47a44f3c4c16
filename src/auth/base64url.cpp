#include "auth/base64url.hpp"

#include <array>
#include <cstdint>

namespace tidings::auth {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<std::int8_t, 256> values() {
    std::array<std::int8_t, 256> table{};
    for (auto& value : table) value = -1;
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
    }
    return table;
}
constexpr std::array<std::int8_t, 256> value_of = values();

}  // namespace

std::string base64url(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() * 4 + 2) / 3);
    std::uint32_t held = 0;
    int bits = 0;
    for (const char byte : bytes) {
        held = held << 8 | static_cast<unsigned char>(byte);
        for (bits += 8; bits >= 6; bits -= 6) text.push_back(alphabet[held >> (bits - 6) & 63]);
    }
    if (bits > 0) text.push_back(alphabet[held << (6 - bits) & 63]);
    return text;
}

std::optional<std::string> base64url_decoded(std::string_view text) {
    if (text.size() % 4 == 1) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() * 3 / 4);
    std::uint32_t held = 0;
    int bits = 0;
    for (const char c : text) {
        const auto value = value_of[static_cast<unsigned char>(c)];
        if (value < 0) return std::nullopt;
        held = held << 6 | static_cast<std::uint32_t>(value);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes.push_back(static_cast<char>(held >> bits & 255));
        }
    }
    if ((held & ((1U << bits) - 1)) != 0) return std::nullopt;
    return bytes;
}

}  // namespace tidings::auth
