// Reading validated JSON text where it stands, and writing strings.

#include "base/json.hpp"
#include "base/utf8.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace tidings {
namespace {

constexpr auto npos = std::string_view::npos;

bool space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Which bytes a search stops at, one load for each: std::string_view::find_first_of searches the set anew for
// every byte.
class ByteSet {
public:
    constexpr explicit ByteSet(std::string_view bytes) {
        for (const char byte : bytes) holds_[static_cast<unsigned char>(byte)] = true;
    }
    std::size_t find_in(std::string_view text, std::size_t at) const noexcept {
        while (at < text.size() && !holds_[static_cast<unsigned char>(text[at])]) ++at;
        return at;
    }

private:
    std::array<bool, 256> holds_{};
};

constexpr ByteSet structural{"\"{}[]"};
constexpr ByteSet scalar_end{" \t\n\r,]}:"};

// Walks over JSON text without recursion. A value; lives within one call.
class Scanner {
public:
    explicit Scanner(std::string_view text) : text_{text} { skip_space(); }

    bool at_end() const noexcept { return at_ >= text_.size(); }
    bool next_is(char c) const noexcept { return !at_end() && text_[at_] == c; }
    bool take(char c) noexcept {
        if (!next_is(c)) return false;
        ++at_;
        skip_space();
        return true;
    }

    // A string with its quotes; none: no string begins here, or it has no end.
    std::optional<std::string_view> string() noexcept {
        if (!next_is('"')) return std::nullopt;
        const auto start = at_;
        if (!skip_string()) return std::nullopt;
        const auto found = text_.substr(start, at_ - start);
        skip_space();
        return found;
    }

    std::optional<std::string_view> value() noexcept {
        if (next_is('"')) return string();
        const auto start = at_;
        const bool skipped = next_is('{') || next_is('[') ? skip_container() : skip_scalar();
        if (!skipped) return std::nullopt;
        const auto found = text_.substr(start, at_ - start);
        skip_space();
        return found;
    }

private:
    void skip_space() noexcept {
        while (at_ < text_.size() && space(text_[at_])) ++at_;
    }

    bool skip_string() noexcept {
        auto quote = text_.find('"', ++at_);
        auto escape = text_.substr(0, quote).find('\\', at_);
        while (escape != npos) {
            at_ = escape + 2;
            // An escaped quote was not the end.
            if (quote < at_) quote = text_.find('"', at_);
            escape = text_.substr(0, quote).find('\\', at_);
        }
        at_ = quote == npos ? text_.size() : quote + 1;
        return quote != npos;
    }

    bool skip_container() noexcept {
        std::size_t depth = 0;
        while ((at_ = structural.find_in(text_, at_)) < text_.size()) {
            const char c = text_[at_];
            if (c == '"') {
                if (!skip_string()) return false;
                continue;
            }
            ++at_;
            depth = c == '{' || c == '[' ? depth + 1 : depth - 1;
            if (depth == 0) return true;
        }
        return false;
    }

    bool skip_scalar() noexcept {
        const auto start = at_;
        at_ = scalar_end.find_in(text_, at_);
        return at_ > start;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

// Calls take(name with its quotes, value) for each member until it returns false. False: not an object.
template <class Take>
bool each_member(std::string_view text, Take&& take) {
    Scanner scanner{text};
    if (!scanner.take('{')) return false;
    if (scanner.take('}')) return scanner.at_end();
    do {
        const auto name = scanner.string();
        if (!name || !scanner.take(':')) return false;
        const auto value = scanner.value();
        if (!value) return false;
        if (!take(*name, *value)) return true;
    } while (scanner.take(','));
    return scanner.take('}') && scanner.at_end();
}

template <class Take>
bool each_element(std::string_view text, Take&& take) {
    Scanner scanner{text};
    if (!scanner.take('[')) return false;
    if (scanner.take(']')) return scanner.at_end();
    do {
        const auto value = scanner.value();
        if (!value) return false;
        if (!take(*value)) return true;
    } while (scanner.take(','));
    return scanner.take(']') && scanner.at_end();
}

// The four hexadecimal digits at the beginning; none: there are no four.
std::optional<char32_t> hex_unit(std::string_view digits) noexcept {
    if (digits.size() < 4) return std::nullopt;
    unsigned unit = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + 4, unit, 16);
    if (error != std::errc{} || end != digits.data() + 4) return std::nullopt;
    return unit;
}

// Appends what the escape after a backslash means; how many characters of `rest` it has, 0: no escape.
std::size_t append_escape(std::string& target, std::string_view rest) {
    switch (rest.empty() ? '\0' : rest.front()) {
        case '"': target.push_back('"'); return 1;
        case '\\': target.push_back('\\'); return 1;
        case '/': target.push_back('/'); return 1;
        case 'b': target.push_back('\b'); return 1;
        case 'f': target.push_back('\f'); return 1;
        case 'n': target.push_back('\n'); return 1;
        case 'r': target.push_back('\r'); return 1;
        case 't': target.push_back('\t'); return 1;
        case 'u': break;
        default: return 0;
    }
    const auto unit = hex_unit(rest.substr(1));
    if (!unit) return 0;
    if (*unit < 0xd800 || *unit > 0xdfff) {
        append_code_point(target, *unit);
        return 5;
    }
    const auto low = *unit < 0xdc00 && rest.substr(5, 2) == "\\u" ? hex_unit(rest.substr(7)) : std::nullopt;
    if (!low || *low < 0xdc00 || *low > 0xdfff) {
        append_code_point(target, 0xfffd);
        return 5;
    }
    append_code_point(target, 0x10000 + ((*unit - 0xd800) << 10) + (*low - 0xdc00));
    return 11;
}

std::optional<std::string> unescaped(std::string_view literal) {
    auto rest = literal.substr(1, literal.size() - 2);
    if (rest.find('\\') == npos) return std::string{rest};
    std::string text;
    text.reserve(literal.size());
    for (auto at = rest.find('\\'); at != npos; at = rest.find('\\')) {
        text.append(rest.substr(0, at));
        const auto length = append_escape(text, rest.substr(at + 1));
        if (length == 0) return std::nullopt;
        rest.remove_prefix(at + 1 + length);
    }
    text.append(rest);
    return text;
}

// Whether a member's literal name means that text; most names have no escape and are compared where they
// stand.
bool names(std::string_view literal, std::string_view name) {
    const auto inside = literal.substr(1, literal.size() - 2);
    if (inside.find('\\') == npos) return inside == name;
    return unescaped(literal) == name;
}

std::optional<std::string_view> element(std::string_view text, std::string_view token) {
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
    const bool leading_zero = token.size() > 1 && token.front() == '0';
    if (error != std::errc{} || end != token.data() + token.size() || leading_zero) return std::nullopt;
    std::optional<std::string_view> found;
    each_element(text, [&](std::string_view value) {
        if (index-- == 0) found = value;
        return !found;
    });
    return found;
}

// A reference token without its ~0 and ~1; none: another ~.
std::optional<std::string> reference(std::string_view token) {
    std::string text;
    for (std::size_t i = 0; i < token.size(); ++i) {
        if (token[i] != '~') {
            text.push_back(token[i]);
            continue;
        }
        ++i;
        if (i >= token.size() || (token[i] != '0' && token[i] != '1')) return std::nullopt;
        text.push_back(token[i] == '0' ? '~' : '/');
    }
    return text;
}

void append_control(std::string& target, char c) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    target.append("\\u00").append(1, digits[byte >> 4]).append(1, digits[byte & 0x0fU]);
}

}  // namespace

std::string Quoted::operator()(std::string_view text) const {
    std::string literal{"\""};
    literal.reserve(text.size() + 2);
    while (!text.empty()) {
        const auto plain = std::find_if(text.begin(), text.end(), [](char c) {
            return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
        });
        const auto length = static_cast<std::size_t>(plain - text.begin());
        append_utf8(literal, text.substr(0, length));
        if (plain == text.end()) break;
        switch (*plain) {
            case '"': literal.append("\\\""); break;
            case '\\': literal.append("\\\\"); break;
            case '\b': literal.append("\\b"); break;
            case '\f': literal.append("\\f"); break;
            case '\n': literal.append("\\n"); break;
            case '\r': literal.append("\\r"); break;
            case '\t': literal.append("\\t"); break;
            default: append_control(literal, *plain);
        }
        text.remove_prefix(length + 1);
    }
    literal.push_back('"');
    return literal;
}

std::optional<std::vector<JsonMember>> json_members(std::string_view text, std::size_t members_max) {
    std::vector<JsonMember> members;
    members.reserve(std::min<std::size_t>(members_max, 8));
    bool readable = true;
    const bool object = each_member(text, [&](std::string_view literal, std::string_view value) {
        auto name = unescaped(literal);
        readable = name.has_value();
        if (readable) members.push_back({std::move(*name), value});
        return readable && members.size() <= members_max;
    });
    if (!object || !readable) return std::nullopt;
    return members;
}

std::optional<std::vector<std::string_view>> json_elements(std::string_view text, std::size_t elements_max) {
    std::vector<std::string_view> elements;
    const bool array = each_element(text, [&](std::string_view value) {
        elements.push_back(value);
        return elements.size() <= elements_max;
    });
    if (!array) return std::nullopt;
    return elements;
}

std::optional<std::string> json_string(std::string_view text) {
    Scanner scanner{text};
    const auto literal = scanner.string();
    if (!literal || !scanner.at_end()) return std::nullopt;
    return unescaped(*literal);
}

std::optional<std::string_view> json_member(std::string_view text, std::string_view name) {
    std::optional<std::string_view> found;
    each_member(text, [&](std::string_view literal, std::string_view value) {
        if (names(literal, name)) found = value;
        return true;
    });
    return found;
}

std::optional<std::string_view> json_pointer(std::string_view text, std::string_view pointer) {
    Scanner scanner{text};
    auto found = scanner.value();
    while (found && !pointer.empty()) {
        if (pointer.front() != '/') return std::nullopt;
        pointer.remove_prefix(1);
        const auto token = pointer.substr(0, pointer.find('/'));
        pointer.remove_prefix(token.size());
        const auto name = reference(token);
        if (!name) return std::nullopt;
        found = found->starts_with('[') ? element(*found, *name) : json_member(*found, *name);
    }
    return found;
}

}  // namespace tidings
