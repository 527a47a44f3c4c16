#pragma once
// Reads the members of an object that a client sent, with errors that say what would be right.

#include "base/json.hpp"

#include <tidings/event.hpp>
#include <tidings/limits.hpp>
#include <tidings/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidings {

enum class UnknownMembers : std::uint8_t { refuse, keep };

// The members of one object, by name. A value, made and used within one call.
class JsonMembers {
public:
    // Validates and minifies. Fails with invalid_json; invalid_field (not an object, a member twice);
    // unknown_field (a name outside `allowed`). `what` names the thing in the detail,
    // a literal: "a publish". The values are good until the reader's next text.
    static Result<JsonMembers> parse(JsonReader& reader, std::string_view json,
                                     const std::vector<std::string>& allowed, UnknownMembers unknown,
                                     std::string_view what);
    // The same with a reader of its own, which it keeps.
    static Result<JsonMembers> parse(std::string_view json, const std::vector<std::string>& allowed,
                                     UnknownMembers unknown, std::string_view what, const Limits& limits);

    bool has(std::string_view name) const noexcept { return raw(name) != nullptr; }
    // The value as minified JSON; null: absent.
    const std::string_view* raw(std::string_view name) const noexcept;
    // The string under a name; none: absent. Fails with invalid_field when it is not a string.
    Result<std::optional<std::string>> text(std::string_view name) const;
    // The same for a member that must be there: missing_field.
    Result<std::string> required_text(std::string_view name) const;
    // An ISO 8601 time; none: absent. Fails with invalid_field.
    Result<std::optional<Timestamp>> time(std::string_view name) const;

private:
    Error missing(std::string_view name) const;
    Error not_a_string(std::string_view name) const;

    std::string_view what_;
    std::vector<JsonMember> members_;
    std::optional<JsonReader> own_;
};

}  // namespace tidings
