#pragma once
// A request target's query: name and value pairs, as an HTML form and URLSearchParams write them.

#include <tidings/result.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidings::http {

enum class PlusSign : std::uint8_t { is_space, is_plus };

// RFC 3986 section 2.1, strictly: none where '%' is not followed by two hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text, PlusSign plus);

enum class Decoding : std::uint8_t { done, broken };

struct Parameter {
    std::string name;
    std::string value;                   // as it came where the decoding is broken
    Decoding decoding = Decoding::done;  // of the value; a name that cannot be decoded stays as it came
    bool operator==(const Parameter&) const = default;
};

// The pairs in their order; empty ones ("&&") are skipped. Fails with Errc::invalid_field above 256 pairs,
// which bounds what a hostile query costs.
Result<std::vector<Parameter>> parse_query(std::string_view query);

// Errc::unknown_parameter, naming the nearest of the valid names, and all of them.
Error unknown_parameter(std::string_view name, std::span<const std::string_view> valid);

// A name from a request for a person to read: at most 64 characters, printable ASCII, others as '?'.
std::string shown(std::string_view text);

}  // namespace tidings::http
