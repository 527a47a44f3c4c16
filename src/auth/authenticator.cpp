#include "auth/authenticator.hpp"

#include <openssl/evp.h>

#include <algorithm>

namespace tidings::auth {
namespace {

// RFC 9110 11.1: a scheme's name is compared without regard to case.
bool bearer(std::string_view scheme) noexcept {
    constexpr std::string_view wanted = "bearer";
    return scheme.size() == wanted.size() &&
           std::equal(scheme.begin(), scheme.end(), wanted.begin(),
                      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

Hmac prepared(const HashKey& key) {
    return {EVP_sha256(), {reinterpret_cast<const char*>(key.data()), key.size()}};
}

std::uint64_t keyed_hash(const Hmac& key, HashedAs kind, std::string_view text) {
    if (text.empty()) return 0;
    std::string input(1, static_cast<char>(kind));
    input.append(text);
    std::array<unsigned char, Hmac::bytes_max> hash{};
    key.of(input, hash);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) value = value << 8 | hash[i];
    return value == 0 ? 1 : value;
}

}  // namespace

std::uint64_t keyed_hash(const HashKey& key, HashedAs kind, std::string_view text) {
    return keyed_hash(prepared(key), kind, text);
}

Result<Audience> Credential::user_audience(const UserId& id) const {
    if (id.text().find('!') != std::string::npos) {
        return Error{Errc::invalid_field, "a user id has no '!'; the issuer's namespace is added by the hub"};
    }
    if (name_space.empty()) return Audience::user(id);
    const auto qualified = UserId::parse(name_space + "!" + id.text());
    if (!qualified) return Error{Errc::invalid_field, "the user id is too long with the issuer's namespace"};
    return Audience::user(*qualified);
}

Authenticator::Authenticator(std::vector<Key> keys, AuthPolicy policy, const HashKey& hash_key)
    : keys_{std::move(keys)}, policy_{std::move(policy)}, hash_key_{prepared(hash_key)} {}

Result<std::string_view> bearer_token(std::optional<std::string_view> authorization) {
    constexpr std::string_view what_to_do = "send a token: Authorization: Bearer <token>";
    if (!authorization) return Error{Errc::unauthorized, std::string{what_to_do}};
    const auto space = std::min(authorization->find(' '), authorization->size());
    if (!bearer(authorization->substr(0, space))) return Error{Errc::unauthorized, std::string{what_to_do}};
    auto token = authorization->substr(space);
    while (token.starts_with(' ')) token.remove_prefix(1);
    return token;
}

Authentication Authenticator::authenticate(std::optional<std::string_view> authorization,
                                           Timestamp now) const {
    const auto token = bearer_token(authorization);
    if (token) return authenticate_token(*token, now);
    return {token.error(), authorization ? "the scheme is not Bearer" : "no Authorization field"};
}

Authentication Authenticator::authenticate_token(std::string_view token, Timestamp now) const {
    auto credential = verify(token, now);
    if (credential) return {std::move(credential), {}};
    return {
        Error{Errc::invalid_token, "the token is not valid here: it may have expired, or be for another hub"},
        std::move(credential).error().detail};
}

Result<Credential> Authenticator::verify(std::string_view token, Timestamp now) const {
    const auto verified = verify_compact(token, keys_, policy_.token_bytes);
    if (!verified) return verified.error();
    auto claims = check_claims(*verified, policy_, now);
    if (!claims) return claims.error();
    Credential credential;
    credential.user = std::move(claims->user);
    credential.session_id = std::move(claims->session_id);
    credential.jti = std::move(claims->jti);
    credential.user_hash = keyed_hash(hash_key_, HashedAs::subject, credential.user.text());
    credential.session_hash = keyed_hash(hash_key_, HashedAs::session, credential.session_id);
    credential.jti_hash = keyed_hash(hash_key_, HashedAs::token, credential.jti);
    credential.verified_at = now;
    credential.issued_at = claims->issued_at;
    credential.expires_at = claims->expires_at;
    if (claims->expires_at) credential.ends_at = *claims->expires_at + policy_.leeway;
    credential.name_space = verified->key->name_space();
    credential.grants = std::move(claims->grants);
    return credential;
}

}  // namespace tidings::auth
