#pragma once
// Finds numbered items by their keys, for 4 bytes an item here and 4 in the item: linear hashing (Litwin,
// 1980) over chains whose links stand in the items.

#include "base/paged_vector.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>

namespace tidings {

inline constexpr std::uint32_t chain_end = ~std::uint32_t{0};

// It knows neither keys nor hashes: `link_of(number)` gives an item's std::uint32_t& link, `hash_of(number)`
// its key's hash, `matches(number)` compares the whole key. There is a bucket for each item, and one bucket
// is split or joined at a time, so that growth has no pause and its table no slack. Not thread-safe.
class LinearIndex {
public:
    std::size_t size() const noexcept { return count_; }

    // chain_end: there is none.
    template <class LinkOf, class Matches>
    std::uint32_t find(std::size_t hash, LinkOf&& link_of, Matches&& matches) const {
        if (heads_.empty()) return chain_end;
        std::uint32_t number = heads_[bucket_of(hash)];
        while (number != chain_end && !matches(number)) number = link_of(number);
        return number;
    }

    // The item must not be in it.
    template <class LinkOf, class HashOf>
    void insert(std::uint32_t number, LinkOf&& link_of, HashOf&& hash_of) {
        if (count_ == heads_.size()) split(link_of, hash_of);
        ++count_;
        std::uint32_t& head = heads_[bucket_of(hash_of(number))];
        link_of(number) = head;
        head = number;
    }

    // The item must be in it.
    template <class LinkOf, class HashOf>
    void erase(std::uint32_t number, LinkOf&& link_of, HashOf&& hash_of) {
        std::uint32_t* link = &heads_[bucket_of(hash_of(number))];
        while (*link != number) {
            TIDINGS_ASSERT(*link != chain_end);
            link = &link_of(*link);
        }
        *link = link_of(number);
        --count_;
        while (count_ * 2 < heads_.size()) join(link_of);
    }

    std::size_t memory_bytes() const noexcept { return heads_.memory_bytes(); }

private:
    // The bucket that shares all but the highest bit of this one's number.
    static std::size_t sibling(std::size_t bucket) noexcept {
        return bucket == 0 ? 0 : bucket - std::bit_floor(bucket);
    }
    std::size_t bucket_of(std::size_t hash) const noexcept {
        const std::size_t mask = std::bit_ceil(heads_.size()) - 1;
        const std::size_t bucket = hash & mask;
        return bucket < heads_.size() ? bucket : sibling(bucket);
    }

    template <class LinkOf, class HashOf>
    void split(LinkOf&& link_of, HashOf&& hash_of) {
        const std::size_t bucket = heads_.size();
        heads_.push_back(chain_end);
        if (bucket == 0) return;
        std::uint32_t* link = &heads_[sibling(bucket)];
        while (*link != chain_end) {
            const std::uint32_t number = *link;
            if (bucket_of(hash_of(number)) != bucket) {
                link = &link_of(number);
                continue;
            }
            *link = link_of(number);
            link_of(number) = heads_[bucket];
            heads_[bucket] = number;
        }
    }

    template <class LinkOf>
    void join(LinkOf&& link_of) {
        const std::size_t bucket = heads_.size() - 1;
        const std::uint32_t rest = heads_[bucket];
        heads_.pop_back();
        if (bucket == 0) return;
        std::uint32_t* link = &heads_[sibling(bucket)];
        while (*link != chain_end) link = &link_of(*link);
        *link = rest;
    }

    PagedVector<std::uint32_t> heads_;
    std::size_t count_ = 0;
};

}  // namespace tidings
