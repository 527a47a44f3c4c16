#include "auth/claims.hpp"

#include <gtest/gtest.h>

namespace tidings::auth {
namespace {

using namespace std::chrono_literals;

constexpr Timestamp now{1'700'000'000s};
constexpr auto leeway = 30s;

Key key(KeyOptions options = {}) {
    return Key::from_secret(Algorithm::hs256, std::string(32, 'x'), std::move(options)).value();
}

Result<Claims> check(std::string payload, const AuthPolicy& policy = {}, const Key& by = key(),
                     std::string type = "JWT") {
    return check_claims({std::move(type), std::move(payload), &by}, policy, now);
}

// A good payload with more members.
std::string with(std::string_view more) {
    return R"({"sub":"alice","exp":1700000100)" + std::string{more} + "}";
}
std::string at(Timestamp time) {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count());
}

TEST(Claims, C46_ReadAWholeToken) {
    const auto claims =
        check(R"({"sub":"C232AB00-9414-11EC-B3C8-9F6BDECED846","exp":1700000100.5,"iat":1699999999,"nbf":0,)"
              R"("jti":"t","session_id":"A232AB00-9414-11EC-B3C8-9F6BDECED846","other":{"a":[1]},)"
              R"("tidings":{"publish":["user:a"],"subscribe":["topic:b"],"operate":true,"later":1}})")
            .value();
    EXPECT_EQ(claims.user.text(), "c232ab00-9414-11ec-b3c8-9f6bdeced846");
    EXPECT_EQ(claims.expires_at, Timestamp{1700000100500ms});
    EXPECT_EQ(claims.issued_at, Timestamp{1699999999s});
    EXPECT_EQ(claims.jti, "t");
    EXPECT_EQ(claims.session_id, "a232ab00-9414-11ec-b3c8-9f6bdeced846");
    EXPECT_TRUE(claims.grants.allows_publish(Audience::user(UserId::parse("a").value())));
    EXPECT_TRUE(claims.grants.allows_subscribe("b"));
    EXPECT_EQ(claims.grants.operate, Grants::Operate::yes);
}

TEST(Claims, C46_HonourExpWithLeeway) {
    const auto expires = [](Timestamp time) { return check(R"({"sub":"a","exp":)" + at(time) + "}"); };
    EXPECT_TRUE(expires(now + 1s));
    EXPECT_TRUE(expires(now - leeway + 1s));
    EXPECT_FALSE(expires(now - leeway));
    EXPECT_FALSE(expires(Timestamp{}));
    EXPECT_EQ(check(R"({"sub":"a"})").error().detail, "exp is missing");
    EXPECT_TRUE(check(R"({"sub":"a"})", {.expiry = AuthPolicy::Expiry::optional}));
    EXPECT_FALSE(check(R"({"sub":"a","exp":1})", {.expiry = AuthPolicy::Expiry::optional}));
}

TEST(Claims, C46_HonourNbfAndIatWithLeeway) {
    for (const auto* name : {"nbf", "iat"}) {
        const auto begins = [&](Timestamp time) {
            return check(with(",\"" + std::string{name} + "\":" + at(time)));
        };
        EXPECT_TRUE(begins(now)) << name;
        EXPECT_TRUE(begins(now + leeway)) << name;
        EXPECT_FALSE(begins(now + leeway + 1s)) << name;
    }
}

TEST(Claims, C46_RefuseDatesThatAreNoNumericDates) {
    for (const auto* date :
         {"\"1700000100\"", "null", "-1", "1e300", "true", "[1700000100]", "253402300800"}) {
        EXPECT_FALSE(check(R"({"sub":"a","exp":)" + std::string{date} + "}")) << date;
        EXPECT_FALSE(check(with(",\"nbf\":" + std::string{date}))) << date;
        EXPECT_FALSE(check(with(",\"iat\":" + std::string{date}))) << date;
    }
    EXPECT_TRUE(check(R"({"sub":"a","exp":1.7000001e9})"));
}

TEST(Claims, C46_HonourTheIssuer) {
    const AuthPolicy policy{.issuer = "me"};
    EXPECT_TRUE(check(with(R"(,"iss":"me")"), policy));
    EXPECT_FALSE(check(with(R"(,"iss":"you")"), policy));
    EXPECT_FALSE(check(with(R"(,"iss":["me"])"), policy));
    EXPECT_FALSE(check(with(""), policy));
    EXPECT_TRUE(check(with(R"(,"iss":"anyone")")));
    // A key's own issuer counts more than the policy's.
    EXPECT_TRUE(check(with(R"(,"iss":"key's")"), policy, key({.issuer = "key's"})));
    EXPECT_FALSE(check(with(R"(,"iss":"me")"), policy, key({.issuer = "key's"})));
}

TEST(Claims, C46_HonourTheAudience) {
    const AuthPolicy policy{.audience = "hub"};
    EXPECT_TRUE(check(with(R"(,"aud":"hub")"), policy));
    EXPECT_TRUE(check(with(R"(,"aud":["other","hub"])"), policy));
    for (const auto* audience :
         {"\"other\"", "[\"other\"]", "[]", "null", "{}", "[1]", "[\"hub\",1]", "\"hub \""}) {
        EXPECT_FALSE(check(with(",\"aud\":" + std::string{audience}), policy)) << audience;
    }
    EXPECT_FALSE(check(with(""), policy));
    EXPECT_TRUE(check(with(R"(,"aud":"other")")));
}

TEST(Claims, C46_HonourTheType) {
    for (const auto* type : {"", "JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"}) {
        EXPECT_TRUE(check(with(""), {}, key(), type)) << type;
    }
    for (const auto* type : {"logout+jwt", "dpop+jwt", "JWS", "JOSE", "id_token", "jwt "}) {
        EXPECT_FALSE(check(with(""), {}, key(), type)) << type;
    }
}

TEST(Claims, C47_TheSubjectIsAUserIdAndNamesNoNamespace) {
    for (const auto* subject : {"\"\"", "1", "null", "\"a b\"", "\"auth0|x\"", "\"two!alice\"", "\"!\"",
                                "\"a\\u0000\"", "[\"a\"]"}) {
        EXPECT_FALSE(check(R"({"exp":1700000100,"sub":)" + std::string{subject} + "}")) << subject;
    }
    EXPECT_FALSE(check(R"({"exp":1700000100})"));
    const auto named = key({.name_space = "one"});
    EXPECT_EQ(check(with(""), {}, named).value().user.text(), "one!alice");
    EXPECT_EQ(check(R"({"exp":1700000100,"sub":"C232AB00-9414-11EC-B3C8-9F6BDECED846"})", {}, named)
                  .value()
                  .user.text(),
              "one!c232ab00-9414-11ec-b3c8-9f6bdeced846");
    EXPECT_FALSE(check(with(R"(,"tidings":{"publish":["user:two!alice"]})"), {}, named));
    EXPECT_FALSE(check(R"({"exp":1700000100,"sub":")" + std::string(128, 'x') + "\"}", {}, named));
}

TEST(Claims, C46_RefuseMalformedPayloads) {
    for (const auto* payload : {"", "[]", "null", "{", R"({"sub":"a","sub":"a","exp":1700000100})",
                                R"({"sub":"a","exp":1700000100}})"}) {
        EXPECT_EQ(check(payload).error().code, Errc::invalid_token) << payload;
    }
    for (const auto* more :
         {R"(,"jti":1)", R"(,"jti":"")", R"(,"session_id":null)", R"(,"tidings":[])",
          R"(,"tidings":{"publish":"*"})", R"(,"tidings":{"publish":[1]})", R"(,"tidings":{"publish":["x"]})",
          R"(,"tidings":{"operate":1})", R"(,"tidings":{"operate":"true"})",
          R"(,"tidings":{"publish":[],"publish":["*"]})"}) {
        EXPECT_EQ(check(with(more)).error().code, Errc::invalid_token) << more;
    }
    EXPECT_FALSE(check(with(R"(,"jti":")" + std::string(257, 'x') + '"')));
}

TEST(Claims, C43_NoReasonHoldsAValueOfTheToken) {
    const auto error = check(with(R"(,"tidings":{"publish":["SECRETVALUE"]})")).error();
    EXPECT_EQ(error.detail.find("SECRETVALUE"), std::string::npos);
    EXPECT_NE(error.detail.find("tidings.publish: grant 1"), std::string::npos);
}

TEST(Claims, CanonicalFormsMeet) {
    EXPECT_EQ(canonical("C232AB00-9414-11EC-B3C8-9F6BDECED846"), "c232ab00-9414-11ec-b3c8-9f6bdeced846");
    EXPECT_EQ(canonical("Session 1"), "Session 1");
}

}  // namespace
}  // namespace tidings::auth
