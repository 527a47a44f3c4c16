#pragma once
// Credentials for the users of a run.

#include <tidings/result.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace tidings::load {

// A token of `sub` that lives for an hour from `now`, signed by an HS256 secret. `claims` are further members
// of its object as JSON text without braces; may be empty. Fails with Errc::invalid_field where the secret is
// too short.
Result<std::string> mint(const std::string& secret, std::string_view sub, std::string_view claims,
                         std::chrono::system_clock::time_point now);

}  // namespace tidings::load
