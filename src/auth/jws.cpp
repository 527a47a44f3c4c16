#include "auth/jws.hpp"

#include "auth/base64url.hpp"
#include "auth/json_object.hpp"

#include <algorithm>

namespace tidings::auth {
namespace {

Error invalid(std::string_view why) { return {Errc::invalid_token, std::string{why}}; }

struct Header {
    Algorithm algorithm = Algorithm::hs256;
    std::string kid;
    std::string type;
};

Result<Header> parse_header(std::string_view encoded) {
    const auto text = base64url_decoded(encoded);
    if (!text) return invalid("the header is not base64url without padding");
    const auto object = JsonObject::parse(*text);
    if (!object) return invalid("the header is not a JSON object with each member once");
    // RFC 7515 4.1.11: we understand no extension, so whatever is critical is refused.
    if (object->has("crit")) return invalid("the header has crit");
    const auto algorithm = object->string("alg");
    if (!algorithm) return invalid("the header has no alg");
    const auto known = algorithm_named(*algorithm);
    if (!known) return invalid("the header's alg is none that is supported");
    Header header{*known, "", ""};
    for (const auto& [name, target] : {std::pair{"kid", &header.kid}, std::pair{"typ", &header.type}}) {
        if (!object->has(name)) continue;
        auto value = object->string(name);
        if (!value) return invalid("the header's kid and typ are strings");
        *target = std::move(*value);
    }
    return header;
}

// The keys that may be tried: those of that kid, or else those without one.
bool fits(const Key& key, const Header& header, std::span<const Key> keys) {
    if (key.algorithm() != header.algorithm) return false;
    if (header.kid.empty()) return true;
    const bool known =
        std::any_of(keys.begin(), keys.end(), [&](const Key& other) { return other.kid() == header.kid; });
    return key.kid() == (known ? std::string_view{header.kid} : std::string_view{});
}

}  // namespace

Result<VerifiedToken> verify_compact(std::string_view token, std::span<const Key> keys,
                                     std::size_t token_bytes_max) {
    if (token.size() > token_bytes_max) return invalid("the token is too long");
    const auto first = token.find('.');
    const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
    if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
        return invalid("the token does not have three parts");
    }
    auto header = parse_header(token.substr(0, first));
    if (!header) return header.error();
    const auto signature = base64url_decoded(token.substr(second + 1));
    if (!signature || signature->empty()) return invalid("the signature is not base64url without padding");
    auto payload = base64url_decoded(token.substr(first + 1, second - first - 1));
    if (!payload) return invalid("the payload is not base64url without padding");
    const auto signed_text = token.substr(0, second);
    bool tried = false;
    for (const auto& key : keys) {
        if (!fits(key, *header, keys)) continue;
        tried = true;
        if (!key.verifies(signed_text, *signature)) continue;
        return VerifiedToken{std::move(header->type), std::move(*payload), &key};
    }
    return invalid(tried ? "the signature does not verify" : "no configured key has the token's alg and kid");
}

Result<std::string> sign_compact(const Key& key, std::string_view payload, std::string_view type) {
    std::string header = R"({"alg":")" + std::string{name_of(key.algorithm())} + '"';
    if (!type.empty()) header.append(R"(,"typ":)").append(quoted(type));
    if (!key.kid().empty()) header.append(R"(,"kid":)").append(quoted(key.kid()));
    header.push_back('}');
    auto token = base64url(header) + "." + base64url(payload);
    const auto signature = key.sign(token);
    if (!signature) return signature.error();
    token.append(".").append(base64url(*signature));
    return token;
}

}  // namespace tidings::auth
