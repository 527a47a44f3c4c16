#pragma once
// The configured keys, read from where they are.

#include "auth/authenticator.hpp"

#include <tidings/config.hpp>

#include <memory>

namespace tidings {

// Reads secrets and PEM files and makes the authenticator. Fails with invalid_field; the detail names the key
// by its place, "[[auth.key]] 2", and says what would be right.
Result<auth::Authenticator> make_authenticator(const AuthConfig& config, const auth::HashKey& hash_key);

}  // namespace tidings
