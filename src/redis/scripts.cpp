#include "redis/scripts.hpp"

#include "redis/lua_append.hpp"
#include "redis/lua_common.hpp"
#include "redis/lua_state.hpp"

#include <openssl/evp.h>

#include <array>

namespace tidings::redis {
namespace {

// Redis names a script by the SHA-1 of its source, in lower-case hexadecimal.
std::string sha1_hex(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (unsigned int i = 0; i < size; ++i) {
        hex += digits[digest[i] >> 4];
        hex += digits[digest[i] & 15];
    }
    return hex;
}

Script script_of(std::string_view body) {
    Script script;
    script.source = std::string{lua_common} + std::string{body};
    script.sha = sha1_hex(script.source);
    return script;
}

}  // namespace

Scripts::Scripts()
    : append{script_of(lua_append)}, bound{script_of(lua_bound)}, state{script_of(lua_state)} {}

}  // namespace tidings::redis
