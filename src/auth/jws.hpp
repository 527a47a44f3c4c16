#pragma once
// Compact JSON Web Signatures (RFC 7515), as narrow as RFC 8725 advises.

#include "auth/key.hpp"

#include <tidings/result.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace tidings::auth {

struct VerifiedToken {
    std::string type;          // the header's "typ"; empty: absent
    std::string payload;       // decoded; not yet known to be JSON
    const Key* key = nullptr;  // the one that verified it; one of those given
};

// Verifies "header.payload.signature". A key is tried when its algorithm is the header's "alg" and its kid is
// the header's "kid"; keys without a kid are tried where no configured key has the header's. "crit" is
// refused; keys that a header carries or points to (jwk, jku, x5c, x5u) are not looked at. Fails with
// Errc::invalid_token; the detail is for a log and holds nothing of the token.
Result<VerifiedToken> verify_compact(std::string_view token, std::span<const Key> keys,
                                     std::size_t token_bytes_max);

// {"alg":…,"typ":…,"kid":…} and the payload, signed. `type` empty: no typ. Fails as Key::sign does.
Result<std::string> sign_compact(const Key& key, std::string_view payload, std::string_view type = "JWT");

}  // namespace tidings::auth
