#pragma once
// Times as text: ISO 8601 as Python's datetime.fromisoformat reads it (RFC 3339 is a part of that), and
// isoformat.

#include <tidings/event.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tidings {

// "2026-01-20T02:30:00Z", "20260120T023000,5+0100", "2026-W04-2", "2026-01-20 02:30": no offset means UTC,
// any one character separates date and time, digits of a fraction beyond the sixth are dropped. None: not
// such a text, or outside the years 1 to 9999.
std::optional<Timestamp> parse_time(std::string_view text) noexcept;

// "2026-01-20T02:30:00+00:00"; the fraction is six digits, or absent where it is zero.
std::string time_text(Timestamp time);

}  // namespace tidings
