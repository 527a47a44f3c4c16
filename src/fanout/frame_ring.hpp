#pragma once
// The shard's ring of recent frames: what was handed to it last, in order. It is the hold of streams that
// catch up and the queue of streams that are blocked, so neither needs a buffer of its own.

#include "fanout/live_item.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

namespace tidings {

// An audience as the shard's tables number it.
using AudienceIndex = std::uint32_t;
inline constexpr AudienceIndex no_audience = ~AudienceIndex{0};

inline constexpr std::uint64_t no_item = ~std::uint64_t{0};

struct RingItem {
    FramePtr frame;
    Position position;  // never below the item's before it
    CategoryMask category = all_categories;
    AudienceIndex audience = no_audience;
    SlowReader slow_reader = SlowReader::resume;
    bool retained = true;
    bool closes = false;
    std::shared_ptr<const ForeignEvent> foreign{};  // with its own place; null for ours
    // The type and key of an event that conflates; null: it takes no other's place. Shared by every shard's
    // ring.
    std::shared_ptr<const std::string> identity{};
    // Set by the ring, as indices: the next item of the audience that has the same identity, and the one
    // before it, which may have left.
    std::uint64_t replaced_by = no_item;
    std::uint64_t replaces = no_item;
};

// Whether a stream that named these categories is to see it: the end of a topic concerns all of its readers.
inline bool wanted(CategoryMask categories, const RingItem& item) noexcept {
    return item.closes || matches(categories, item.category);
}

// Owned by one shard. Indices are absolute and never reused. Bounded in items and in bytes; the oldest go
// first, but the newest always stays, whatever its size. Knows the newest of each identity that it holds.
class FrameRing {
public:
    FrameRing(std::size_t items_max, std::size_t bytes_max) : items_max_{items_max}, bytes_max_{bytes_max} {}

    std::uint64_t begin() const noexcept { return begin_; }
    bool empty() const noexcept { return items_.empty(); }
    std::uint64_t end() const noexcept { return begin_ + items_.size(); }
    bool holds(std::uint64_t index) const noexcept { return index >= begin_; }
    const RingItem& at(std::uint64_t index) const { return items_[static_cast<std::size_t>(index - begin_)]; }

    // The index of the new item.
    std::uint64_t push(RingItem item) {
        bytes_ += item.frame->chunk().size();
        if (item.identity && item.audience != no_audience) link(item);
        items_.push_back(std::move(item));
        while (items_.size() > 1 && (items_.size() > items_max_ || bytes_ > bytes_max_)) forget_oldest();
        return end() - 1;
    }

    // Forgets everything: streams that hold a place find it gone and read the log instead.
    void clear() noexcept {
        begin_ = end() + 1;
        items_.clear();
        newest_.clear();
        bytes_ = 0;
    }

    std::size_t bytes() const noexcept { return bytes_; }
    std::size_t identities() const noexcept { return newest_.size(); }

private:
    struct Place {
        AudienceIndex audience;
        std::shared_ptr<const std::string> identity;  // shared with the item: it outlives the first of them
        bool operator==(const Place& other) const noexcept {
            return audience == other.audience && *identity == *other.identity;
        }
    };
    struct PlaceHash {
        std::size_t operator()(const Place& place) const noexcept {
            return std::hash<std::string>{}(*place.identity) * 31 + place.audience;
        }
    };

    void link(RingItem& item) {
        const auto [found, fresh] = newest_.try_emplace({item.audience, item.identity}, end());
        if (fresh) return;
        item.replaces = std::exchange(found->second, end());
        items_[static_cast<std::size_t>(item.replaces - begin_)].replaced_by = end();
    }

    void forget_oldest() {
        const RingItem& oldest = items_.front();
        bytes_ -= oldest.frame->chunk().size();
        if (oldest.identity && oldest.audience != no_audience && oldest.replaced_by == no_item) {
            newest_.erase({oldest.audience, oldest.identity});
        }
        items_.pop_front();
        ++begin_;
    }

    std::deque<RingItem> items_;
    std::unordered_map<Place, std::uint64_t, PlaceHash> newest_;
    std::uint64_t begin_ = 0;
    std::size_t items_max_;
    std::size_t bytes_max_;
    std::size_t bytes_ = 0;
};

}  // namespace tidings
