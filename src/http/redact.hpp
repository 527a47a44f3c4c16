#pragma once
// A request target as it may stand in a log.

#include <string>
#include <string_view>

namespace tidings::http {

// Values of query parameters whose name speaks of a credential (ticket, token, access_token, key, secret …,
// however encoded), and everything that looks like a JWT, become "REDACTED"; bytes that are not visible ASCII
// become '?', so that no line of the log can be forged.
std::string redacted_target(std::string_view target);

}  // namespace tidings::http
