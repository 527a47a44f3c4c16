#include "auth/mint.hpp"

#include "auth/jws.hpp"
#include "base/json.hpp"

namespace tidings::auth {
namespace {

void add(std::string& object, std::string_view name, std::string_view json) {
    object.append(object.size() == 1 ? "\"" : ",\"").append(name).append("\":").append(json);
}

void add_text(std::string& object, std::string_view name, std::string_view text) {
    if (!text.empty()) add(object, name, quoted(text));
}

void add_date(std::string& object, std::string_view name, const std::optional<Timestamp>& time) {
    if (!time) return;
    const auto seconds = std::chrono::floor<std::chrono::seconds>(*time).time_since_epoch().count();
    add(object, name, std::to_string(seconds));
}

void add_list(std::string& object, std::string_view name, const std::vector<std::string>& list) {
    if (list.empty()) return;
    std::string json = "[";
    for (const auto& item : list) json.append(json.size() == 1 ? "" : ",").append(quoted(item));
    add(object, name, json + "]");
}

}  // namespace

Result<std::string> mint(const Key& key, const TokenRequest& request) {
    if (request.user.empty()) return Error{Errc::invalid_field, "a token is for a user: give its id"};
    if (request.user.text().find('!') != std::string::npos) {
        return Error{Errc::invalid_field,
                     "a token names its user without a namespace; the hub's key gives it"};
    }
    for (const auto* grants : {&request.publish, &request.subscribe}) {
        if (const auto parsed = GrantList::parse(*grants); !parsed) return parsed.error();
    }
    std::string claim = "{";
    add_list(claim, "publish", request.publish);
    add_list(claim, "subscribe", request.subscribe);
    if (request.operate == Grants::Operate::yes) add(claim, "operate", "true");
    std::string payload = "{";
    add_text(payload, "iss", request.issuer.empty() ? key.issuer() : request.issuer);
    add_text(payload, "sub", request.user.text());
    add_text(payload, "aud", request.audience);
    add_date(payload, "iat", request.issued_at);
    add_date(payload, "nbf", request.not_before);
    add_date(payload, "exp", request.expires_at);
    add_text(payload, "jti", request.jti);
    add_text(payload, "session_id", request.session_id);
    if (claim.size() > 1) add(payload, "tidings", claim + "}");
    return sign_compact(key, payload + "}");
}

}  // namespace tidings::auth
