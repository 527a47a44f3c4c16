#pragma once
// HMAC (RFC 2104) under one key, many times.

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

struct evp_md_st;
struct evp_md_ctx_st;

namespace tidings::auth {

// The hash's two states behind the padded key, made once: what OpenSSL's one call spends on finding the
// algorithm and on the key is most of it for a short text. Immutable and move-only, so many threads may use
// one. The states are wiped when it dies.
class Hmac {
public:
    static constexpr std::size_t bytes_max = 64;

    // `digest`: EVP_sha256() or another; borrowed for ever. A failure shows in every result.
    Hmac(const evp_md_st* digest, std::string_view key);

    // Writes the code and says its length; 0: OpenSSL failed.
    std::size_t of(std::string_view text, std::span<unsigned char, bytes_max> code) const;

private:
    struct FreeContext {
        void operator()(evp_md_ctx_st* context) const noexcept;
    };
    using Context = std::unique_ptr<evp_md_ctx_st, FreeContext>;
    static Context begun(const evp_md_st* digest, std::string_view block);

    Context inner_;
    Context outer_;
};

}  // namespace tidings::auth
