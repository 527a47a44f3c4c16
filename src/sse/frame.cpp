#include "sse/frame.hpp"

#include "base/assert.hpp"
#include "base/utf8.hpp"
#include "base/uuid_text.hpp"
#include "event/type_name.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>

namespace tidings {
namespace {

constexpr std::string_view id_field = "id: ";
constexpr std::string_view type_field = "event: ";
constexpr std::string_view data_field = "data: ";
constexpr std::string_view retry_field = "retry: ";

// What a block is made of. Views into the caller's event.
struct Block {
    const Uuid* id = nullptr;
    std::string_view type{};
    std::string_view data{};
    std::string_view retry{};  // digits
    std::size_t data_lines = 1;
};

char* put(char* at, std::string_view text) noexcept {
    // An empty view may have no address, which memcpy must not see.
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    return at + text.size();
}

char* put_line(char* at, std::string_view field, std::string_view value) noexcept {
    at = put(put(at, field), value);
    *at++ = '\n';
    return at;
}

// Takes the first line off the text, which loses its line end too.
std::string_view take_line(std::string_view& text) noexcept {
    const auto end = std::min(text.find_first_of("\r\n"), text.size());
    const auto line = text.substr(0, end);
    const bool pair = text.substr(end, 2) == "\r\n";
    text.remove_prefix(std::min(end + (pair ? 2 : 1), text.size()));
    return line;
}

// A text with n line ends has n + 1 lines, the last one perhaps empty. CRLF is one line end.
std::size_t count_lines(std::string_view text) noexcept {
    // Minified JSON is one line, and two searches for one byte cost a tenth of the loop.
    if (text.find('\n') == std::string_view::npos && text.find('\r') == std::string_view::npos) return 1;
    std::size_t lines = 1;
    for (std::size_t i = 0; i < text.size(); ++i) {
        lines += text[i] == '\n' || (text[i] == '\r' && text.substr(i + 1, 1) != "\n") ? 1 : 0;
    }
    return lines;
}

char* put_data(char* at, std::string_view data, std::size_t lines) noexcept {
    for (std::size_t i = 1; i < lines; ++i) at = put_line(at, data_field, take_line(data));
    return put_line(at, data_field, data);
}

std::size_t line_ends(std::string_view data) noexcept {
    return static_cast<std::size_t>(
        std::count_if(data.begin(), data.end(), [](char c) { return c == '\r' || c == '\n'; }));
}

// At least what put_block writes, and exactly that where the data is one line.
std::size_t block_bytes(const Block& block) noexcept {
    std::size_t bytes = block.data.size() + block.data_lines * (data_field.size() + 1) + 1;
    if (block.data_lines > 1) bytes -= line_ends(block.data);
    if (block.id != nullptr) bytes += id_field.size() + uuid_text_bytes + 1;
    if (!block.type.empty()) bytes += type_field.size() + block.type.size() + 1;
    if (!block.retry.empty()) bytes += retry_field.size() + block.retry.size() + 1;
    return bytes;
}

char* put_block(char* at, const Block& block) noexcept {
    if (block.id != nullptr) {
        at = put_uuid(put(at, id_field), *block.id);
        *at++ = '\n';
    }
    if (!block.type.empty()) at = put_line(at, type_field, block.type);
    if (!block.retry.empty()) at = put_line(at, retry_field, block.retry);
    at = put_data(at, block.data, block.data_lines);
    *at++ = '\n';
    return at;
}

// A decimal number as text, on the stack.
class Digits {
public:
    explicit Digits(std::uint32_t number) noexcept
        : end_{std::to_chars(text_.data(), text_.data() + text_.size(), number).ptr} {}
    std::string_view text() const noexcept {
        return {text_.data(), static_cast<std::size_t>(end_ - text_.data())};
    }

private:
    std::array<char, 12> text_{};
    char* end_;
};

// What the store holds was checked when it was published; a shared store may hold what others wrote.
Result<void> check_type(std::string_view type, const Limits& limits) {
    const bool own = type == "tidings" || type.starts_with("tidings.");
    const bool plain = type.size() <= limits.type_bytes && ascii_prefix(type) == type.size() &&
                       type.find('\x7f') == std::string_view::npos;
    if (plain && !own) return {};
    auto checked = check_type_name(type, limits);
    // `message` and the like are refused to publishers, but their frames are sound.
    if (!checked && checked.error() == Errc::reserved_name && !own) return {};
    return checked;
}

// How many lines sound data has.
Result<std::size_t> data_lines(std::string_view data, const Limits& limits) {
    if (data.size() > limits.event_bytes) {
        return Error{Errc::event_too_large, "the event's data has " + std::to_string(data.size()) +
                                                " bytes, at most " + std::to_string(limits.event_bytes)};
    }
    if (data.empty()) return Error{Errc::invalid_field, "the event's data is empty; send at least {}"};
    if (ascii_prefix(data) == data.size()) return std::size_t{1};
    if (!valid_utf8(data)) return Error{Errc::invalid_field, "the event's data is not UTF-8"};
    if (data.find('\0') != std::string_view::npos) {
        return Error{Errc::invalid_field, "the event's data holds a NUL; in JSON it is written \\u0000"};
    }
    return count_lines(data);
}

}  // namespace

Frame* Frame::make(std::size_t block_bytes, char*& block, std::string_view before) {
    std::array<char, 18> head{};
    char* end = std::to_chars(head.data(), head.data() + 16, block_bytes, 16).ptr;
    end = put(end, "\r\n");
    const auto line_bytes = static_cast<std::size_t>(end - head.data());
    const std::size_t head_bytes = before.size() + line_bytes;
    const std::size_t size = head_bytes + block_bytes + 2;
    TIDINGS_ASSERT(size <= std::numeric_limits<std::uint32_t>::max());
    auto* frame =
        new (Room{size}) Frame{static_cast<std::uint32_t>(size), static_cast<std::uint32_t>(head_bytes)};
    auto* bytes = reinterpret_cast<char*>(frame + 1);
    block = put(put(bytes, before), {head.data(), line_bytes});
    put(block + block_bytes, "\r\n");
    return frame;
}

Result<FramePtr> Frame::encode(const EventParts& event, WithId with_id, const Limits& limits) {
    if (!event.type.empty()) {
        auto checked = check_type(event.type, limits);
        if (!checked) return checked.error();
    }
    const auto lines = data_lines(event.data, limits);
    if (!lines) return lines.error();
    const Block block{with_id == WithId::yes ? &event.id : nullptr, event.type, event.data, {}, *lines};
    char* at = nullptr;
    FramePtr frame{make(block_bytes(block), at)};
    put_block(at, block);
    return frame;
}

FramePtr Frame::control(std::string_view type, std::string_view data, const std::optional<Uuid>& id,
                        std::optional<std::uint32_t> retry_ms) {
    TIDINGS_ASSERT(!data.empty() && type.find_first_of("\r\n") == std::string_view::npos);
    const Digits digits{retry_ms.value_or(0)};
    const Block block{id ? &*id : nullptr, type, data, retry_ms ? digits.text() : std::string_view{},
                      count_lines(data)};
    char* at = nullptr;
    FramePtr frame{make(block_bytes(block), at)};
    put_block(at, block);
    return frame;
}

FramePtr Frame::comment(std::string_view text) {
    TIDINGS_ASSERT(text.find_first_of("\r\n") == std::string_view::npos);
    char* at = nullptr;
    FramePtr frame{make(text.size() + 3, at)};
    put_line(at, ": ", text);
    return frame;
}

FramePtr Frame::retry(std::uint32_t milliseconds) {
    const Digits digits{milliseconds};
    char* at = nullptr;
    FramePtr frame{make(retry_field.size() + digits.text().size() + 1, at)};
    put_line(at, retry_field, digits.text());
    return frame;
}

FramePtr Frame::raw(std::string_view bytes) {
    TIDINGS_ASSERT(!bytes.empty());
    char* at = nullptr;
    FramePtr frame{make(bytes.size(), at)};
    put(at, bytes);
    return frame;
}

FramePtr Frame::opening(std::string_view head, std::string_view bytes) {
    TIDINGS_ASSERT(!bytes.empty());
    char* at = nullptr;
    FramePtr frame{make(bytes.size(), at, head)};
    put(at, bytes);
    return frame;
}

FramePtr Frame::last_chunk() {
    char* at = nullptr;
    return FramePtr{make(0, at)};
}

}  // namespace tidings
