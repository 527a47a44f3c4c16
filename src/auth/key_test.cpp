#include "auth/key.hpp"

#include "auth/base64url.hpp"
#include "auth/test_vectors.hpp"

#include <gtest/gtest.h>

namespace tidings::auth {
namespace {

TEST(Key, C46_RefusesASecretShorterThanItsHash) {
    const std::pair<Algorithm, std::size_t> rows[] = {
        {Algorithm::hs256, 32}, {Algorithm::hs384, 48}, {Algorithm::hs512, 64}};
    for (const auto& [algorithm, bytes] : rows) {
        EXPECT_TRUE(Key::from_secret(algorithm, std::string(bytes, 'x')));
        const auto error = Key::from_secret(algorithm, std::string(bytes - 1, 'x')).error();
        EXPECT_EQ(error.code, Errc::invalid_field);
        EXPECT_NE(error.detail.find("at least " + std::to_string(bytes)), std::string::npos);
    }
}

TEST(Key, C46_RefusesAKeyOfAnotherKindOrTooSmall) {
    EXPECT_FALSE(Key::from_secret(Algorithm::rs256, std::string(64, 'x')));
    EXPECT_FALSE(Key::from_public_pem(Algorithm::hs256, vectors::public_pem));
    EXPECT_FALSE(Key::from_public_pem(Algorithm::rs256, vectors::curve_pem));
    EXPECT_FALSE(Key::from_public_pem(Algorithm::rs256, "nonsense"));
    EXPECT_FALSE(Key::from_public_pem(Algorithm::rs256, vectors::private_pem));
    EXPECT_FALSE(Key::from_private_pem(Algorithm::rs256, vectors::public_pem));
    EXPECT_FALSE(Key::from_public_pem(Algorithm::rs256, std::string(100'000, 'x')));
    EXPECT_NE(Key::from_public_pem(Algorithm::rs256, vectors::small_pem).error().detail.find("not 1024"),
              std::string::npos);
}

TEST(Key, VerifiesWhatItSigned) {
    for (const auto algorithm : {Algorithm::hs256, Algorithm::hs384, Algorithm::hs512}) {
        const auto key = Key::from_secret(algorithm, std::string(64, 'x')).value();
        const auto other = Key::from_secret(algorithm, std::string(64, 'y')).value();
        const auto signature = key.sign("text").value();
        EXPECT_TRUE(key.verifies("text", signature));
        EXPECT_FALSE(key.verifies("texts", signature));
        EXPECT_FALSE(key.verifies("text", signature.substr(1)));
        EXPECT_FALSE(key.verifies("text", ""));
        EXPECT_FALSE(other.verifies("text", signature));
    }
    for (const auto algorithm : {Algorithm::rs256, Algorithm::rs384, Algorithm::rs512}) {
        const auto key = Key::from_private_pem(algorithm, vectors::private_pem).value();
        const auto half = Key::from_public_pem(algorithm, vectors::public_pem).value();
        const auto other = Key::from_public_pem(algorithm, vectors::other_pem).value();
        const auto signature = key.sign("text").value();
        EXPECT_TRUE(key.verifies("text", signature));
        EXPECT_TRUE(half.verifies("text", signature));
        EXPECT_FALSE(half.verifies("texts", signature));
        EXPECT_FALSE(half.verifies("text", signature.substr(1)));
        EXPECT_FALSE(half.verifies("text", ""));
        EXPECT_FALSE(other.verifies("text", signature));
        EXPECT_FALSE(half.sign("text"));
    }
}

TEST(Key, NamesItsAlgorithmAsRfc7518Does) {
    for (const auto* name : {"HS256", "HS384", "HS512", "RS256", "RS384", "RS512"}) {
        EXPECT_EQ(name_of(algorithm_named(name).value()), name);
    }
    for (const auto* name : {"none", "hs256", "", "HS256 ", "ES256", "None", "PS256"}) {
        EXPECT_FALSE(algorithm_named(name)) << name;
    }
}

}  // namespace
}  // namespace tidings::auth
