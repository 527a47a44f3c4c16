#include "server/keys.hpp"

#include <fstream>
#include <iterator>
#include <optional>

namespace tidings {
namespace {

constexpr std::size_t key_file_bytes_max = 64 * 1024;

Result<std::string> contents(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    if (!file) return Error{Errc::invalid_field, "cannot read " + path};
    std::string text{std::istreambuf_iterator<char>{file}, {}};
    if (text.size() > key_file_bytes_max) return Error{Errc::invalid_field, path + " is too large for a key"};
    return text;
}

// An editor's line end is not part of a secret.
void drop_line_end(std::string& text) {
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
}

Result<auth::Key> make_key(const KeyConfig& config) {
    const auto algorithm = auth::algorithm_named(config.algorithm);
    if (!algorithm) {
        return Error{Errc::invalid_field, "unknown algorithm '" + config.algorithm +
                                              "'; known are HS256, HS384, HS512, RS256, RS384, RS512"};
    }
    auth::KeyOptions options{config.kid, config.issuer, config.name_space};
    if (!config.public_key_file.empty()) {
        auto pem = contents(config.public_key_file);
        if (!pem) return pem.error();
        return auth::Key::from_public_pem(*algorithm, *pem, std::move(options));
    }
    std::string secret = config.secret;
    if (!config.secret_file.empty()) {
        auto text = contents(config.secret_file);
        if (!text) return text.error();
        secret = std::move(*text);
        drop_line_end(secret);
    }
    return auth::Key::from_secret(*algorithm, std::move(secret), std::move(options));
}

}  // namespace

Result<auth::Authenticator> make_authenticator(const AuthConfig& config, const auth::HashKey& hash_key) {
    std::vector<auth::Key> keys;
    for (std::size_t i = 0; i < config.keys.size(); ++i) {
        auto key = make_key(config.keys[i]);
        if (!key) {
            return Error{key.error().code,
                         "[[auth.key]] " + std::to_string(i + 1) + ": " + key.error().detail};
        }
        keys.push_back(std::move(*key));
    }
    auth::AuthPolicy policy;
    policy.issuer = config.issuer;
    policy.audience = config.audience;
    policy.leeway = config.leeway;
    return auth::Authenticator{std::move(keys), std::move(policy), hash_key};
}

}  // namespace tidings
