#pragma once
// RFC 4648 section 5 without padding, as JOSE uses it (RFC 7515 section 2).

#include <optional>
#include <string>
#include <string_view>

namespace tidings::auth {

std::string base64url(std::string_view bytes);

// Strict: no padding, no white space, no other alphabet, and the bits that are left over are zero, so that
// one value has exactly one spelling. None: it is not that.
std::optional<std::string> base64url_decoded(std::string_view text);

}  // namespace tidings::auth
