#include "http/redact.hpp"

#include "http/query.hpp"

#include <algorithm>
#include <array>

namespace tidings::http {
namespace {

constexpr std::string_view redacted = "REDACTED";

// Parts of names: better one value too many is hidden than one credential shown.
constexpr std::array<std::string_view, 12> telling{"ticket", "token", "auth", "jwt",    "key",     "secret",
                                                   "pass",   "sig",   "code", "bearer", "session", "cookie"};

bool names_a_credential(std::string_view encoded) {
    auto name = percent_decoded(encoded, PlusSign::is_space);
    if (!name) return true;
    std::transform(name->begin(), name->end(), name->begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return std::any_of(telling.begin(), telling.end(),
                       [&](std::string_view part) { return name->find(part) != std::string::npos; });
}

bool token_character(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '_' || c == '-';
}

// Every compact JWS begins with the base64url of {" and has two dots; one that was cut off is hidden as well.
void append_without_tokens(std::string& text, std::string_view part) {
    for (std::size_t i = 0; i < part.size();) {
        if (part.substr(i).starts_with("eyJ")) {
            text.append(redacted);
            while (i < part.size() && token_character(part[i])) ++i;
            continue;
        }
        const char c = part[i++];
        text.push_back(c > 0x20 && c < 0x7f ? c : '?');
    }
}

}  // namespace

std::string redacted_target(std::string_view target) {
    std::string text;
    text.reserve(target.size());
    const auto mark = std::min(target.find('?'), target.size());
    append_without_tokens(text, target.substr(0, mark));
    if (mark == target.size()) return text;
    text.push_back('?');
    auto query = target.substr(mark + 1);
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        const auto pair = query.substr(0, end);
        const auto equals = std::min(pair.find('='), pair.size());
        append_without_tokens(text, pair.substr(0, equals));
        if (equals < pair.size()) {
            text.push_back('=');
            if (names_a_credential(pair.substr(0, equals))) {
                text.append(redacted);
            } else {
                append_without_tokens(text, pair.substr(equals + 1));
            }
        }
        if (end < query.size()) text.push_back('&');
        query.remove_prefix(std::min(end + 1, query.size()));
    }
    return text;
}

}  // namespace tidings::http
