#pragma once
// What was accepted and not yet given to every stream: by audience, so that taking an event over costs the
// same for one stream and for all.

#include "fanout/frame_ring.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tidings {

// An audience with news, and how far the visits of its streams are.
struct AudienceNews {
    AudienceIndex audience = no_audience;
    std::vector<std::uint64_t> places;  // its items in the ring, ascending; never empty while it is queued
    // Everything before the first place lies at or before it. All zero where that says nothing: another
    // system's event may come late.
    Position before;
    std::size_t visited = 0;  // of its streams, in this round
    bool plain = true;        // ours, retained, none of them an end: each position is beyond the one before

    std::uint64_t again = ~std::uint64_t{0};  // the first item that came when the round had begun
    Position before_again;
};

// What a stream has that has had everything before the item.
Position prefix_before(const RingItem& item) noexcept;

// Owned by one shard. A round visits each stream of an audience once; a stream takes all that is there for
// it, whichever audience brought it up, and its own place in the ring says what it has. Bounded by what is
// accepted between two rounds, eight bytes an item.
class AudienceQueue {
public:
    void push(AudienceIndex audience, std::uint64_t place, const RingItem& item);

    bool empty() const noexcept { return next_ == order_.size(); }
    std::size_t size() const noexcept { return order_.size() - next_; }
    AudienceNews& front() noexcept { return news_[order_[next_]]; }
    // Every stream of the first audience was visited: it leaves, or waits again if items came meanwhile.
    void finish_front();
    // Null if it is not queued.
    const AudienceNews* find(AudienceIndex audience) const noexcept {
        if (audience >= slots_.size() || slots_[audience] == none) return nullptr;
        return &news_[slots_[audience]];
    }
    // Streams have moved in the audience's array: if its round has begun it begins anew, so that none is
    // passed over.
    void restart(AudienceIndex audience) noexcept;
    void clear();
    // What it holds on the heap.
    std::size_t memory_bytes() const noexcept;

private:
    static constexpr std::uint32_t none = ~std::uint32_t{0};
    void retire(std::uint32_t slot);

    std::vector<std::uint32_t> slots_;  // by audience
    std::vector<AudienceNews> news_;
    std::vector<std::uint32_t> free_;
    std::vector<std::uint32_t> order_;  // from next_ on
    std::size_t next_ = 0;
};

}  // namespace tidings
