#pragma once
// A request's head as values, after the strict policy of request_parser.hpp has accepted it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidings::http {

enum class Method : std::uint8_t { get, head, post, put, delete_, options, patch, trace, connect, other };
enum class Version : std::uint8_t { http_1_0, http_1_1 };
enum class Connection : std::uint8_t { keep_alive, close };

namespace detail {

constexpr std::array<bool, 256> token_characters() {
    std::array<bool, 256> table{};
    for (const char c :
         std::string_view{"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"}) {
        table[static_cast<unsigned char>(c)] = true;
    }
    return table;
}
inline constexpr std::array<bool, 256> token_table = token_characters();

}  // namespace detail

// RFC 9110 5.6.2. A table, since every byte of every field's name is asked.
constexpr bool token_character(char c) noexcept { return detail::token_table[static_cast<unsigned char>(c)]; }

struct Field {
    std::string name;
    std::string value;
    bool operator==(const Field&) const = default;
};

// Whether two field names or tokens are the same: ASCII without regard to case (RFC 9110 5.1).
constexpr bool same_token(std::string_view a, std::string_view b) noexcept {
    constexpr auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (lower(a[i]) != lower(b[i])) return false;
    }
    return true;
}

// Field lines in the order in which they came. A value; bounded by Limits::headers where it was parsed.
// Lookup is linear, since a head has few fields.
class Fields {
public:
    void add(std::string name, std::string value) {
        if (list_.empty()) list_.reserve(16);
        list_.push_back({std::move(name), std::move(value)});
    }

    // The first value of that name; null: none. The pointer lives until the next add().
    const std::string* find(std::string_view name) const noexcept {
        for (const auto& field : list_) {
            if (same_token(field.name, name)) return &field.value;
        }
        return nullptr;
    }
    std::size_t count(std::string_view name) const noexcept {
        std::size_t count = 0;
        for (const auto& field : list_) count += same_token(field.name, name) ? 1 : 0;
        return count;
    }
    // All values of that name joined by ", ", as RFC 9110 5.3 allows; empty: none.
    std::string joined(std::string_view name) const {
        std::string text;
        for (const auto& field : list_) {
            if (!same_token(field.name, name)) continue;
            if (!text.empty()) text.append(", ");
            text.append(field.value);
        }
        return text;
    }

    std::size_t size() const noexcept { return list_.size(); }
    bool empty() const noexcept { return list_.empty(); }
    auto begin() const noexcept { return list_.begin(); }
    auto end() const noexcept { return list_.end(); }
    bool operator==(const Fields&) const = default;

private:
    std::vector<Field> list_;
};

// How a request's body is delimited.
enum class BodyKind : std::uint8_t { none, sized, chunked };
enum class Expectation : std::uint8_t { none, continue_100 };

struct Request {
    Method method = Method::get;
    std::string method_text;  // "GET"; for Method::other what was sent
    std::string target;       // as sent
    std::string path;         // begins with '/', or is "*"; still percent-encoded
    std::string query;        // after the first '?', without it; still percent-encoded
    Version version = Version::http_1_1;
    Fields fields;
    Connection connection = Connection::keep_alive;  // what the client wants
    BodyKind body = BodyKind::none;
    std::uint64_t content_length = 0;  // for BodyKind::sized
    Expectation expectation = Expectation::none;

    bool operator==(const Request&) const = default;
};

}  // namespace tidings::http
