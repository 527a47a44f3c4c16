#include <tidings/event.hpp>
#include <tidings/ids.hpp>

#include <algorithm>

namespace tidings {
namespace {

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool unreserved(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '_' || c == '~' || c == '-';
}

bool topic_character(char c) noexcept { return unreserved(c) || c == ':' || c == '/' || c == '@'; }

constexpr std::size_t name_bytes_max = 128;

bool name_of_kind(std::string_view name, bool (*accepts)(char) noexcept) noexcept {
    return !name.empty() && name.size() <= name_bytes_max && std::all_of(name.begin(), name.end(), accepts);
}

}  // namespace

std::optional<Uuid> Uuid::parse_any(std::string_view text) noexcept {
    // Python's UUID() removes "urn:" and "uuid:", strips braces and drops every hyphen.
    if (text.starts_with("urn:")) text.remove_prefix(4);
    if (text.starts_with("uuid:")) text.remove_prefix(5);
    while (!text.empty() && (text.front() == '{' || text.front() == '}')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == '{' || text.back() == '}')) text.remove_suffix(1);
    Uuid uuid;
    std::size_t digits = 0;
    for (const char c : text) {
        if (c == '-') continue;
        const int value = hex_value(c);
        if (value < 0 || digits == 32) return std::nullopt;
        auto& byte = uuid.bytes[digits / 2];
        byte = static_cast<std::uint8_t>(byte << 4 | value);
        ++digits;
    }
    if (digits != 32) return std::nullopt;
    return uuid;
}

std::optional<Uuid> Uuid::parse(std::string_view text) noexcept {
    if (text.size() != 36) return std::nullopt;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (hyphen != (text[i] == '-')) return std::nullopt;
    }
    return parse_any(text);
}

std::string Uuid::text() const {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(36);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text.push_back('-');
        text.push_back(digits[bytes[i] >> 4]);
        text.push_back(digits[bytes[i] & 15]);
    }
    return text;
}

Result<UserId> UserId::parse(std::string_view text) {
    UserId id;
    if (const auto uuid = Uuid::parse(text)) {
        id.text_ = uuid->text();
        return id;
    }
    // "<namespace>!<id>" where keys of several issuers are configured
    const auto mark = text.find('!');
    const bool named = mark != std::string_view::npos && name_of_kind(text.substr(0, mark), unreserved) &&
                       name_of_kind(text.substr(mark + 1), unreserved) && text.size() <= name_bytes_max;
    if (!named && !name_of_kind(text, unreserved)) {
        return Error{Errc::invalid_field,
                     "a user id is a UUID in hyphenated form or 1 to 128 characters of A-Z a-z 0-9 . _ ~ -"};
    }
    id.text_ = text;
    return id;
}

Result<Audience> Audience::topic(std::string_view name) {
    if (!name_of_kind(name, topic_character)) {
        return Error{Errc::invalid_field, "a topic is 1 to 128 characters of A-Z a-z 0-9 . _ ~ - : / @"};
    }
    return Audience{Kind::topic, std::string{name}};
}

Result<Audience> Audience::parse(std::string_view text) {
    if (text == "broadcast") return Audience{};
    if (text.starts_with("topic:")) return topic(text.substr(6));
    if (text.starts_with("user:")) {
        auto id = UserId::parse(text.substr(5));
        if (!id) return id.error();
        return user(*id);
    }
    return Error{Errc::invalid_field, "an audience is user:<id>, broadcast or topic:<name>"};
}

std::string Audience::text() const {
    switch (kind) {
        case Kind::user: return "user:" + name;
        case Kind::topic: return "topic:" + name;
        case Kind::broadcast: break;
    }
    return "broadcast";
}

}  // namespace tidings
