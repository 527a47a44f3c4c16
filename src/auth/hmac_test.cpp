#include "auth/hmac.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace tidings::auth {
namespace {

std::string code_of(const Hmac& hmac, std::string_view text) {
    std::array<unsigned char, Hmac::bytes_max> code{};
    const auto size = hmac.of(text, code);
    return {code.begin(), code.begin() + static_cast<std::ptrdiff_t>(size)};
}

TEST(Hmac, IsOpenSslsForEveryLengthOfKeyAndText) {
    for (const auto* digest : {EVP_sha256(), EVP_sha384(), EVP_sha512()}) {
        for (const std::size_t key_bytes : {1U, 32U, 63U, 64U, 65U, 127U, 128U, 129U, 300U}) {
            const std::string key(key_bytes, 'k');
            const Hmac hmac{digest, key};
            for (const std::size_t text_bytes : {0U, 1U, 55U, 56U, 64U, 111U, 112U, 128U, 1000U}) {
                const std::string text(text_bytes, 't');
                std::array<unsigned char, EVP_MAX_MD_SIZE> wanted{};
                unsigned size = 0;
                HMAC(digest, key.data(), static_cast<int>(key.size()),
                     reinterpret_cast<const unsigned char*>(text.data()), text.size(), wanted.data(), &size);
                EXPECT_EQ(code_of(hmac, text), std::string(wanted.begin(), wanted.begin() + size))
                    << key_bytes << " " << text_bytes;
            }
        }
    }
}

TEST(Hmac, IsUnchangedByEarlierTexts) {
    const Hmac hmac{EVP_sha256(), "key"};
    const auto first = code_of(hmac, "a");
    EXPECT_NE(code_of(hmac, "b"), first);
    EXPECT_EQ(code_of(hmac, "a"), first);
}

}  // namespace
}  // namespace tidings::auth
