#pragma once
// The mark that an event carries, so that whoever receives it knows which it is and when it was due.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace tidings::load {

// In an event's data as "~":"SSSSSSSSSSSS.TTTTTTTTTTTTTTTTTTT", where the type takes any object, or as the
// text
// "~SSSSSSSSSSSS.TTTTTTTTTTTTTTTTTTT" in a field of it. The tilde stands nowhere else.
struct Stamp {
    std::uint64_t sequence = 0;  // 12 digits
    std::int64_t time = 0;       // 19 digits: nanoseconds of CLOCK_MONOTONIC when it was due
    bool operator==(const Stamp&) const = default;
};

inline constexpr std::size_t sequence_digits = 12;
inline constexpr std::size_t time_digits = 19;
inline constexpr std::size_t stamp_text_bytes = sequence_digits + 1 + time_digits;
// From the tilde to the last digit in the longer spelling. The shorter one is always followed by more than
// the difference: a quotation mark, a brace and two line ends.
inline constexpr std::size_t stamp_bytes = 4 + stamp_text_bytes;

// Appends "SSSSSSSSSSSS.TTTTTTTTTTTTTTTTTTT".
void append_stamp(std::string& out, const Stamp& stamp);
// A JSON object of `bytes` bytes, or as many as it needs, with the stamp and padding.
void append_payload(std::string& out, const Stamp& stamp, std::size_t bytes);

// What a read ended with that may be the beginning of a stamp.
struct StampTail {
    std::uint8_t size = 0;
    std::array<char, stamp_bytes - 1> bytes{};
};

namespace detail {

// Eight decimal digits, the first in the lowest byte, as one number, by three multiplications.
inline std::uint64_t eight_digits(std::uint64_t text) noexcept {
    text -= 0x3030303030303030U;
    text = text * 10 + (text >> 8);
    return (((text & 0x000000FF000000FFU) * 0x000F424000000064U) +
            (((text >> 16) & 0x000000FF000000FFU) * 0x0000271000000001U)) >>
           32;
}

template <class Word>
Word word_at(const char* text) noexcept {
    static_assert(std::endian::native == std::endian::little);
    Word word;
    std::memcpy(&word, text, sizeof word);
    return word;
}

inline std::uint64_t four_digits(const char* text) noexcept {
    return eight_digits((std::uint64_t{word_at<std::uint32_t>(text)} << 32) | 0x30303030U);
}

// `text` is at the first digit of stamp_text_bytes readable bytes.
inline Stamp read_stamp(const char* text) noexcept {
    const std::uint64_t sequence =
        eight_digits(word_at<std::uint64_t>(text)) * 10'000 + four_digits(text + 8);
    const char* time = text + sequence_digits + 1;
    // Its last three digits, with five zeros for those before them.
    const std::uint64_t last =
        (word_at<std::uint64_t>(time + 11) & 0xFFFFFF0000000000U) | 0x0000003030303030U;
    const std::uint64_t nanoseconds = (eight_digits(word_at<std::uint64_t>(time)) * 100'000'000 +
                                       eight_digits(word_at<std::uint64_t>(time + 8))) *
                                          1000 +
                                      eight_digits(last);
    return {sequence, static_cast<std::int64_t>(nanoseconds)};
}

}  // namespace detail

// Calls found(Stamp) for each stamp of a stream that is read piece by piece. The bytes are data[0, size), and
// stamp_bytes - 1 bytes before `data` may be written: what the last piece ended with is put there, so that a
// stamp that was cut is whole again. A tilde without digits behind it is passed over.
template <class Found>
void scan_stamps(StampTail& tail, char* data, std::size_t size, Found&& found) {
    const char* at = data - tail.size;
    const char* const end = data + size;
    std::memcpy(data - tail.size, tail.bytes.data(), tail.size);
    tail.size = 0;
    while ((at = static_cast<const char*>(std::memchr(at, '~', static_cast<std::size_t>(end - at)))) !=
           nullptr) {
        if (static_cast<std::size_t>(end - at) < stamp_bytes) {
            tail.size = static_cast<std::uint8_t>(end - at);
            std::memcpy(tail.bytes.data(), at, tail.size);
            return;
        }
        const char* digits = at + (at[1] == '"' ? 4 : 1);
        if (digits[sequence_digits] == '.') {
            found(detail::read_stamp(digits));
            at = digits + stamp_text_bytes;
        } else {
            ++at;
        }
    }
}

}  // namespace tidings::load
