#include "auth/token_cache.hpp"

#include "auth/mint.hpp"

#include <gtest/gtest.h>

namespace tidings::auth {
namespace {

using namespace std::chrono_literals;

constexpr Timestamp now{1'700'000'000s};

Key key_of(char fill) { return Key::from_secret(Algorithm::hs256, std::string(32, fill)).value(); }

std::shared_ptr<const Authenticator> authenticator(char fill = 'x') {
    std::vector<Key> keys;
    keys.push_back(key_of(fill));
    return std::make_shared<const Authenticator>(std::move(keys), AuthPolicy{.leeway = 10s}, HashKey{1});
}

std::string bearer(const std::string& user, char fill = 'x') {
    const TokenRequest wanted{
        .user = UserId::parse(user).value(), .issued_at = now, .expires_at = now + 15min, .jti = "t-" + user};
    return "Bearer " + mint(key_of(fill), wanted).value();
}

TEST(TokenCache, GivesTheCredentialThatWasVerified) {
    TokenCache cache{8};
    const auto hub = authenticator();
    const auto first = cache.authenticate(hub, bearer("ann"), now);
    const auto again = cache.authenticate(hub, bearer("ann"), now + 1s);
    ASSERT_TRUE(first.credential && again.credential);
    EXPECT_EQ(cache.hits(), 1U);
    EXPECT_EQ(again.credential->user, first.credential->user);
    EXPECT_EQ(again.credential->user_hash, first.credential->user_hash);
    EXPECT_EQ(again.credential->jti_hash, first.credential->jti_hash);
    EXPECT_EQ(again.credential->ends_at, now + 15min + 10s);
    EXPECT_TRUE(again.credential->grants == first.credential->grants);
    EXPECT_TRUE(again.log_reason.empty());
    EXPECT_EQ(cache.authenticate(hub, bearer("bob"), now).credential->user.text(), "bob");
    EXPECT_EQ(cache.hits(), 1U);
}

TEST(TokenCache, C44_ATokenExpiresThoughItIsKnown) {
    TokenCache cache{8};
    const auto hub = authenticator();
    const auto ann = bearer("ann");
    EXPECT_TRUE(cache.authenticate(hub, ann, now).credential);
    EXPECT_TRUE(cache.authenticate(hub, ann, now + 15min + 9s).credential);
    const auto late = cache.authenticate(hub, ann, now + 15min + 10s);
    ASSERT_FALSE(late.credential);
    EXPECT_EQ(late.credential.error().code, Errc::invalid_token);
    EXPECT_EQ(late.log_reason, "the token has expired");
    EXPECT_EQ(cache.size(), 0U);
}

TEST(TokenCache, AsksAgainWhenTheClockWasSetBack) {
    TokenCache cache{8};
    const auto hub = authenticator();
    const auto ann = bearer("ann");
    EXPECT_TRUE(cache.authenticate(hub, ann, now).credential);
    EXPECT_FALSE(cache.authenticate(hub, ann, now - 1h).credential);
}

TEST(TokenCache, AReloadForgetsAll) {
    TokenCache cache{8};
    const auto ann = bearer("ann");
    EXPECT_TRUE(cache.authenticate(authenticator(), ann, now).credential);
    // The key is gone.
    EXPECT_FALSE(cache.authenticate(authenticator('y'), ann, now).credential);
    EXPECT_TRUE(cache.authenticate(authenticator('y'), bearer("ann", 'y'), now).credential);
    EXPECT_FALSE(cache.authenticate(authenticator('y'), ann, now).credential);
    EXPECT_EQ(cache.hits(), 0U);
}

TEST(TokenCache, HoldsNoMoreThanItMay) {
    for (const std::size_t entries : {0U, 1U, 2U, 5U, 8U}) {
        TokenCache cache{entries};
        const auto hub = authenticator();
        for (int i = 0; i < 50; ++i) {
            EXPECT_TRUE(cache.authenticate(hub, bearer("user-" + std::to_string(i % 13)), now).credential);
            EXPECT_LE(cache.size(), entries);
        }
    }
}

TEST(TokenCache, KeepsWhatIsInUse) {
    TokenCache cache{8};
    const auto hub = authenticator();
    const auto ann = bearer("ann");
    EXPECT_TRUE(cache.authenticate(hub, ann, now).credential);
    for (int i = 0; i < 40; ++i) {
        EXPECT_TRUE(cache.authenticate(hub, bearer("user-" + std::to_string(i)), now).credential);
        if (i % 3 == 0) {
            EXPECT_TRUE(cache.authenticate(hub, ann, now).credential);
        }
    }
    EXPECT_EQ(cache.hits(), 14U);
    cache.limit(4);
    EXPECT_EQ(cache.size(), 0U);
}

TEST(TokenCache, KeepsNoRefusalAndAnswersAsTheAuthenticatorDoes) {
    TokenCache cache{8};
    const auto hub = authenticator();
    const std::vector<std::optional<std::string>> fields{std::nullopt,
                                                         "Basic abc",
                                                         "Bearer",
                                                         "Bearer a.b.c",
                                                         bearer("ann", 'y'),
                                                         bearer("ann") + "x",
                                                         "",
                                                         " ",
                                                         "bearer  " + bearer("ann"),
                                                         bearer("ann") + " ",
                                                         "Bearer " + std::string(9000, 'a')};
    for (int round = 0; round < 2; ++round) {
        for (const auto& field : fields) {
            const auto given = field ? std::optional<std::string_view>{*field} : std::nullopt;
            const auto cached = cache.authenticate(hub, given, now);
            const auto wanted = hub->authenticate(given, now);
            ASSERT_FALSE(cached.credential);
            EXPECT_EQ(cached.credential.error().code, wanted.credential.error().code);
            EXPECT_EQ(cached.credential.error().detail, wanted.credential.error().detail);
            EXPECT_EQ(cached.log_reason, wanted.log_reason);
        }
    }
    EXPECT_EQ(cache.size(), 0U);
}

}  // namespace
}  // namespace tidings::auth
