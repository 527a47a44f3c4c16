#include "event/json_encoding.hpp"

#include "base/utf8.hpp"

#include <cstddef>
#include <cstdint>

namespace tidings {
namespace {

using namespace std::string_view_literals;

enum class Order : std::uint8_t { big, little };

struct Encoding {
    std::size_t unit = 1;  // bytes of a code unit
    Order order = Order::big;
    std::size_t mark = 0;  // bytes of the byte order mark
};

Encoding encoding_of(std::string_view text) noexcept {
    // A mark of UTF-32 begins like one of UTF-16.
    if (text.starts_with("\0\0\xfe\xff"sv)) return {4, Order::big, 4};
    if (text.starts_with("\xff\xfe\0\0"sv)) return {4, Order::little, 4};
    if (text.starts_with("\xfe\xff"sv)) return {2, Order::big, 2};
    if (text.starts_with("\xff\xfe"sv)) return {2, Order::little, 2};
    if (text.starts_with("\xef\xbb\xbf"sv)) return {1, Order::big, 3};
    const auto zero = [&](std::size_t at) { return text[at] == '\0'; };
    if (text.size() >= 4) {
        if (zero(0)) return {zero(1) ? 4U : 2U, Order::big, 0};
        if (zero(1)) return {zero(2) && zero(3) ? 4U : 2U, Order::little, 0};
    } else if (text.size() == 2) {
        if (zero(0)) return {2, Order::big, 0};
        if (zero(1)) return {2, Order::little, 0};
    }
    return {};
}

char32_t unit_at(std::string_view text, std::size_t at, const Encoding& encoding) noexcept {
    char32_t value = 0;
    for (std::size_t i = 0; i < encoding.unit; ++i) {
        const auto place = encoding.order == Order::big ? at + i : at + encoding.unit - 1 - i;
        value = value << 8 | static_cast<unsigned char>(text[place]);
    }
    return value;
}

bool leads(char32_t unit) noexcept { return unit >= 0xd800 && unit <= 0xdbff; }
bool follows(char32_t unit) noexcept { return unit >= 0xdc00 && unit <= 0xdfff; }

Error wrong(std::string_view what) { return {Errc::invalid_json, "the text has " + std::string{what}}; }

}  // namespace

Result<std::string_view> json_utf8(std::string_view text, std::string& room) {
    const auto encoding = encoding_of(text);
    text.remove_prefix(encoding.mark);
    if (encoding.unit == 1) return text;
    if (text.size() % encoding.unit != 0) return wrong("half a code unit at its end");
    room.clear();
    for (std::size_t at = 0; at < text.size(); at += encoding.unit) {
        auto point = unit_at(text, at, encoding);
        if (encoding.unit == 2 && leads(point) && at + 2 < text.size()) {
            const auto second = unit_at(text, at + 2, encoding);
            if (follows(second)) {
                point = 0x10000 + ((point - 0xd800) << 10) + (second - 0xdc00);
                at += 2;
            }
        }
        if (leads(point) || follows(point)) return wrong("a lone surrogate");
        if (point > 0x10ffff) return wrong("a code point beyond U+10FFFF");
        append_code_point(room, point);
    }
    return std::string_view{room};
}

}  // namespace tidings
