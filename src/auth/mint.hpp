#pragma once
// Tokens of our own making: `tidings token`, `--dev`, tests.

#include "auth/grants.hpp"
#include "auth/key.hpp"

#include <tidings/event.hpp>
#include <tidings/ids.hpp>
#include <tidings/result.hpp>

#include <optional>
#include <string>
#include <vector>

namespace tidings::auth {

struct TokenRequest {
    UserId user{};
    std::optional<Timestamp> issued_at{};  // whole seconds, rounded down, as are the next two
    std::optional<Timestamp> not_before{};
    std::optional<Timestamp> expires_at{};
    std::string issuer{};                  // empty: the key's; no "iss" where that is empty too
    std::string audience{};                // empty: no "aud"
    std::string jti{};                     // empty: none
    std::string session_id{};              // empty: none
    std::vector<std::string> publish{};    // grants
    std::vector<std::string> subscribe{};  // grants
    Grants::Operate operate = Grants::Operate::no;
};

// A signed token. Fails with Errc::invalid_field for a grant that no hub would take, a user with a namespace
// (the hub's key gives it), no user, or a key that cannot sign.
Result<std::string> mint(const Key& key, const TokenRequest& request);

}  // namespace tidings::auth
