#include "auth/hmac.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace tidings::auth {
namespace {

constexpr std::size_t block_bytes_max = 128;  // of SHA-384 and SHA-512

}  // namespace

void Hmac::FreeContext::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

Hmac::Context Hmac::begun(const evp_md_st* digest, std::string_view block) {
    Context context{EVP_MD_CTX_new()};
    const bool good = context && EVP_DigestInit_ex(context.get(), digest, nullptr) == 1 &&
                      EVP_DigestUpdate(context.get(), block.data(), block.size()) == 1;
    return good ? std::move(context) : nullptr;
}

Hmac::Hmac(const evp_md_st* digest, std::string_view key) {
    const auto block_bytes = static_cast<std::size_t>(EVP_MD_get_block_size(digest));
    std::array<unsigned char, EVP_MAX_MD_SIZE> hashed{};
    std::array<char, block_bytes_max> block{};
    if (key.size() > block_bytes) {
        unsigned size = 0;
        if (EVP_Digest(key.data(), key.size(), hashed.data(), &size, digest, nullptr) != 1) return;
        std::copy_n(hashed.begin(), size, block.begin());
    } else {
        std::copy(key.begin(), key.end(), block.begin());
    }
    const auto padded = [&](unsigned char with) {
        for (char& byte : block) byte = static_cast<char>(static_cast<unsigned char>(byte) ^ with);
        return std::string_view{block.data(), block_bytes};
    };
    constexpr unsigned char inner_pad = 0x36;
    constexpr unsigned char outer_pad = 0x5c;
    inner_ = begun(digest, padded(inner_pad));
    outer_ = begun(digest, padded(inner_pad ^ outer_pad));  // takes the first pad off again
    OPENSSL_cleanse(block.data(), block.size());
    OPENSSL_cleanse(hashed.data(), hashed.size());
}

std::size_t Hmac::of(std::string_view text, std::span<unsigned char, bytes_max> code) const {
    if (!inner_ || !outer_) return 0;
    const Context context{EVP_MD_CTX_new()};
    unsigned size = 0;
    const bool good = context && EVP_MD_CTX_copy_ex(context.get(), inner_.get()) == 1 &&
                      EVP_DigestUpdate(context.get(), text.data(), text.size()) == 1 &&
                      EVP_DigestFinal_ex(context.get(), code.data(), &size) == 1 &&
                      EVP_MD_CTX_copy_ex(context.get(), outer_.get()) == 1 &&
                      EVP_DigestUpdate(context.get(), code.data(), size) == 1 &&
                      EVP_DigestFinal_ex(context.get(), code.data(), &size) == 1;
    return good ? size : 0;
}

}  // namespace tidings::auth
