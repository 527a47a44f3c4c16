// Tokens: arbitrary ones are never valid and get the one answer; arbitrary headers, payloads and claims
// behind a right signature never crash. The first byte of the input chooses.

#include "auth/authenticator.hpp"
#include "auth/base64url.hpp"
#include "auth/jws.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace tidings;
using namespace tidings::auth;

constexpr Timestamp now{std::chrono::seconds{1'700'000'000}};

Key signer() { return Key::from_secret(Algorithm::hs256, std::string(32, 'x')).value(); }

Authenticator make_authenticator() {
    std::vector<Key> keys;
    keys.push_back(signer());
    return {std::move(keys), {}, HashKey{}};
}

void check(const Authentication& result) {
    if (result.credential) {
        if (result.credential->user.empty() || !result.credential->expires_at) std::abort();
        return;
    }
    if (result.log_reason.empty()) std::abort();
    const auto& error = result.credential.error();
    if (error != Errc::unauthorized && error != Errc::invalid_token) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Authenticator hub = make_authenticator();
    static const Key key = signer();
    if (size == 0) return 0;
    const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
    switch (data[0] % 4) {
        case 0: check(hub.authenticate(text, now)); break;
        case 1: {
            // A header of the input's, rightly signed.
            auto token = base64url(text) + "." + base64url(R"({"sub":"a","exp":1700000100})");
            token.append("." + base64url(key.sign(token).value()));
            check(hub.authenticate_token(token, now));
            break;
        }
        case 2: check(hub.authenticate_token(sign_compact(key, text).value(), now)); break;
        default: {
            const auto bytes = base64url_decoded(text);
            if (bytes && base64url(*bytes) != text) std::abort();
            const auto grants = GrantList::parse({std::string{text}}, "one");
            // Whatever is granted, no other issuer's user is.
            if (grants && grants->allows({Audience::Kind::user, "two!alice"})) std::abort();
            break;
        }
    }
    return 0;
}
