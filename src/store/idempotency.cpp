#include "store/idempotency.hpp"

#include "base/assert.hpp"

#include <openssl/evp.h>

#include <initializer_list>

namespace tidings {
namespace {

// Each part goes in with its length, so that no two lists of parts look the same.
std::array<std::uint8_t, 32> digest(std::initializer_list<std::string_view> parts) {
    std::string text;
    for (const auto part : parts) text.append(std::to_string(part.size())).append(":").append(part);
    std::array<std::uint8_t, 32> result{};
    unsigned size = 0;
    const int done = EVP_Digest(text.data(), text.size(), result.data(), &size, EVP_sha256(), nullptr);
    TIDINGS_ASSERT(done == 1 && size == result.size());
    return result;
}

}  // namespace

Idempotency idempotency_of(std::string_view subject, const AppendItem& item, std::string_view key,
                           std::string_view given_time) {
    return {digest({subject, item.audience.text(), key}),
            digest({item.type, item.data, item.key, given_time})};
}

}  // namespace tidings
