#include "auth/claims.hpp"

#include "auth/json_object.hpp"
#include "base/json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace tidings::auth {
namespace {

constexpr double numeric_date_max = 253'402'300'799.0;  // the end of the year 9999
constexpr std::size_t identifier_bytes_max = 256;
constexpr std::size_t list_items_max = 256;

Error invalid(std::string_view why) { return {Errc::invalid_token, std::string{why}}; }

// RFC 7519 section 2: seconds since 1970, possibly with a fraction. None: not such a number.
std::optional<Timestamp> numeric_date(std::string_view text) {
    double seconds = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    if (!(seconds >= 0 && seconds <= numeric_date_max)) return std::nullopt;
    return Timestamp{std::chrono::microseconds{static_cast<std::int64_t>(std::floor(seconds * 1e6))}};
}

// media types, with "application/" left out as RFC 7515 4.1.9 lets one; a token for another purpose must not
// pass as an access token (RFC 8725 section 3.11).
bool access_token_type(std::string_view type) noexcept {
    constexpr std::array<std::string_view, 4> types{"jwt", "application/jwt", "at+jwt", "application/at+jwt"};
    const auto same = [&](std::string_view known) {
        return known.size() == type.size() &&
               std::equal(known.begin(), known.end(), type.begin(),
                          [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); });
    };
    return type.empty() || std::any_of(types.begin(), types.end(), same);
}

// The strings of an array; none: something else.
std::optional<std::vector<std::string>> strings(std::string_view text) {
    const auto elements = json_elements(text, list_items_max);
    if (!elements || elements->size() > list_items_max) return std::nullopt;
    std::vector<std::string> list;
    for (const auto element : *elements) {
        auto item = json_string(element);
        if (!item) return std::nullopt;
        list.push_back(std::move(*item));
    }
    return list;
}

Result<UserId> read_subject(const JsonObject& object, const Key& key) {
    const auto subject = object.string("sub");
    if (!subject) return invalid("sub is missing or no string");
    // '!' ends a namespace, and that is the key's to give: else a token of one issuer could name another's
    // user.
    auto user = UserId::parse(*subject);
    if (!user || subject->find('!') != std::string::npos) return invalid("sub is not a user id");
    if (key.name_space().empty()) return std::move(*user);
    user = UserId::parse(key.name_space() + "!" + user->text());
    if (!user) return invalid("sub is too long with its namespace");
    return std::move(*user);
}

// Absent is fine; then `target` stays as it is.
Result<void> read_date(const JsonObject& object, std::string_view name, std::optional<Timestamp>& target) {
    const auto text = object.member(name);
    if (!text) return {};
    target = numeric_date(*text);
    if (!target) return invalid(std::string{name} + " is not a number of seconds from 1970 to 9999");
    return {};
}

Result<void> read_dates(const JsonObject& object, const AuthPolicy& policy, Timestamp now, Claims& claims) {
    std::optional<Timestamp> not_before;
    if (auto read = read_date(object, "exp", claims.expires_at); !read) return read.error();
    if (auto read = read_date(object, "nbf", not_before); !read) return read.error();
    if (auto read = read_date(object, "iat", claims.issued_at); !read) return read.error();
    if (!claims.expires_at && policy.expiry == AuthPolicy::Expiry::required) return invalid("exp is missing");
    if (claims.expires_at && now >= *claims.expires_at + policy.leeway)
        return invalid("the token has expired");
    if (not_before && now < *not_before - policy.leeway) return invalid("the token is not valid yet");
    if (claims.issued_at && now < *claims.issued_at - policy.leeway) return invalid("iat is in the future");
    return {};
}

Result<void> check_issuer(const JsonObject& object, const AuthPolicy& policy, const Key& key) {
    const auto& issuer = key.issuer().empty() ? policy.issuer : key.issuer();
    if (!issuer.empty() && object.string("iss") != issuer) return invalid("iss is not the configured issuer");
    return {};
}

Result<void> check_audience(const JsonObject& object, const AuthPolicy& policy) {
    if (policy.audience.empty()) return {};
    const auto text = object.member("aud");
    if (!text) return invalid("aud is missing");
    if (const auto one = json_string(*text)) {
        if (*one == policy.audience) return {};
    } else if (const auto list = strings(*text)) {
        if (std::find(list->begin(), list->end(), policy.audience) != list->end()) return {};
    }
    return invalid("aud does not name the configured audience");
}

Result<void> read_identifier(const JsonObject& object, std::string_view name, std::string& target) {
    if (!object.has(name)) return {};
    const auto text = object.string(name);
    if (!text || text->empty() || text->size() > identifier_bytes_max) {
        return invalid(std::string{name} + " is a string of 1 to 256 bytes");
    }
    target = canonical(*text);
    return {};
}

Result<Grants> read_grants(const JsonObject& object, const Key& key) {
    Grants grants;
    const auto text = object.member("tidings");
    if (!text) return grants;
    const auto claim = JsonObject::parse(*text);
    if (!claim) return invalid("tidings is an object with each member once");
    for (const auto& [name, target] :
         {std::pair{"publish", &grants.publish}, std::pair{"subscribe", &grants.subscribe}}) {
        const auto member = claim->member(name);
        if (!member) continue;
        const auto list = strings(*member);
        if (!list) return invalid(std::string{"tidings."} + name + " is an array of at most 256 strings");
        auto parsed = GrantList::parse(*list, key.name_space());
        if (!parsed) return invalid(std::string{"tidings."} + name + ": " + parsed.error().detail);
        *target = std::move(*parsed);
    }
    if (const auto operate = claim->member("operate")) {
        if (*operate != "true" && *operate != "false") return invalid("tidings.operate is true or false");
        grants.operate = *operate == "true" ? Grants::Operate::yes : Grants::Operate::no;
    }
    return grants;
}

}  // namespace

std::string canonical(std::string_view text) {
    const auto uuid = Uuid::parse(text);
    return uuid ? uuid->text() : std::string{text};
}

Result<Claims> check_claims(const VerifiedToken& token, const AuthPolicy& policy, Timestamp now) {
    if (!access_token_type(token.type)) return invalid("typ is not JWT or at+jwt");
    const auto object = JsonObject::parse(token.payload);
    if (!object) return invalid("the payload is not a JSON object with each member once");
    Claims claims;
    if (auto done = read_dates(*object, policy, now, claims); !done) return done.error();
    if (auto done = check_issuer(*object, policy, *token.key); !done) return done.error();
    if (auto done = check_audience(*object, policy); !done) return done.error();
    auto user = read_subject(*object, *token.key);
    if (!user) return user.error();
    claims.user = std::move(*user);
    if (auto done = read_identifier(*object, "jti", claims.jti); !done) return done.error();
    if (auto done = read_identifier(*object, "session_id", claims.session_id); !done) return done.error();
    auto grants = read_grants(*object, *token.key);
    if (!grants) return grants.error();
    claims.grants = std::move(*grants);
    return claims;
}

}  // namespace tidings::auth
