#include "http/request_parser.hpp"

#include "base/assert.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace tidings::http {
namespace {

constexpr std::size_t method_bytes_max = 32;
constexpr std::size_t content_length_digits_max = 18;  // below 2^63 whatever the digits

bool letter_or_digit(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool token(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), token_character);
}

bool digits(std::string_view text) noexcept {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// RFC 3986 has no '#', quote, angle bracket or backslash in a request's target; other visible ASCII is let
// through, because clients send '|', '{' and '}' unencoded.
bool target_character(char c) noexcept {
    return c > 0x20 && c < 0x7f && std::string_view{"#\"<>\\"}.find(c) == std::string_view::npos;
}

bool host_character(char c) noexcept {
    return letter_or_digit(c) || std::string_view{"-._~%!$&'()*+,;=:[]"}.find(c) != std::string_view::npos;
}

Method method_of(std::string_view text) noexcept {
    struct Row {
        std::string_view text;
        Method method;
    };
    static constexpr std::array rows{
        Row{"GET", Method::get},     Row{"HEAD", Method::head},      Row{"POST", Method::post},
        Row{"PUT", Method::put},     Row{"DELETE", Method::delete_}, Row{"OPTIONS", Method::options},
        Row{"PATCH", Method::patch}, Row{"TRACE", Method::trace},    Row{"CONNECT", Method::connect},
    };
    for (const auto& row : rows) {
        if (row.text == text) return row.method;
    }
    return Method::other;
}

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

// Whether a comma-separated list of tokens holds this one.
bool lists(std::string_view list, std::string_view wanted) noexcept {
    while (!list.empty()) {
        const auto comma = list.find(',');
        if (same_token(trimmed(list.substr(0, comma)), wanted)) return true;
        if (comma == std::string_view::npos) return false;
        list.remove_prefix(comma + 1);
    }
    return false;
}

// What follows scheme and authority of "http://host/path?query"; none: not of that form.
std::optional<std::string_view> after_authority(std::string_view target) noexcept {
    const auto colon = target.find("://");
    if (colon == std::string_view::npos) return std::nullopt;
    if (!same_token(target.substr(0, colon), "http") && !same_token(target.substr(0, colon), "https")) {
        return std::nullopt;
    }
    target.remove_prefix(colon + 3);
    const auto end = std::min(target.find_first_of("/?"), target.size());
    const auto authority = target.substr(0, end);
    // User information in a target has no use and deceives readers of logs.
    if (authority.empty() || !std::all_of(authority.begin(), authority.end(), host_character))
        return std::nullopt;
    return target.substr(end);
}

}  // namespace

Result<Field> parse_field_line(std::string_view line) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos)
        return Error{Errc::malformed_request, "a field line is a name, a colon, a value"};
    const auto name = line.substr(0, colon);
    if (!name.empty() && (name.back() == ' ' || name.back() == '\t')) {
        return Error{Errc::malformed_request, "no white space stands before a field's colon"};
    }
    if (!token(name))
        return Error{Errc::malformed_request, "a field's name is a token (RFC 9110 section 5.6.2)"};
    return Field{std::string{name}, std::string{trimmed(line.substr(colon + 1))}};
}

Progress RequestParser::parse_head(std::string_view bytes) {
    TIDINGS_ASSERT(place_ == Place::request_line || place_ == Place::fields);
    Progress progress;
    while (progress.consumed < bytes.size() && progress.outcome == Outcome::need_more) {
        const auto plain = line_.take_plain(bytes.substr(progress.consumed, room()));
        progress.consumed += plain;
        head_bytes_ += plain;
        if (progress.consumed == bytes.size()) break;
        const auto state = line_.take(bytes[progress.consumed++]);
        ++head_bytes_;
        if (state == LineState::open) {
            progress.outcome = too_long();
        } else if (state == LineState::complete) {
            progress.outcome = take_line();
            line_.clear();
        } else {
            progress.outcome = refuse(400, Errc::malformed_request, explain(state));
        }
    }
    return progress;
}

// How many plain bytes can come before too_long() must be asked again.
std::size_t RequestParser::room() const noexcept {
    const auto head = limits_.header_bytes - std::min(head_bytes_, limits_.header_bytes);
    if (place_ != Place::request_line) return head;
    const auto line_bytes_max = request_line_bytes_max();
    return std::min(head, line_bytes_max - std::min(line_.text().size(), line_bytes_max));
}

// Anything that may still become a legal request line with a legal target is not longer.
std::size_t RequestParser::request_line_bytes_max() const noexcept {
    return limits_.target_bytes + method_bytes_max + std::string_view{"  HTTP/1.1"}.size();
}

Outcome RequestParser::too_long() {
    if (place_ == Place::request_line && line_.text().size() > request_line_bytes_max()) {
        return refuse(414, Errc::head_too_large,
                      "the request target is longer than " + std::to_string(limits_.target_bytes) + " bytes");
    }
    if (head_bytes_ > limits_.header_bytes) {
        return refuse(431, Errc::head_too_large,
                      "the head is longer than " + std::to_string(limits_.header_bytes) + " bytes");
    }
    return Outcome::need_more;
}

Outcome RequestParser::take_line() {
    if (const auto outcome = too_long(); outcome != Outcome::need_more) return outcome;
    const auto line = line_.text();
    if (place_ == Place::request_line) {
        // RFC 9112 2.2: an empty line before a request is ignored; it counts towards the head's limit.
        if (line.empty()) return Outcome::need_more;
        return request_line(line);
    }
    return line.empty() ? end_of_head() : field_line(line);
}

Outcome RequestParser::request_line(std::string_view line) {
    constexpr auto form = "a request line is a method, a target and HTTP/1.1, with one space between them";
    const auto first = line.find(' ');
    const auto last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) return refuse(400, Errc::malformed_request, form);
    const auto method = line.substr(0, first);
    const auto version = line.substr(last + 1);
    if (method.size() > method_bytes_max || !token(method)) {
        return refuse(400, Errc::malformed_request, "a method is a token of at most 32 characters");
    }
    if (version.size() != 8 || !version.starts_with("HTTP/") || !digits(version.substr(5, 1)) ||
        version[6] != '.' || !digits(version.substr(7, 1))) {
        return refuse(400, Errc::malformed_request, form);
    }
    if (version[5] != '1')
        return refuse(505, Errc::malformed_request, "this connection speaks HTTP/1.1 and HTTP/1.0");
    request_.method = method_of(method);
    request_.method_text = method;
    // RFC 9110 2.5: a minor version above ours is served as ours.
    request_.version = version[7] == '0' ? Version::http_1_0 : Version::http_1_1;
    place_ = Place::fields;
    return target(line.substr(first + 1, last - first - 1));
}

Outcome RequestParser::target(std::string_view text) {
    if (text.size() > limits_.target_bytes) {
        return refuse(414, Errc::head_too_large,
                      "the request target is longer than " + std::to_string(limits_.target_bytes) + " bytes");
    }
    if (text.empty() || !std::all_of(text.begin(), text.end(), target_character)) {
        return refuse(400, Errc::malformed_request, "a target holds visible ASCII; percent-encode the rest");
    }
    request_.target = text;
    if (text == "*" && request_.method == Method::options) {
        request_.path = text;
        return Outcome::need_more;
    }
    if (text.front() != '/') {
        const auto rest = after_authority(text);
        if (!rest) return refuse(400, Errc::malformed_request, "a target is a path that begins with '/'");
        text = *rest;
    }
    const auto mark = std::min(text.find('?'), text.size());
    request_.path = mark == 0 ? std::string_view{"/"} : text.substr(0, mark);
    request_.query = mark < text.size() ? text.substr(mark + 1) : std::string_view{};
    return Outcome::need_more;
}

Outcome RequestParser::field_line(std::string_view line) {
    if (line.front() == ' ' || line.front() == '\t') {
        return refuse(400, Errc::malformed_request, "a field stands on one line (RFC 9112 section 5.2)");
    }
    auto field = parse_field_line(line);
    if (!field) return refuse(400, field.error().code, field.error().detail);
    if (request_.fields.size() == limits_.headers) {
        return refuse(431, Errc::head_too_large,
                      "a head has at most " + std::to_string(limits_.headers) + " fields");
    }
    request_.fields.add(std::move(field->name), std::move(field->value));
    return Outcome::need_more;
}

Outcome RequestParser::end_of_head() {
    const auto& fields = request_.fields;
    const bool modern = request_.version == Version::http_1_1;
    const auto hosts = fields.count("Host");
    if (hosts > 1 || (modern && hosts == 0)) {
        return refuse(400, Errc::malformed_request, "a request has exactly one Host field");
    }
    if (hosts == 1) {
        const auto& host = *fields.find("Host");
        if (!std::all_of(host.begin(), host.end(), host_character)) {
            return refuse(400, Errc::malformed_request, "Host is a name or address and an optional port");
        }
    }
    // Two credentials would let one of two readers take the wrong one.
    if (fields.count("Authorization") > 1) {
        return refuse(400, Errc::malformed_request, "a request has at most one Authorization field");
    }
    const auto connection = fields.joined("Connection");
    const bool keeps = !lists(connection, "close") && (modern || lists(connection, "keep-alive"));
    request_.connection = keeps ? Connection::keep_alive : Connection::close;
    if (const auto* expect = fields.find("Expect"); expect != nullptr && modern) {
        if (!same_token(*expect, "100-continue")) {
            return refuse(417, Errc::malformed_request, "the only expectation that is met is 100-continue");
        }
        request_.expectation = Expectation::continue_100;
    }
    return framing();
}

Outcome RequestParser::framing() {
    const auto& fields = request_.fields;
    const auto lengths = fields.count("Content-Length");
    const auto codings = fields.count("Transfer-Encoding");
    if (lengths > 0 && codings > 0) {
        return refuse(400, Errc::malformed_request,
                      "Content-Length and Transfer-Encoding exclude each other");
    }
    if (lengths > 1 || codings > 1) {
        return refuse(400, Errc::malformed_request,
                      "Content-Length and Transfer-Encoding stand at most once");
    }
    if (codings == 1) {
        if (request_.version == Version::http_1_0) {
            return refuse(400, Errc::malformed_request,
                          "HTTP/1.0 has no Transfer-Encoding; send a Content-Length");
        }
        if (!same_token(*fields.find("Transfer-Encoding"), "chunked")) {
            return refuse(400, Errc::malformed_request, "the only transfer coding of a request is chunked");
        }
        request_.body = BodyKind::chunked;
    } else if (lengths == 1) {
        const std::string_view text = *fields.find("Content-Length");
        if (!digits(text) || text.size() > content_length_digits_max) {
            return refuse(400, Errc::malformed_request,
                          "Content-Length is one decimal number of at most 18 digits");
        }
        for (const char digit : text) {
            request_.content_length = request_.content_length * 10 + static_cast<std::uint64_t>(digit - '0');
        }
        request_.body = request_.content_length > 0 ? BodyKind::sized : BodyKind::none;
    }
    body_.begin(request_.body, request_.content_length);
    place_ = Place::body;
    return Outcome::complete;
}

Progress RequestParser::parse_body(std::string_view bytes, std::string& body) {
    TIDINGS_ASSERT(place_ == Place::body);
    const auto step = body_.step(bytes, body_limit_, body);
    switch (step.state) {
        case BodyState::need_more: return {Outcome::need_more, step.consumed};
        case BodyState::complete: place_ = Place::done; return {Outcome::complete, step.consumed};
        case BodyState::malformed:
            return {refuse(400, Errc::malformed_request, body_.problem()), step.consumed};
        case BodyState::too_large: break;
    }
    return {refuse(413, Errc::request_too_large,
                   "a body of this request has at most " + std::to_string(body_limit_) + " bytes"),
            step.consumed};
}

void RequestParser::next() {
    TIDINGS_ASSERT(place_ == Place::done || (place_ == Place::body && request_.body == BodyKind::none));
    request_ = {};
    line_.clear();
    body_limit_ = limits_.request_bytes;
    head_bytes_ = 0;
    place_ = Place::request_line;
}

Outcome RequestParser::refuse(int status, Errc code, std::string_view detail) {
    refusal_ = {status, {code, std::string{detail}}};
    place_ = Place::refused;
    return Outcome::refused;
}

}  // namespace tidings::http
