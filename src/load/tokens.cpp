#include "load/tokens.hpp"

#include "auth/jws.hpp"
#include "base/json.hpp"

namespace tidings::load {

Result<std::string> mint(const std::string& secret, std::string_view sub, std::string_view claims,
                         std::chrono::system_clock::time_point now) {
    const auto key = auth::Key::from_secret(auth::Algorithm::hs256, secret);
    if (!key) return key.error();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    std::string payload = "{\"sub\":" + quoted(sub) + ",\"iat\":" + std::to_string(seconds) +
                          ",\"exp\":" + std::to_string(seconds + 3600);
    if (!claims.empty()) payload.append(",").append(claims);
    return auth::sign_compact(*key, payload + "}");
}

}  // namespace tidings::load
