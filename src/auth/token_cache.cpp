#include "auth/token_cache.hpp"

#include <openssl/evp.h>

#include <utility>

namespace tidings::auth {
namespace {

// None: OpenSSL failed.
std::optional<std::array<std::uint8_t, 32>> digest_of(std::string_view token) {
    std::array<std::uint8_t, 32> digest{};
    unsigned size = 0;
    if (EVP_Digest(token.data(), token.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
        return std::nullopt;
    return digest;
}

}  // namespace

Authentication TokenCache::authenticate(const std::shared_ptr<const Authenticator>& authenticator,
                                        std::optional<std::string_view> authorization, Timestamp now) {
    if (authenticator_ != authenticator) {
        clear();
        authenticator_ = authenticator;
    }
    const auto token = bearer_token(authorization);
    // What is too long is refused without a look at it.
    const bool known_kind = token && token->size() <= authenticator->policy().token_bytes && entries_ > 0;
    const auto digest = known_kind ? digest_of(*token) : std::nullopt;
    if (!digest) return authenticator->authenticate(authorization, now);
    if (const auto* known = find(*digest, now)) {
        ++hits_;
        return {*known, {}};
    }
    auto answer = authenticator->authenticate_token(*token, now);
    if (answer.credential) keep(*digest, std::make_unique<const Credential>(*answer.credential));
    return answer;
}

const Credential* TokenCache::find(const Digest& digest, Timestamp now) {
    auto at = young_.find(digest);
    if (at == young_.end()) {
        const auto before = old_.find(digest);
        if (before == old_.end()) return nullptr;
        auto credential = std::move(before->second);
        old_.erase(before);
        keep(digest, std::move(credential));
        at = young_.find(digest);
        if (at == young_.end()) return nullptr;
    }
    const auto& credential = *at->second;
    const bool expired = credential.ends_at && now >= *credential.ends_at;
    // The clock was set back: the authenticator says whether the token is valid already.
    const bool early = now < credential.verified_at;
    if (!expired && !early) return &credential;
    young_.erase(at);
    return nullptr;
}

void TokenCache::keep(const Digest& digest, std::unique_ptr<const Credential> credential) {
    // Half of the entries each; of an odd number the young ones have one more.
    if (young_.size() >= (entries_ + 1) / 2) {
        old_ = std::exchange(young_, {});
        if (old_.size() > entries_ / 2) old_.clear();
    }
    young_.insert_or_assign(digest, std::move(credential));
}

void TokenCache::limit(std::size_t entries) {
    if (entries < entries_) clear();
    entries_ = entries;
}

void TokenCache::clear() {
    young_ = {};
    old_ = {};
}

}  // namespace tidings::auth
