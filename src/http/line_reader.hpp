#pragma once
// Lines that end in CRLF and hold nothing a second parser could take for a line end.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tidings::http {

enum class LineState : std::uint8_t { open, complete, bare_line_feed, bare_carriage_return, control_byte };

// Collects one line, byte by byte. Owned by a parser, which bounds its length. A line feed without a carriage
// return, a carriage return without a line feed, NUL and the other control bytes (not the tab) are bad where
// they stand.
class LineReader {
public:
    LineState take(char byte) {
        if (after_return_) return byte == '\n' ? LineState::complete : LineState::bare_carriage_return;
        if (byte == '\r') {
            after_return_ = true;
            return LineState::open;
        }
        if (byte == '\n') return LineState::bare_line_feed;
        if (!plain(byte)) return LineState::control_byte;
        text_.push_back(byte);
        return LineState::open;
    }

    // Takes the plain bytes that `bytes` begins with, at once; returns how many.
    std::size_t take_plain(std::string_view bytes) {
        if (after_return_) return 0;
        std::size_t count = 0;
        while (count < bytes.size() && plain(bytes[count])) ++count;
        text_.append(bytes.substr(0, count));
        return count;
    }

    std::string_view text() const noexcept { return text_; }
    void clear() noexcept {
        text_.clear();
        after_return_ = false;
    }

private:
    static constexpr bool plain(char byte) noexcept {
        const auto code = static_cast<unsigned char>(byte);
        return (code >= 0x20 && code != 0x7f) || byte == '\t';
    }

    std::string text_;
    bool after_return_ = false;
};

constexpr std::string_view explain(LineState state) noexcept {
    switch (state) {
        case LineState::bare_line_feed: return "a line ends in CRLF, not in a line feed alone";
        case LineState::bare_carriage_return: return "a carriage return stands only before a line feed";
        case LineState::control_byte: return "a head holds no NUL nor other control byte";
        case LineState::open:
        case LineState::complete: break;
    }
    return "";
}

}  // namespace tidings::http
