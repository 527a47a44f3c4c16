#include "client/mint_token.hpp"

#include "auth/mint.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace tidings {
namespace {

Result<std::string> secret_of(const KeyConfig& key) {
    if (!key.secret.empty()) return key.secret;
    std::ifstream file{key.secret_file, std::ios::binary};
    std::string secret{std::istreambuf_iterator<char>{file}, {}};
    if (!file && secret.empty())
        return Error{Errc::invalid_field, "cannot read the secret in " + key.secret_file};
    if (secret.ends_with('\n')) secret.pop_back();
    if (secret.ends_with('\r')) secret.pop_back();
    return secret;
}

}  // namespace

Result<std::string> mint_token(const AuthConfig& auth, const TokenWish& wish, Timestamp now) {
    const auto config =
        std::ranges::find_if(auth.keys, [](const KeyConfig& key) { return key.algorithm.starts_with("HS"); });
    if (config == auth.keys.end()) {
        return Error{Errc::invalid_field,
                     "there is no key that can sign: HS256, HS384 or HS512 with its secret"};
    }
    auto secret = secret_of(*config);
    if (!secret) return secret.error();
    const auto algorithm = auth::algorithm_named(config->algorithm);
    if (!algorithm)
        return Error{Errc::invalid_field, config->algorithm + " is not an algorithm of this version"};
    const std::string issuer = config->issuer.empty() ? auth.issuer : config->issuer;
    const auto key = auth::Key::from_secret(*algorithm, std::move(*secret), {config->kid, issuer, ""});
    if (!key) return key.error();
    const auto user = UserId::parse(wish.user);
    if (!user) return user.error();

    auth::TokenRequest request;
    request.user = *user;
    request.issued_at = now;
    request.expires_at = now + wish.expires;
    request.audience = auth.audience;
    request.session_id = wish.session_id;
    request.publish = wish.publish;
    for (const std::string& topic : wish.topics) request.subscribe.push_back("topic:" + topic);
    if (wish.operate) request.operate = auth::Grants::Operate::yes;
    return auth::mint(*key, request);
}

}  // namespace tidings
