#pragma once
// UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.

#include <cstddef>
#include <string>
#include <string_view>

namespace tidings {

struct Utf8Step {
    std::size_t bytes;  // of one code point, or of what one U+FFFD stands for; never 0
    bool valid;
};

// What stands at the beginning of a text that is not empty. An invalid step is the longest beginning of a
// code point (WHATWG Encoding: one U+FFFD for it, then go on with the byte after it).
Utf8Step utf8_step(std::string_view text) noexcept;

bool valid_utf8(std::string_view text) noexcept;

// How many bytes at the beginning are U+0020 to U+007F: the common case, eight bytes at a time.
std::size_t ascii_prefix(std::string_view text) noexcept;

// Appends the text; what is not UTF-8 becomes U+FFFD.
void append_utf8(std::string& target, std::string_view text);

// Appends one code point, at most U+10FFFF and no surrogate.
void append_code_point(std::string& target, char32_t point);

}  // namespace tidings
