#pragma once
// JSON as text: validated and minified, never rebuilt, so that numbers keep their spelling and members their
// order.

#include <tidings/limits.hpp>
#include <tidings/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidings {

// Validates JSON text (RFC 8259) in volume. Owns a parser and its buffers, which grow to the largest text and
// are let go above 1 MiB; one per shard or call site, used by one thread at a time. Refused beside what is
// not JSON: NaN and Infinity, a byte order mark, invalid UTF-8, the escape of a lone surrogate, nesting
// beyond Limits::json_depth arrays and objects. Accepted: integers of any length, any value (not only
// objects), repeated member names.
class JsonReader {
public:
    explicit JsonReader(const Limits& limits = {});
    // For a reader that outlives a reload.
    void take_limits(const Limits& limits);
    JsonReader(JsonReader&&) noexcept;
    JsonReader& operator=(JsonReader&&) noexcept;
    ~JsonReader();

    // Both fail with Errc::invalid_json; the detail says where and what would be right.
    Result<void> check(std::string_view text);
    // The same text on one line: white space outside strings is gone, everything else is as it was.
    Result<std::string> minified(std::string_view text);
    // The same without a copy: good until the reader's next text.
    Result<std::string_view> minified_in_place(std::string_view text);

private:
    struct Parser;
    std::unique_ptr<Parser> parser_;
};

// The same with a reader of its own, for where it happens seldom.
Result<void> check_json(std::string_view text, const Limits& limits);
Result<std::string> minified(std::string_view text, const Limits& limits);

// quoted(text): UTF-8 text as a JSON string, quotes included. What is not UTF-8 becomes U+FFFD. An object
// instead of a function, because std::quoted would be found for a std::string and fit better.
struct Quoted {
    std::string operator()(std::string_view text) const;
};
inline constexpr Quoted quoted{};

// The functions below read text that was validated. They never read outside of any other text, but what they
// say of it means nothing. The views they return point into the text they were given, without white space
// around them.

struct JsonMember {
    std::string name;        // unescaped
    std::string_view value;  // as it stands in the text
};

// The members of an object in order, repeated names included; none: not an object. At most members_max + 1,
// so that a caller with a limit sees that it was passed.
std::optional<std::vector<JsonMember>> json_members(std::string_view text,
                                                    std::size_t members_max = SIZE_MAX - 1);
// The elements of an array; none: not an array. At most elements_max + 1.
std::optional<std::vector<std::string_view>> json_elements(std::string_view text,
                                                           std::size_t elements_max = SIZE_MAX - 1);
// The text of a JSON string, unescaped; none: not a string.
std::optional<std::string> json_string(std::string_view text);
// The last member of that (unescaped) name; none: not an object, or no such member.
std::optional<std::string_view> json_member(std::string_view text, std::string_view name);
// The value at an RFC 6901 JSON Pointer ("" is the whole text; "/items/0/a~1b"); of repeated names the last
// counts, as in Python and JavaScript. None: nothing stands there, or the pointer is malformed.
std::optional<std::string_view> json_pointer(std::string_view text, std::string_view pointer);

}  // namespace tidings
