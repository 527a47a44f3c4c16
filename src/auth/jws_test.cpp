#include "auth/jws.hpp"

#include "auth/base64url.hpp"
#include "auth/test_vectors.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tidings::auth {
namespace {

constexpr std::size_t token_bytes_max = 8 * 1024;

Key secret_key(Algorithm algorithm = Algorithm::hs256, std::string kid = {}) {
    return Key::from_secret(algorithm, base64url_decoded(vectors::secret).value(), {.kid = std::move(kid)})
        .value();
}
Key public_key(Algorithm algorithm = Algorithm::rs256, std::string kid = {}) {
    return Key::from_public_pem(algorithm, vectors::public_pem, {.kid = std::move(kid)}).value();
}

template <class... Keys>
std::vector<Key> list(Keys... keys) {
    std::vector<Key> list;
    (list.push_back(std::move(keys)), ...);
    return list;
}

bool verifies(std::string_view token, const std::vector<Key>& keys) {
    return verify_compact(token, keys, token_bytes_max).has_value();
}

// A token of this header, rightly signed by the key.
std::string token_with(const std::string& header, const Key& key) {
    auto token = base64url(header) + "." + base64url(vectors::payload);
    return token + "." + base64url(key.sign(token).value());
}

TEST(Jws, C46_VerifiesTheVectorsOfRfc7515) {
    const auto keys = list(secret_key(), secret_key(Algorithm::hs384), secret_key(Algorithm::hs512),
                           public_key(), public_key(Algorithm::rs384), public_key(Algorithm::rs512));
    for (const auto token :
         {vectors::hs256, vectors::hs384, vectors::hs512, vectors::rs256, vectors::rs384, vectors::rs512}) {
        const auto verified = verify_compact(token, keys, token_bytes_max);
        ASSERT_TRUE(verified) << token;
        EXPECT_EQ(verified->payload, vectors::payload);
    }
    EXPECT_EQ(verify_compact(vectors::hs256, keys, token_bytes_max)->type, "JWT");
    EXPECT_EQ(verify_compact(vectors::rs256, keys, token_bytes_max)->type, "");
    EXPECT_EQ(verify_compact(vectors::rs512, keys, token_bytes_max)->key, &keys[5]);
}

TEST(Jws, SignsTheVectorOfRfc7515) {
    const auto key = Key::from_private_pem(Algorithm::rs256, vectors::private_pem).value();
    EXPECT_EQ(sign_compact(key, vectors::payload, "").value(), vectors::rs256);
    EXPECT_EQ(sign_compact(secret_key(Algorithm::hs512), vectors::payload, "").value(), vectors::hs512);
}

TEST(Jws, C40_RefusesEveryTamperedByte) {
    for (const auto token : {vectors::hs256, vectors::rs256}) {
        const auto keys = list(secret_key(), public_key());
        for (std::size_t place = 0; place < token.size(); ++place) {
            std::string tampered{token};
            for (const char c : {'A', 'B', '.', '=', '\0', '\n', static_cast<char>(tampered[place] ^ 1)}) {
                if (c == token[place]) continue;
                tampered[place] = c;
                EXPECT_FALSE(verifies(tampered, keys)) << place;
            }
            tampered = token;
            tampered.erase(place, 1);
            EXPECT_FALSE(verifies(tampered, keys)) << place;
            EXPECT_FALSE(verifies(token.substr(0, place), keys)) << place;
        }
        EXPECT_FALSE(verifies(std::string{token} + "A", keys));
        EXPECT_FALSE(verifies(std::string{token} + ".", keys));
        EXPECT_FALSE(verifies(" " + std::string{token}, keys));
    }
}

TEST(Jws, C40_RefusesAlgNone) {
    const auto keys = list(secret_key(), public_key());
    EXPECT_FALSE(verifies(vectors::none, keys));
    for (const auto* name : {"none", "None", "NONE", "nOnE", ""}) {
        const auto header = base64url(R"({"alg":")" + std::string{name} + R"("})");
        EXPECT_FALSE(verifies(header + "." + base64url(vectors::payload) + ".", keys)) << name;
        EXPECT_FALSE(verifies(header + "." + base64url(vectors::payload) + ".AA", keys)) << name;
    }
}

TEST(Jws, C40_RefusesAlgorithmConfusion) {
    // The classic: HS256 under the text of the public key that verifies RS256.
    const auto forger = Key::from_secret(Algorithm::hs256, std::string{vectors::public_pem}).value();
    EXPECT_FALSE(verifies(sign_compact(forger, vectors::payload).value(), list(public_key())));
    EXPECT_FALSE(verifies(sign_compact(forger, vectors::payload).value(), list(public_key(), secret_key())));
    // A right secret under the name of another algorithm.
    EXPECT_FALSE(verifies(token_with(R"({"alg":"HS512"})", secret_key()), list(secret_key())));
    EXPECT_FALSE(verifies(vectors::hs512, list(secret_key())));
    EXPECT_FALSE(verifies(vectors::rs256, list(public_key(Algorithm::rs512))));
}

TEST(Jws, C40_AKidSelectsAmongConfiguredKeysOnly) {
    const auto with_kid = [](std::string_view kid) {
        return token_with(R"({"alg":"HS256","kid":")" + std::string{kid} + R"("})", secret_key());
    };
    EXPECT_TRUE(verifies(with_kid("a"), list(secret_key(Algorithm::hs256, "a"))));
    EXPECT_FALSE(verifies(with_kid("b"), list(secret_key(Algorithm::hs256, "a"))));
    EXPECT_TRUE(verifies(with_kid("b"), list(secret_key(Algorithm::hs256, "a"), secret_key())));
    EXPECT_FALSE(verifies(with_kid("a"), list(public_key(Algorithm::rs256, "a"), secret_key())));
    EXPECT_TRUE(
        verifies(vectors::hs256, list(secret_key(Algorithm::hs256, "a"))));  // without a kid: all are tried
    for (const auto* kid : {"../../etc/passwd", "a' OR 1=1", "/dev/null", "a\\u0000", "\\r\\n"}) {
        EXPECT_FALSE(verifies(with_kid(kid), list(secret_key(Algorithm::hs256, "a")))) << kid;
    }
    EXPECT_FALSE(verifies(token_with(R"({"alg":"HS256","kid":1})", secret_key()), list(secret_key())));
}

TEST(Jws, C46_RefusesCriticalExtensionsAndIgnoresCarriedKeys) {
    const auto keys = list(secret_key());
    EXPECT_FALSE(verifies(token_with(R"({"alg":"HS256","crit":["b64"],"b64":false})", secret_key()), keys));
    EXPECT_FALSE(verifies(token_with(R"({"alg":"HS256","crit":[]})", secret_key()), keys));
    const std::string carried =
        R"({"alg":"HS256","jku":"http://x","x5u":"http://x","jwk":{"kty":"oct","k":"eHh4"}})";
    EXPECT_TRUE(verifies(token_with(carried, secret_key()), keys));
    EXPECT_FALSE(verifies(
        token_with(carried, Key::from_secret(Algorithm::hs256, std::string(32, 'x')).value()), keys));
}

TEST(Jws, C46_RefusesMalformedTokens) {
    const auto keys = list(secret_key());
    for (const auto* header :
         {"", "{}", "[]", "{\"alg\":1}", "{\"alg\":\"HS256\",\"alg\":\"HS256\"}", "{\"alg\":\"HS256\"",
          "{\"typ\":1,\"alg\":\"HS256\"}", "{\"alg\":\"ES256\"}"}) {
        EXPECT_FALSE(verifies(token_with(header, secret_key()), keys)) << header;
    }
    for (const auto* token : {"", ".", "..", "...", "a.b", "a.b.c.d", "eyJhbGciOiJIUzI1NiJ9..", "{}.{}.{}"}) {
        EXPECT_FALSE(verifies(token, keys)) << token;
    }
    EXPECT_FALSE(verify_compact(vectors::hs256, {}, token_bytes_max));
    EXPECT_FALSE(verify_compact(vectors::hs256, keys, vectors::hs256.size() - 1));
    EXPECT_TRUE(verify_compact(vectors::hs256, keys, vectors::hs256.size()));
}

TEST(Jws, C43_NoReasonHoldsTheToken) {
    const auto keys = list(secret_key(Algorithm::hs256, "a"));
    const auto token = token_with(R"({"alg":"HS256","kid":"SECRETKID"})", secret_key());
    const auto error = verify_compact(token, keys, token_bytes_max).error();
    EXPECT_EQ(error.code, Errc::invalid_token);
    EXPECT_EQ(error.detail, "no configured key has the token's alg and kid");
}

}  // namespace
}  // namespace tidings::auth
