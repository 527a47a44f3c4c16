#pragma once
// Identifiers: UUIDs and user ids.

#include <tidings/result.hpp>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidings {

// RFC 9562 UUID, 16 bytes in network order. A value; all zero is the nil UUID.
struct Uuid {
    std::array<std::uint8_t, 16> bytes{};

    // Any spelling that Python's UUID() accepts: any case, with or without hyphens, braces, "urn:uuid:".
    static std::optional<Uuid> parse_any(std::string_view text) noexcept;
    // Only the 36-character hyphenated form, any case.
    static std::optional<Uuid> parse(std::string_view text) noexcept;

    // Canonical: 36 characters, lower case, hyphenated.
    std::string text() const;
    int version() const noexcept { return bytes[6] >> 4; }
    bool nil() const noexcept { return *this == Uuid{}; }

    auto operator<=>(const Uuid&) const = default;
};

// A user: a UUID in canonical form, or another subject of 1 to 128 unreserved characters (A-Z a-z 0-9 . _ ~
// -) taken as it is. With several issuers it begins with "<namespace>!".
class UserId {
public:
    UserId() = default;
    explicit UserId(const Uuid& uuid) : text_{uuid.text()} {}
    // Fails with Errc::invalid_field.
    static Result<UserId> parse(std::string_view text);

    const std::string& text() const noexcept { return text_; }
    bool empty() const noexcept { return text_.empty(); }
    auto operator<=>(const UserId&) const = default;

private:
    std::string text_;
};

}  // namespace tidings
