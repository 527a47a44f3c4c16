#include "auth/mint.hpp"

#include "auth/jws.hpp"
#include "auth/test_vectors.hpp"

#include <gtest/gtest.h>

namespace tidings::auth {
namespace {

using namespace std::chrono_literals;

TEST(Mint, MakesATokenThatSaysWhatWasAsked) {
    std::vector<Key> keys;
    keys.push_back(
        Key::from_secret(Algorithm::hs512, std::string(64, 'x'), {.kid = "k", .issuer = "me"}).value());
    const auto token = mint(keys[0], {.user = UserId::parse("alice").value(),
                                      .issued_at = Timestamp{1500ms},
                                      .not_before = Timestamp{2s},
                                      .expires_at = Timestamp{60s},
                                      .audience = "hub",
                                      .jti = "t\"1",
                                      .session_id = "s",
                                      .publish = {"broadcast", "user:*"},
                                      .subscribe = {"topic:a"},
                                      .operate = Grants::Operate::yes})
                           .value();
    const auto verified = verify_compact(token, keys, 8192).value();
    EXPECT_EQ(verified.type, "JWT");
    EXPECT_EQ(
        verified.payload,
        R"({"iss":"me","sub":"alice","aud":"hub","iat":1,"nbf":2,"exp":60,"jti":"t\"1","session_id":"s",)"
        R"("tidings":{"publish":["broadcast","user:*"],"subscribe":["topic:a"],"operate":true}})");
}

TEST(Mint, LeavesOutWhatWasNotAsked) {
    std::vector<Key> keys;
    keys.push_back(Key::from_secret(Algorithm::hs256, std::string(32, 'x')).value());
    const auto token = mint(keys[0], {.user = UserId::parse("alice").value()}).value();
    EXPECT_EQ(verify_compact(token, keys, 8192)->payload, R"({"sub":"alice"})");
}

TEST(Mint, RefusesWhatNoHubWouldTake) {
    const auto key = Key::from_secret(Algorithm::hs256, std::string(32, 'x')).value();
    const auto alice = UserId::parse("alice").value();
    EXPECT_EQ(mint(key, {}).error().code, Errc::invalid_field);
    EXPECT_FALSE(mint(key, {.user = UserId::parse("one!alice").value()}));
    EXPECT_FALSE(mint(key, {.user = alice, .publish = {"users:*"}}));
    EXPECT_FALSE(mint(key, {.user = alice, .subscribe = {"topic:"}}));
    const auto half = Key::from_public_pem(Algorithm::rs256, vectors::public_pem).value();
    EXPECT_FALSE(mint(half, {.user = alice}));
}

}  // namespace
}  // namespace tidings::auth
