#include "auth/key.hpp"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>

namespace tidings::auth {
namespace {

constexpr int rsa_bits_min = 2048;
constexpr int rsa_bits_max = 16'384;  // a verification of more would be a burden on every request
constexpr std::size_t pem_bytes_max = 64 * 1024;

struct Row {
    Algorithm algorithm;
    std::string_view name;
    const EVP_MD* (*digest)();
    std::size_t hash_bytes;
};

constexpr std::array rows{
    Row{Algorithm::hs256, "HS256", EVP_sha256, 32}, Row{Algorithm::hs384, "HS384", EVP_sha384, 48},
    Row{Algorithm::hs512, "HS512", EVP_sha512, 64}, Row{Algorithm::rs256, "RS256", EVP_sha256, 32},
    Row{Algorithm::rs384, "RS384", EVP_sha384, 48}, Row{Algorithm::rs512, "RS512", EVP_sha512, 64},
};

const Row& row_of(Algorithm algorithm) noexcept { return rows[static_cast<std::size_t>(algorithm)]; }

bool symmetric(Algorithm algorithm) noexcept { return algorithm <= Algorithm::hs512; }

const unsigned char* bytes_of(std::string_view text) noexcept {
    return reinterpret_cast<const unsigned char*>(text.data());
}

struct FreeBio {
    void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
struct FreeContext {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

// An encrypted key must not make a server ask its terminal for a password.
int no_password(char*, int, int, void*) { return -1; }

}  // namespace

std::string_view name_of(Algorithm algorithm) noexcept { return row_of(algorithm).name; }

std::optional<Algorithm> algorithm_named(std::string_view name) noexcept {
    for (const auto& row : rows) {
        if (row.name == name) return row.algorithm;
    }
    return std::nullopt;
}

void Key::FreePkey::operator()(evp_pkey_st* pkey) const noexcept { EVP_PKEY_free(pkey); }

Key::Key(Algorithm algorithm, KeyOptions options) : algorithm_{algorithm}, options_{std::move(options)} {}
Key::Key(Key&&) noexcept = default;
Key& Key::operator=(Key&&) noexcept = default;
Key::~Key() = default;

Result<Key> Key::from_secret(Algorithm algorithm, std::string secret, KeyOptions options) {
    const auto& row = row_of(algorithm);
    if (!symmetric(algorithm)) {
        return Error{Errc::invalid_field, std::string{row.name} + " takes a public key, not a secret"};
    }
    if (secret.size() < row.hash_bytes) {
        return Error{Errc::invalid_field, "a secret for " + std::string{row.name} + " has at least " +
                                              std::to_string(row.hash_bytes) +
                                              " bytes (RFC 7518 section 3.2), not " +
                                              std::to_string(secret.size())};
    }
    Key key{algorithm, std::move(options)};
    key.hmac_.emplace(row.digest(), secret);
    OPENSSL_cleanse(secret.data(), secret.size());
    return key;
}

Result<Key> Key::from_public_pem(Algorithm algorithm, std::string_view pem, KeyOptions options) {
    return from_pem(algorithm, pem, Half::public_half, std::move(options));
}

Result<Key> Key::from_private_pem(Algorithm algorithm, std::string_view pem, KeyOptions options) {
    return from_pem(algorithm, pem, Half::private_half, std::move(options));
}

Result<Key> Key::from_pem(Algorithm algorithm, std::string_view pem, Half half, KeyOptions options) {
    const std::string name{row_of(algorithm).name};
    if (symmetric(algorithm)) return Error{Errc::invalid_field, name + " takes a secret, not a PEM key"};
    if (pem.size() > pem_bytes_max) return Error{Errc::invalid_field, "a PEM key has at most 64 KiB"};
    const std::unique_ptr<BIO, FreeBio> bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
    Pkey pkey;
    if (bio) {
        pkey.reset(half == Half::public_half
                       ? PEM_read_bio_PUBKEY(bio.get(), nullptr, no_password, nullptr)
                       : PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
    }
    ERR_clear_error();
    if (!pkey) {
        return Error{Errc::invalid_field, half == Half::public_half
                                              ? "the key is not PEM with BEGIN PUBLIC KEY"
                                              : "the key is not an unencrypted PEM private key"};
    }
    // Not EVP_PKEY_RSA_PSS: such a key may only be used with PS*.
    if (EVP_PKEY_get_base_id(pkey.get()) != EVP_PKEY_RSA)
        return Error{Errc::invalid_field, name + " takes an RSA key"};
    const int bits = EVP_PKEY_get_bits(pkey.get());
    if (bits < rsa_bits_min || bits > rsa_bits_max) {
        return Error{Errc::invalid_field, "an RSA key has 2048 to 16384 bits, not " + std::to_string(bits)};
    }
    Key key{algorithm, std::move(options)};
    key.pkey_ = std::move(pkey);
    key.half_ = half;
    return key;
}

std::string Key::hmac_of(std::string_view text) const {
    std::array<unsigned char, Hmac::bytes_max> code{};
    const auto size = hmac_->of(text, code);
    return {reinterpret_cast<const char*>(code.data()), size};
}

bool Key::verifies(std::string_view text, std::string_view signature) const {
    if (symmetric(algorithm_)) {
        const auto expected = hmac_of(text);
        return !expected.empty() && expected.size() == signature.size() &&
               CRYPTO_memcmp(expected.data(), signature.data(), expected.size()) == 0;
    }
    const Context context{EVP_MD_CTX_new()};
    const bool good = context &&
                      EVP_DigestVerifyInit(context.get(), nullptr, row_of(algorithm_).digest(), nullptr,
                                           pkey_.get()) == 1 &&
                      EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(text),
                                       text.size()) == 1;
    // A refused signature leaves its reason in the thread's queue, where TLS would find it.
    ERR_clear_error();
    return good;
}

Result<std::string> Key::sign(std::string_view text) const {
    if (symmetric(algorithm_)) {
        auto hash = hmac_of(text);
        if (hash.empty()) return Error{Errc::internal, "the signature could not be made"};
        return hash;
    }
    if (half_ == Half::public_half)
        return Error{Errc::invalid_field, "a public key does not sign; use the private one"};
    const Context context{EVP_MD_CTX_new()};
    std::size_t size = 0;
    std::string signature;
    const auto sign_into = [&](unsigned char* to) {
        return EVP_DigestSign(context.get(), to, &size, bytes_of(text), text.size()) == 1;
    };
    bool good =
        context &&
        EVP_DigestSignInit(context.get(), nullptr, row_of(algorithm_).digest(), nullptr, pkey_.get()) == 1 &&
        sign_into(nullptr);
    if (good) {
        signature.resize(size);
        good = sign_into(reinterpret_cast<unsigned char*>(signature.data()));
        signature.resize(size);
    }
    ERR_clear_error();
    if (!good) return Error{Errc::internal, "the signature could not be made"};
    return signature;
}

}  // namespace tidings::auth
