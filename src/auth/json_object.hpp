#pragma once
// A small JSON object from a token: validated, its members unique.

#include "base/json.hpp"

#include <tidings/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidings::auth {

// Borrows the text it was parsed from, which outlives it. At most 64 members and 16 levels.
class JsonObject {
public:
    // Fails with Errc::invalid_json: not JSON, not an object, too many members, or a name that stands twice,
    // which two readers would take differently (RFC 8725 section 2.4).
    static Result<JsonObject> parse(std::string_view text);

    bool has(std::string_view name) const noexcept { return member(name).has_value(); }
    // The text of the value; none: absent.
    std::optional<std::string_view> member(std::string_view name) const noexcept;
    // The value of a string; none: absent or something else.
    std::optional<std::string> string(std::string_view name) const;

private:
    std::vector<JsonMember> members_;
};

}  // namespace tidings::auth
