#include "http/query.hpp"

#include "base/nearest.hpp"

#include <algorithm>

namespace tidings::http {
namespace {

constexpr std::size_t parameters_max = 256;
constexpr std::size_t shown_bytes_max = 64;

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text, PlusSign plus) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus == PlusSign::is_space) {
            decoded.push_back(' ');
        } else if (text[i] != '%') {
            decoded.push_back(text[i]);
        } else {
            if (text.size() - i < 3) return std::nullopt;
            const int high = hex_value(text[i + 1]);
            const int low = hex_value(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            decoded.push_back(static_cast<char>(high * 16 + low));
            i += 2;
        }
    }
    return decoded;
}

Result<std::vector<Parameter>> parse_query(std::string_view query) {
    std::vector<Parameter> parameters;
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        const auto pair = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (pair.empty()) continue;
        if (parameters.size() == parameters_max) {
            return Error{Errc::invalid_field,
                         "a query has at most " + std::to_string(parameters_max) + " parameters"};
        }
        const auto equals = std::min(pair.find('='), pair.size());
        const auto name = pair.substr(0, equals);
        const auto value = equals < pair.size() ? pair.substr(equals + 1) : std::string_view{};
        auto decoded = percent_decoded(value, PlusSign::is_space);
        parameters.push_back({percent_decoded(name, PlusSign::is_space).value_or(std::string{name}),
                              decoded ? std::move(*decoded) : std::string{value},
                              decoded ? Decoding::done : Decoding::broken});
    }
    return parameters;
}

std::string shown(std::string_view text) {
    std::string result;
    for (const char c : text.substr(0, shown_bytes_max)) result.push_back(c >= 0x20 && c < 0x7f ? c : '?');
    if (text.size() > shown_bytes_max) result.append("...");
    return result;
}

Error unknown_parameter(std::string_view name, std::span<const std::string_view> valid) {
    const std::vector<std::string> names{valid.begin(), valid.end()};
    std::string detail = "unknown query parameter '" + shown(name) + "'";
    if (const auto hint = nearest_hint(name, names); !hint.empty()) detail.append("; ").append(hint);
    detail.append(names.empty() ? "; there are none here" : "; valid: " + joined(names));
    return {Errc::unknown_parameter, std::move(detail)};
}

}  // namespace tidings::http
