#pragma once
// Which names an event type, a category and a domain event may have.

#include <tidings/limits.hpp>
#include <tidings/result.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace tidings {

// An event type that clients can listen to: UTF-8 of 1 to Limits::type_bytes bytes without control, bidi or
// other format characters, else Errc::invalid_field. `open`, `error` and `message` (EventSource dispatches
// its own events by these names) and everything under `tidings.` (the hub's own) are Errc::reserved_name.
Result<void> check_type_name(std::string_view type, const Limits& limits);

// A category: 1 to 64 characters of a-z A-Z 0-9 . _ -, so that it can stand in a comma list.
// Errc::invalid_field.
Result<void> check_category_name(std::string_view name);

// A domain event's name, a field's name, an idempotency key: UTF-8 of 1 to `bytes_max` bytes without control
// characters. Errc::invalid_field; `what` names the thing in the detail.
Result<void> check_plain_text(std::string_view text, std::size_t bytes_max, std::string_view what);

// A name in a message for a person: quoted, control characters and what is not UTF-8 as '?', at most 64 bytes
// of it.
std::string shown(std::string_view name);

}  // namespace tidings
