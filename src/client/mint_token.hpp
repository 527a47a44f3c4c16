#pragma once
// Tokens for tests and for --dev, made from a key of the configuration.

#include <tidings/config.hpp>
#include <tidings/result.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace tidings {

struct TokenWish {
    std::string user;
    std::vector<std::string> topics{};   // names; each becomes the grant "topic:<name>"
    std::vector<std::string> publish{};  // grants
    bool operate = false;
    std::string session_id{};
    std::chrono::milliseconds expires{15 * 60'000};
};

// A token signed by the first HS key. Fails with Errc::invalid_field: no such key, a secret that cannot be
// read or is too short, a grant or user that no hub would take.
Result<std::string> mint_token(const AuthConfig& auth, const TokenWish& wish, Timestamp now);

}  // namespace tidings
