#pragma once
// From an Authorization field to a credential.

#include "auth/claims.hpp"
#include "auth/key.hpp"

#include <tidings/result.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidings::auth {

// A secret of the process, drawn at its start: hashes under it mean nothing elsewhere.
using HashKey = std::array<std::uint8_t, 32>;

enum class HashedAs : std::uint8_t { subject, session, token };

// The first 8 bytes of HMAC-SHA256 over the kind and the text: what a stream's record keeps of an identifier,
// and what a revocation is compared with. 0 for an empty text, never for another.
std::uint64_t keyed_hash(const HashKey& key, HashedAs kind, std::string_view text);

// Who asks, and what they may do. A value.
struct Credential {
    UserId user;
    std::string session_id;  // empty: none
    std::string jti;         // empty: none
    std::uint64_t user_hash = 0;
    std::uint64_t session_hash = 0;  // 0: none
    std::uint64_t jti_hash = 0;      // 0: none
    std::optional<Timestamp> issued_at;
    std::optional<Timestamp> expires_at;  // exp
    std::optional<Timestamp> ends_at;     // exp and leeway: a stream ends no later
    Timestamp verified_at{};
    std::string name_space;  // of the issuer; empty: none
    Grants grants;

    // The audience that the id of a request means for this credential: with the issuer's namespace. Fails
    // with Errc::invalid_field where the id names a namespace itself, or is too long with this one.
    Result<Audience> user_audience(const UserId& id) const;
};

struct Authentication {
    Result<Credential> credential;
    std::string log_reason;  // why not, for the log alone: it holds nothing of the token. Empty: it is valid
};

// The token of an Authorization field's value. Errc::unauthorized: it is absent, or of another scheme, which
// is for somebody else, as if the field were absent (RFC 6750 section 3.1).
Result<std::string_view> bearer_token(std::optional<std::string_view> authorization);

// Verifies bearer tokens (RFC 6750) against configured keys. Immutable, so every shard may use one; a reload
// makes a new one. An absent credential is Errc::unauthorized; everything that is wrong with one is the same
// Errc::invalid_token, so that an answer helps nobody to guess (C-40).
class Authenticator {
public:
    Authenticator(std::vector<Key> keys, AuthPolicy policy, const HashKey& hash_key);

    // `authorization`: the field's value; none: the field is absent.
    Authentication authenticate(std::optional<std::string_view> authorization, Timestamp now) const;
    // The token itself, as a cookie or a command brings it.
    Authentication authenticate_token(std::string_view token, Timestamp now) const;

    std::span<const Key> keys() const noexcept { return keys_; }
    const AuthPolicy& policy() const noexcept { return policy_; }

private:
    Result<Credential> verify(std::string_view token, Timestamp now) const;

    std::vector<Key> keys_;
    AuthPolicy policy_;
    Hmac hash_key_;
};

}  // namespace tidings::auth
