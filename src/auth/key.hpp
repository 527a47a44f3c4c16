#pragma once
// Keys that verify and sign tokens. The algorithm belongs to the key (RFC 8725 section 3.1), never to the
// token.

#include "auth/hmac.hpp"

#include <tidings/result.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct evp_pkey_st;

namespace tidings::auth {

enum class Algorithm : std::uint8_t { hs256, hs384, hs512, rs256, rs384, rs512 };

std::string_view name_of(Algorithm algorithm) noexcept;                    // "HS256"
std::optional<Algorithm> algorithm_named(std::string_view name) noexcept;  // exactly as RFC 7518 spells it

struct KeyOptions {
    std::string kid{};         // empty: tries tokens of every kid that no other key has
    std::string issuer{};      // "iss" of its tokens; empty: the policy's issuer
    std::string name_space{};  // its users become "<namespace>!<id>"; empty: none
};

// One key of one algorithm. Immutable and move-only; whoever owns it may let many threads verify with it.
// Secrets are wiped when it dies.
class Key {
public:
    // HS256, HS384 or HS512. Fails with Errc::invalid_field when the secret is shorter than the hash, which
    // RFC 7518 section 3.2 forbids (32, 48, 64 bytes), or the algorithm is another.
    static Result<Key> from_secret(Algorithm algorithm, std::string secret, KeyOptions options = {});
    // RS256, RS384 or RS512 from a PEM public key ("BEGIN PUBLIC KEY"). Fails with Errc::invalid_field below
    // 2048 bits, as RFC 7518 section 3.3 asks, or when it is no RSA key.
    static Result<Key> from_public_pem(Algorithm algorithm, std::string_view pem, KeyOptions options = {});
    // The same from an unencrypted PEM private key, which also signs.
    static Result<Key> from_private_pem(Algorithm algorithm, std::string_view pem, KeyOptions options = {});

    Key(Key&&) noexcept;
    Key& operator=(Key&&) noexcept;
    ~Key();

    Algorithm algorithm() const noexcept { return algorithm_; }
    const std::string& kid() const noexcept { return options_.kid; }
    const std::string& issuer() const noexcept { return options_.issuer; }
    const std::string& name_space() const noexcept { return options_.name_space; }

    // In constant time for a secret. False also where OpenSSL fails.
    bool verifies(std::string_view text, std::string_view signature) const;
    // Fails with Errc::invalid_field for a public key.
    Result<std::string> sign(std::string_view text) const;

private:
    struct FreePkey {
        void operator()(evp_pkey_st* pkey) const noexcept;
    };
    using Pkey = std::unique_ptr<evp_pkey_st, FreePkey>;
    enum class Half : std::uint8_t { public_half, private_half };

    Key(Algorithm algorithm, KeyOptions options);
    static Result<Key> from_pem(Algorithm algorithm, std::string_view pem, Half half, KeyOptions options);
    std::string hmac_of(std::string_view text) const;

    Algorithm algorithm_;
    KeyOptions options_;
    std::optional<Hmac> hmac_;  // of HS*
    Pkey pkey_;                 // of RS*
    Half half_ = Half::public_half;
};

}  // namespace tidings::auth
