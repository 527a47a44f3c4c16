#include "http/body_parser.hpp"

#include "http/request_parser.hpp"

#include <algorithm>

namespace tidings::http {
namespace {

constexpr std::size_t chunk_line_bytes_max = 256;
constexpr std::size_t trailer_bytes_max = 8 * 1024;
constexpr std::size_t overhead_bytes_max = 16 * 1024;

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

void skip_token(std::string_view& text) noexcept {
    while (!text.empty() && token_character(text.front())) text.remove_prefix(1);
}

// Whether the text is *( ";" name [ "=" ( token / quoted-string ) ] ), RFC 9112 7.1.1, without white space: a
// quote that is left open could make another reader run over the line's end.
bool chunk_extensions(std::string_view text) noexcept {
    while (!text.empty()) {
        if (text.front() != ';') return false;
        text.remove_prefix(1);
        const auto name_and_more = text.size();
        skip_token(text);
        if (text.size() == name_and_more) return false;
        if (text.empty() || text.front() != '=') continue;
        text.remove_prefix(1);
        if (text.empty() || text.front() != '"') {
            const auto value_and_more = text.size();
            skip_token(text);
            if (text.size() == value_and_more) return false;
            continue;
        }
        std::size_t end = 1;
        while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
        if (end >= text.size()) return false;
        text.remove_prefix(end + 1);
    }
    return true;
}

}  // namespace

void BodyParser::begin(BodyKind kind, std::uint64_t length) {
    line_.clear();
    problem_ = {};
    decoded_ = 0;
    overhead_ = 0;
    left_ = kind == BodyKind::sized ? length : 0;
    place_ = kind == BodyKind::none    ? Place::done
             : kind == BodyKind::sized ? Place::sized
                                       : Place::chunk_size;
}

BodyParser::Step BodyParser::step(std::string_view bytes, std::uint64_t limit, std::string& body) {
    Step step;
    if (place_ == Place::sized && decoded_ + left_ > limit) return {BodyState::too_large, 0};
    while (true) {
        if (place_ == Place::sized && left_ == 0) place_ = Place::done;
        if (place_ == Place::done) {
            step.state = BodyState::complete;
            return step;
        }
        if (step.consumed == bytes.size()) return step;
        if (place_ == Place::sized || place_ == Place::chunk_data) {
            step.consumed += take_data(bytes.substr(step.consumed), body);
            continue;
        }
        step.state = take_framing(bytes[step.consumed++], limit);
        if (step.state != BodyState::need_more) return step;
    }
}

std::size_t BodyParser::take_data(std::string_view bytes, std::string& body) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
    body.append(bytes.substr(0, count));
    decoded_ += count;
    left_ -= count;
    if (left_ == 0 && place_ == Place::chunk_data) place_ = Place::chunk_end;
    return count;
}

BodyState BodyParser::take_framing(char byte, std::uint64_t limit) {
    const auto state = line_.take(byte);
    const auto line_bytes_max = place_ == Place::trailers ? trailer_bytes_max : chunk_line_bytes_max;
    if (line_.text().size() > line_bytes_max) return bad("a chunk's framing line is too long");
    if (place_ == Place::chunk_end && !line_.text().empty()) return bad("a chunk's data is followed by CRLF");
    if (state == LineState::open) return BodyState::need_more;
    if (state != LineState::complete) return bad(explain(state));
    auto result = BodyState::need_more;
    if (place_ == Place::chunk_size) {
        result = chunk_size_line(limit);
    } else if (place_ == Place::chunk_end) {
        place_ = Place::chunk_size;
    } else if (line_.text().empty()) {
        place_ = Place::done;
    } else {
        overhead_ += line_.text().size();
        if (overhead_ > overhead_bytes_max) return bad("the trailers are too long");
        if (!parse_field_line(line_.text())) return bad("a trailer is a field line");
    }
    line_.clear();
    return result;
}

BodyState BodyParser::chunk_size_line(std::uint64_t limit) {
    const auto text = line_.text();
    std::uint64_t size = 0;
    std::size_t digits = 0;
    while (digits < text.size() && hex_value(text[digits]) >= 0) {
        // 15 digits are 2^60 bytes; more can only be an overflow or an attempt at one.
        if (digits == 15) return bad("a chunk's size has at most 15 hexadecimal digits");
        size = size * 16 + static_cast<std::uint64_t>(hex_value(text[digits++]));
    }
    if (digits == 0) return bad("a chunk begins with its size in hexadecimal digits");
    if (!chunk_extensions(text.substr(digits)))
        return bad("a chunk's size is followed by CRLF or ;name=value");
    overhead_ += text.size() - digits;
    if (overhead_ > overhead_bytes_max) return bad("the chunk extensions are too long");
    if (size > limit || decoded_ + size > limit) return BodyState::too_large;
    left_ = size;
    place_ = size == 0 ? Place::trailers : Place::chunk_data;
    return BodyState::need_more;
}

BodyState BodyParser::bad(std::string_view problem) {
    problem_ = problem;
    return BodyState::malformed;
}

}  // namespace tidings::http
