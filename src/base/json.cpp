#include "base/json.hpp"

#include "base/utf8.hpp"

#include <simdjson.h>
#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <bit>
#include <limits>

namespace tidings {
namespace {

constexpr std::size_t kept_bytes_max = std::size_t{1} << 20;
constexpr std::string_view lone_surrogate_refused = "the escape of a lone surrogate is not Unicode";

// Accepts everything: only the grammar counts.
struct Grammar {
    static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();

    using Code = boost::json::error_code;
    using Text = boost::json::string_view;
    bool on_document_begin(Code&) { return true; }
    bool on_document_end(Code&) { return true; }
    bool on_object_begin(Code&) { return true; }
    bool on_object_end(std::size_t, Code&) { return true; }
    bool on_array_begin(Code&) { return true; }
    bool on_array_end(std::size_t, Code&) { return true; }
    bool on_key_part(Text, std::size_t, Code&) { return true; }
    bool on_key(Text, std::size_t, Code&) { return true; }
    bool on_string_part(Text, std::size_t, Code&) { return true; }
    bool on_string(Text, std::size_t, Code&) { return true; }
    bool on_number_part(Text, Code&) { return true; }
    bool on_int64(std::int64_t, Text, Code&) { return true; }
    bool on_uint64(std::uint64_t, Text, Code&) { return true; }
    bool on_double(double, Text, Code&) { return true; }
    bool on_bool(bool, Code&) { return true; }
    bool on_null(Code&) { return true; }
    bool on_comment_part(Text, Code&) { return true; }
    bool on_comment(Text, Code&) { return true; }
};

// "line 2, column 8 (byte 31): ". Lines and columns count from 1, columns in bytes.
Error refused_at(std::string_view text, std::size_t at, const std::string& why) {
    const auto before = text.substr(0, at);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    return Error{Errc::invalid_json, "line " + std::to_string(line) + ", column " +
                                         std::to_string(before.size() - line_start + 1) + " (byte " +
                                         std::to_string(at) + "): " + why};
}

std::string unexpected(std::string_view text, std::size_t at) {
    if (at >= text.size()) return "the text ends within a value";
    const auto rest = text.substr(at);
    const char c = rest.front();
    if (rest.starts_with("\xef\xbb\xbf")) return "a byte order mark is not JSON; leave it out";
    if (!utf8_step(rest).valid) return "not UTF-8";
    if (c == '\0') return "a NUL byte is not JSON; in strings it is written \\u0000";
    if (c == 'N' || c == 'I' || rest.starts_with("-I")) return "NaN and Infinity are not JSON; send null";
    if (c == '\'') return "strings stand in double quotes";
    if (static_cast<unsigned char>(c) < 0x20)
        return "a control character; in strings it is escaped, as \\n or \\u0001";
    const auto step = utf8_step(rest);
    return "unexpected " + std::string{rest.substr(0, step.bytes)};
}

// Why Boost.JSON's parser stopped there, for a person.
std::string reason(std::string_view text, std::size_t at, boost::json::error_code code,
                   std::size_t depth_max) {
    if (code == boost::json::error::too_deep) {
        return "nested deeper than " + std::to_string(depth_max) + " levels";
    }
    if (code == boost::json::error::extra_data) return "more text follows the value; send one JSON value";
    if (code == boost::json::error::incomplete) return "the text ends within a value";
    if (code == boost::json::error::illegal_leading_surrogate ||
        code == boost::json::error::illegal_trailing_surrogate ||
        code == boost::json::error::expected_utf16_escape) {
        return std::string{lone_surrogate_refused};
    }
    if (code == boost::json::error::exponent_overflow) return "the number's exponent is too large";
    return unexpected(text, at);
}

// The code unit of the escape \uXXXX that begins at `at` of validated text.
unsigned escaped_unit(std::string_view text, std::size_t at) noexcept {
    unsigned unit = 0;
    for (std::size_t i = at + 2; i < at + 6 && i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        unit = unit * 16 + (c <= '9' ? c - '0' : (c | 0x20U) - 'a' + 10);
    }
    return unit;
}

bool high_surrogate(unsigned unit) noexcept { return unit >= 0xd800 && unit <= 0xdbff; }
bool low_surrogate(unsigned unit) noexcept { return unit >= 0xdc00 && unit <= 0xdfff; }

bool escape_at(std::string_view text, std::size_t at) noexcept {
    return at + 6 <= text.size() && text[at] == '\\' && text[at + 1] == 'u';
}

// Where validated text escapes a surrogate without its partner (simdjson 3.0 lets a low one pass); npos:
// nowhere.
std::size_t lone_surrogate(std::string_view text) noexcept {
    for (auto at = text.find('\\'); at != std::string_view::npos; at = text.find('\\', at)) {
        if (!escape_at(text, at)) {
            at += 2;
            continue;
        }
        const auto unit = escaped_unit(text, at);
        if (low_surrogate(unit)) return at;
        if (high_surrogate(unit)) {
            if (!escape_at(text, at + 6) || !low_surrogate(escaped_unit(text, at + 6))) return at;
            at += 6;
        }
        at += 6;
    }
    return std::string_view::npos;
}

// The second judge: slower, knows integers of any length, and says where the mistake is.
Result<void> check_grammar(std::string_view text, std::size_t depth_max) {
    boost::json::parse_options options;
    options.max_depth = depth_max;
    boost::json::basic_parser<Grammar> parser{options};
    boost::json::error_code code;
    const auto at = parser.write_some(false, text.data(), text.size(), code);
    if (!code && at < text.size()) code = boost::json::error::extra_data;
    if (!code) return {};
    const auto lone = lone_surrogate(text.substr(0, at));
    if (lone != std::string_view::npos) return refused_at(text, lone, std::string{lone_surrogate_refused});
    return refused_at(text, std::min(at, text.size()), reason(text, at, code, depth_max));
}

}  // namespace

struct JsonReader::Parser {
    explicit Parser(std::size_t depth) : depth_max{depth} {}

    // Buffers for a text of that size. simdjson counts no level for an empty array or object, so that its
    // limit is one below ours; what comes so near to it is counted again.
    simdjson::error_code prepare(std::size_t bytes) {
        if (dom.capacity() > kept_bytes_max && bytes <= kept_bytes_max) {
            dom = simdjson::dom::parser{};
            line = {};
        }
        if (dom.capacity() >= bytes) return simdjson::SUCCESS;
        const auto capacity =
            bytes > kept_bytes_max ? bytes : std::bit_ceil(std::max<std::size_t>(bytes, 1024));
        return dom.allocate(capacity, depth_max);
    }

    std::size_t depth_max;
    simdjson::dom::parser dom;
    std::string line;  // where minified text is written
};

JsonReader::JsonReader(const Limits& limits) : parser_{std::make_unique<Parser>(limits.json_depth)} {}
JsonReader::JsonReader(JsonReader&&) noexcept = default;
JsonReader& JsonReader::operator=(JsonReader&&) noexcept = default;
JsonReader::~JsonReader() = default;

Result<void> JsonReader::check(std::string_view text) {
    if (text.empty()) return Error{Errc::invalid_json, "empty text is not JSON; send at least {}"};
    auto& parser = *parser_;
    auto code = parser.prepare(text.size());
    if (!code) code = parser.dom.parse(text.data(), text.size(), true).error();
    if (code) {
        auto second = check_grammar(text, parser.depth_max);
        if (!second) return second;
        // simdjson refuses numbers that JSON allows and Python sends: integers beyond 64 bits, 1e400.
        if (code != simdjson::NUMBER_ERROR && code != simdjson::DEPTH_ERROR) {
            return Error{Errc::invalid_json, std::string{"not JSON: "} + simdjson::error_message(code)};
        }
    }
    const auto lone = lone_surrogate(text);
    if (lone != std::string_view::npos) {
        return refused_at(text, lone, std::string{lone_surrogate_refused});
    }
    return {};
}

// Its buffers were made for the old depth.
void JsonReader::take_limits(const Limits& limits) {
    if (limits.json_depth != parser_->depth_max) parser_ = std::make_unique<Parser>(limits.json_depth);
}

Result<std::string> JsonReader::minified(std::string_view text) {
    const auto found = minified_in_place(text);
    if (!found) return found.error();
    return std::string{*found};
}

Result<std::string_view> JsonReader::minified_in_place(std::string_view text) {
    auto checked = check(text);
    if (!checked) return checked.error();
    auto& line = parser_->line;
    // simdjson writes whole blocks, so that the target needs padding too.
    if (line.size() < text.size() + simdjson::SIMDJSON_PADDING)
        line.resize(text.size() + simdjson::SIMDJSON_PADDING);
    std::size_t bytes = 0;
    const auto code = simdjson::minify(text.data(), text.size(), line.data(), bytes);
    if (code) return Error{Errc::invalid_json, std::string{"not JSON: "} + simdjson::error_message(code)};
    return std::string_view{line}.substr(0, bytes);
}

Result<void> check_json(std::string_view text, const Limits& limits) {
    return JsonReader{limits}.check(text);
}

Result<std::string> minified(std::string_view text, const Limits& limits) {
    return JsonReader{limits}.minified(text);
}

}  // namespace tidings
