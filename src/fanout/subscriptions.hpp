#pragma once
// Who listens to what: audiences by number, sets of audiences as interned subscriptions, and each audience's
// dense array of streams.

#include "fanout/frame_ring.hpp"

#include <tidings/event.hpp>

#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidings {

using SubscriptionIndex = std::uint32_t;
inline constexpr SubscriptionIndex no_subscription = ~SubscriptionIndex{0};

enum class TopicState : std::uint8_t { open, closed };

// A stream in an audience's array. Entries are left behind when a stream goes and recognised by their
// generation.
struct Member {
    std::uint32_t handle = 0;
    std::uint32_t generation = 0;
};

// Owned by one shard. An audience lives while a subscription names it; a subscription while it is held.
// Arrays are compacted when more than half of their entries are stale, so leaving costs O(1) amortised.
class SubscriptionTable {
public:
    // The interned set, its count raised by one. Audiences are sorted and made unique.
    SubscriptionIndex hold(std::vector<Audience> audiences);
    void release(SubscriptionIndex index);

    // The audience's number, or no_audience if nobody here subscribes to it.
    AudienceIndex find(std::string_view audience_text) const noexcept;
    bool has(SubscriptionIndex index, AudienceIndex audience) const noexcept;
    std::vector<Audience> audiences(SubscriptionIndex index) const;

    void join(SubscriptionIndex index, Member member);
    // `alive` tells stale entries from live ones when an array is compacted.
    template <class Alive>
    void leave(SubscriptionIndex index, Alive&& alive) {
        for (const AudienceIndex audience : audiences_of(index)) {
            auto& row = rows_[audience];
            if (++row.stale * 2 > row.members.size()) {
                std::erase_if(row.members, [&](const Member& member) { return !alive(member); });
                row.stale = 0;
                if (row.members.empty()) row.members.shrink_to_fit();
            }
        }
    }
    std::span<const Member> members(AudienceIndex audience) const noexcept { return rows_[audience].members; }

    void mark(AudienceIndex audience, TopicState state) noexcept { rows_[audience].state = state; }
    // Whether every audience of the subscription is a topic that is finished.
    bool finished(SubscriptionIndex index) const noexcept;

    std::size_t audience_count() const noexcept { return by_text_.size(); }
    std::size_t subscription_count() const noexcept { return by_set_.size(); }

private:
    struct Row {
        std::string text;
        std::vector<Member> members;
        std::uint32_t stale = 0;
        std::uint32_t uses = 0;
        TopicState state = TopicState::open;
    };
    struct Set {
        boost::container::small_vector<AudienceIndex, 3> numbers;  // sorted
        std::uint32_t uses = 0;
    };
    // Looks up by view without making a string.
    struct TextHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>{}(text);
        }
    };
    template <class Value>
    using TextMap = boost::unordered_flat_map<std::string, Value, TextHash, std::equal_to<>>;

    std::span<const AudienceIndex> audiences_of(SubscriptionIndex index) const noexcept;
    AudienceIndex intern(const Audience& audience);
    void forget(AudienceIndex index);

    TextMap<AudienceIndex> by_text_;
    std::vector<Row> rows_;
    std::vector<AudienceIndex> free_rows_;
    TextMap<SubscriptionIndex> by_set_;  // by the numbers' bytes
    std::vector<Set> sets_;
    std::vector<SubscriptionIndex> free_sets_;
};

}  // namespace tidings
