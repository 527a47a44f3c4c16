#include "auth/authenticator.hpp"

#include "auth/base64url.hpp"
#include "auth/mint.hpp"
#include "auth/test_vectors.hpp"

#include <gtest/gtest.h>

#include <set>

namespace tidings::auth {
namespace {

using namespace std::chrono_literals;

constexpr Timestamp now{1'700'000'000s};
constexpr HashKey hash_key{1, 2, 3};

Key secret_key(char fill = 'x', KeyOptions options = {}) {
    return Key::from_secret(Algorithm::hs256, std::string(32, fill), std::move(options)).value();
}

Authenticator authenticator(AuthPolicy policy = {}) {
    std::vector<Key> keys;
    keys.push_back(secret_key());
    keys.push_back(Key::from_public_pem(Algorithm::rs256, vectors::public_pem).value());
    return {std::move(keys), std::move(policy), hash_key};
}

TokenRequest request() {
    return {.user = UserId::parse("alice").value(),
            .issued_at = now,
            .expires_at = now + 15min,
            .jti = "t1",
            .session_id = "s1",
            .publish = {"broadcast"},
            .subscribe = {"topic:a*"}};
}

std::string token(const TokenRequest& wanted = request(), const Key& key = secret_key()) {
    return mint(key, wanted).value();
}

TEST(Authenticator, C44_MakesACredentialFromABearerToken) {
    const auto result = authenticator().authenticate("Bearer " + token(), now);
    ASSERT_TRUE(result.credential) << result.log_reason;
    EXPECT_TRUE(result.log_reason.empty());
    const auto& credential = *result.credential;
    EXPECT_EQ(credential.user.text(), "alice");
    EXPECT_EQ(credential.session_id, "s1");
    EXPECT_EQ(credential.jti, "t1");
    EXPECT_EQ(credential.issued_at, now);
    EXPECT_EQ(credential.expires_at, now + 15min);
    EXPECT_TRUE(credential.grants.allows_publish(Audience::broadcast()));
    EXPECT_TRUE(credential.grants.allows_subscribe("ab"));
    EXPECT_EQ(credential.user_hash, keyed_hash(hash_key, HashedAs::subject, "alice"));
    EXPECT_EQ(credential.session_hash, keyed_hash(hash_key, HashedAs::session, "s1"));
    EXPECT_EQ(credential.jti_hash, keyed_hash(hash_key, HashedAs::token, "t1"));
}

TEST(Authenticator, C45_EndsNoLaterThanExpAndLeeway) {
    const auto hub = authenticator({.leeway = 10s});
    EXPECT_EQ(hub.authenticate_token(token(), now).credential->ends_at, now + 15min + 10s);
    EXPECT_TRUE(hub.authenticate_token(token(), now + 15min + 9s).credential);
    EXPECT_FALSE(hub.authenticate_token(token(), now + 15min + 10s).credential);
}

TEST(Authenticator, C40_AMissingTokenIsUnauthorizedWithoutAnErrorCode) {
    const auto hub = authenticator();
    EXPECT_EQ(hub.authenticate(std::nullopt, now).credential.error().code, Errc::unauthorized);
    for (const auto* field : {"", "Basic YTpi", "Bearer2 x", "Digest", "bear er"}) {
        EXPECT_EQ(hub.authenticate(field, now).credential.error().code, Errc::unauthorized) << field;
    }
    EXPECT_TRUE(hub.authenticate("bearer   " + token(), now).credential);
    EXPECT_EQ(hub.authenticate("Bearer", now).credential.error().code, Errc::invalid_token);
    EXPECT_EQ(hub.authenticate("Bearer " + token() + " ", now).credential.error().code, Errc::invalid_token);
}

TEST(Authenticator, C40_EveryBadTokenGetsTheSameAnswer) {
    auto other_issuer = request();
    other_issuer.issuer = "you";
    auto other_audience = request();
    other_audience.audience = "else";
    auto expired = request();
    expired.expires_at = now - 1h;
    auto early = request();
    early.not_before = now + 1h;
    const auto forger = Key::from_secret(Algorithm::hs256, std::string{vectors::public_pem}).value();
    const auto hub = authenticator({.issuer = "me", .audience = "hub"});
    auto good = request();
    good.issuer = "me";
    good.audience = "hub";
    ASSERT_TRUE(hub.authenticate_token(token(good), now).credential);
    auto tampered = token(good);
    tampered[tampered.size() / 2] ^= 1;
    std::set<std::string> answers;
    std::set<std::string> reasons;
    for (const auto& bad : {std::string{}, std::string{"x"}, std::string{vectors::none},
                            std::string{vectors::hs256}, tampered, token(other_issuer), token(other_audience),
                            token(expired), token(early), token(good, forger), token(good, secret_key('y')),
                            token(good, secret_key('y', {.kid = "../key"})), std::string(9000, 'a')}) {
        const auto result = hub.authenticate("Bearer " + bad, now);
        ASSERT_FALSE(result.credential);
        answers.insert(result.credential.error().message());
        reasons.insert(result.log_reason);
        // C-43: neither the answer nor the log repeats the token.
        if (bad.size() > 8) {
            EXPECT_EQ(result.log_reason.find(bad.substr(bad.size() - 8)), std::string::npos);
        }
    }
    EXPECT_EQ(answers.size(), 1U);
    EXPECT_GT(reasons.size(), 5U);
}

TEST(Authenticator, C46_RotatesKeysByKid) {
    std::vector<Key> keys;
    keys.push_back(secret_key('x', {.kid = "old"}));
    keys.push_back(secret_key('y', {.kid = "new"}));
    const Authenticator hub{std::move(keys), {}, hash_key};
    EXPECT_TRUE(hub.authenticate_token(token(request(), secret_key('x', {.kid = "old"})), now).credential);
    EXPECT_TRUE(hub.authenticate_token(token(request(), secret_key('y', {.kid = "new"})), now).credential);
    EXPECT_FALSE(hub.authenticate_token(token(request(), secret_key('x', {.kid = "new"})), now).credential);
    EXPECT_TRUE(hub.authenticate_token(token(request(), secret_key('y')), now).credential);
}

TEST(Authenticator, C47_UsersOfDifferentIssuersNeverMeet) {
    std::vector<Key> keys;
    keys.push_back(secret_key('x', {.issuer = "https://one", .name_space = "one"}));
    keys.push_back(secret_key('y', {.issuer = "https://two", .name_space = "two"}));
    const Authenticator hub{std::move(keys), {}, hash_key};
    auto wanted = request();
    wanted.publish = {"*"};
    const auto one = hub.authenticate_token(token(wanted, secret_key('x', {.issuer = "https://one"})), now);
    const auto two = hub.authenticate_token(token(wanted, secret_key('y', {.issuer = "https://two"})), now);
    const auto mixed = hub.authenticate_token(token(wanted, secret_key('x', {.issuer = "https://two"})), now);
    ASSERT_TRUE(one.credential);
    ASSERT_TRUE(two.credential);
    EXPECT_FALSE(mixed.credential);
    EXPECT_EQ(one.credential->user.text(), "one!alice");
    EXPECT_NE(one.credential->user_hash, two.credential->user_hash);
    const auto bob = one.credential->user_audience(UserId::parse("bob").value()).value();
    EXPECT_EQ(bob.name, "one!bob");
    EXPECT_TRUE(one.credential->grants.allows_publish(bob));
    EXPECT_FALSE(two.credential->grants.allows_publish(bob));
    EXPECT_FALSE(one.credential->user_audience(UserId::parse("two!bob").value()));
    EXPECT_FALSE(one.credential->user_audience(UserId::parse(std::string(128, 'b')).value()));
}

TEST(KeyedHash, DependsOnKeyKindAndText) {
    const HashKey other{4, 5, 6};
    const auto hash = keyed_hash(hash_key, HashedAs::subject, "a");
    EXPECT_EQ(hash, keyed_hash(hash_key, HashedAs::subject, "a"));
    EXPECT_NE(hash, keyed_hash(other, HashedAs::subject, "a"));
    EXPECT_NE(hash, keyed_hash(hash_key, HashedAs::session, "a"));
    EXPECT_NE(hash, keyed_hash(hash_key, HashedAs::subject, "b"));
    EXPECT_EQ(keyed_hash(hash_key, HashedAs::subject, ""), 0U);
}

}  // namespace
}  // namespace tidings::auth
