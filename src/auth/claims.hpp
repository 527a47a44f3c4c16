#pragma once
// What a verified token says (RFC 7519), checked against the policy.

#include "auth/grants.hpp"
#include "auth/jws.hpp"

#include <tidings/event.hpp>
#include <tidings/ids.hpp>
#include <tidings/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace tidings::auth {

struct AuthPolicy {
    enum class Expiry : std::uint8_t { required, optional };

    std::string issuer{};                      // empty: not checked, unless the key has one
    std::string audience{};                    // empty: not checked
    std::chrono::milliseconds leeway{30'000};  // for exp, nbf and iat
    std::size_t token_bytes = 8 * 1024;
    Expiry expiry = Expiry::required;
};

struct Claims {
    UserId user;                          // "sub", in canonical form, with the key's namespace
    std::optional<Timestamp> issued_at;   // "iat"
    std::optional<Timestamp> expires_at;  // "exp"; absent only where the policy lets it be
    std::string jti;                      // empty: absent
    std::string session_id;               // empty: absent; a UUID in canonical form
    Grants grants;                        // "tidings"
};

// Reads the payload of a token that verified. Fails with Errc::invalid_token; the detail is for a log and
// holds nothing of the token. Members that are not known here are ignored (RFC 7519 section 4).
Result<Claims> check_claims(const VerifiedToken& token, const AuthPolicy& policy, Timestamp now);

// "A0B1…-…" in canonical form where it is a UUID, any other text as it is: so that a revocation finds its
// session.
std::string canonical(std::string_view text);

}  // namespace tidings::auth
