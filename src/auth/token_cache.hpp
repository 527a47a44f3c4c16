#pragma once
// Tokens that were verified a moment ago.

#include "auth/authenticator.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

namespace tidings::auth {

// What an Authenticator said of tokens that it accepted, by their SHA-256: who guesses at a token learns
// nothing from how long a lookup takes, and the cache holds no token. Refusals are not kept. A token counts
// again from its signature on when it has expired, leeway included, when the authenticator is another (a
// reload: keys may have gone), or when others have taken its place. Belongs to one shard. Memory: at most
// `entries` credentials.
class TokenCache {
public:
    // 0: nothing is kept.
    explicit TokenCache(std::size_t entries) : entries_{entries} {}

    // As Authenticator::authenticate, which it asks where it does not know. `authenticator` is shared because
    // it says by its identity whether a reload came: none can take its place while it is held.
    Authentication authenticate(const std::shared_ptr<const Authenticator>& authenticator,
                                std::optional<std::string_view> authorization, Timestamp now);

    // Entries from now on; fewer forget all.
    void limit(std::size_t entries);

    std::size_t size() const noexcept { return young_.size() + old_.size(); }
    std::uint64_t hits() const noexcept { return hits_; }

private:
    using Digest = std::array<std::uint8_t, 32>;
    struct DigestHash {
        std::size_t operator()(const Digest& digest) const noexcept {
            std::size_t value = 0;
            std::memcpy(&value, digest.data(), sizeof value);
            return value;
        }
    };
    // On the heap, so that a slot that is free costs little.
    using Known = boost::unordered_flat_map<Digest, std::unique_ptr<const Credential>, DigestHash>;

    const Credential* find(const Digest& digest, Timestamp now);
    void keep(const Digest& digest, std::unique_ptr<const Credential> credential);
    void clear();

    std::size_t entries_;
    std::shared_ptr<const Authenticator> authenticator_;  // whose answers these are
    // What was used lately, and what was before: when the first is full it becomes the second, whose rest is
    // forgotten.
    Known young_;
    Known old_;
    std::uint64_t hits_ = 0;
};

}  // namespace tidings::auth
