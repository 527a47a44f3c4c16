#pragma once
// Who listens to what: audiences by number, sets of audiences as interned subscriptions, and each audience's
// dense array of streams.

#include "base/byte_pool.hpp"
#include "base/linear_index.hpp"
#include "base/paged_vector.hpp"
#include "fanout/frame_ring.hpp"

#include <tidings/event.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tidings {

// Opaque to all but the table.
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
// What most streams name, a user with the broadcast or one audience alone, is an audience's row and nothing
// else: its subscription is the row's number, and its only stream stands in the row. Audiences are told apart
// by their whole text, never by a hash.
class SubscriptionTable {
public:
    // A subscription's audiences, sorted, whichever form it has. Stands until a subscription is next held or
    // released.
    struct Numbers {
        std::array<AudienceIndex, 2> own{};
        std::size_t count = 0;
        const AudienceIndex* others = nullptr;
        const AudienceIndex* begin() const noexcept { return others != nullptr ? others : own.data(); }
        const AudienceIndex* end() const noexcept { return begin() + count; }
        std::size_t size() const noexcept { return count; }
    };

    SubscriptionTable();

    // The interned set, its count raised by one. Audiences are sorted and made unique.
    SubscriptionIndex hold(std::vector<Audience> audiences);
    void release(SubscriptionIndex index);

    // The audience's number, or no_audience if nobody here subscribes to it.
    AudienceIndex find(std::string_view audience_text) const noexcept;
    bool has(SubscriptionIndex index, AudienceIndex audience) const noexcept;
    std::vector<Audience> audiences(SubscriptionIndex index) const;
    Numbers numbers(SubscriptionIndex index) const noexcept;

    void join(SubscriptionIndex index, Member member);
    // `alive` tells stale entries from live ones when an array is compacted; `moved` is told of each audience
    // whose other streams now stand at other places.
    template <class Alive, class Moved>
    void leave(SubscriptionIndex index, Alive&& alive, Moved&& moved) {
        for (const AudienceIndex audience : numbers(index)) {
            Row& row = rows_[audience];
            if (row.crowd == Crowd::one && !alive(row.only)) row.crowd = Crowd::none;
            if (row.crowd != Crowd::many) continue;
            Members& many = crowds_[row.only.handle];
            if (++many.stale * 2 <= many.list.size()) continue;
            std::erase_if(many.list, [&](const Member& member) { return !alive(member); });
            many.stale = 0;
            if (many.list.empty()) {
                disperse(row);
            } else {
                moved(audience);
            }
        }
    }
    // Stands until the audience is next joined or left.
    std::span<const Member> members(AudienceIndex audience) const noexcept {
        const Row& row = rows_[audience];
        if (row.crowd == Crowd::many) return crowds_[row.only.handle].list;
        return {&row.only, row.crowd == Crowd::one ? std::size_t{1} : std::size_t{0}};
    }

    void mark(AudienceIndex audience, TopicState state) noexcept { rows_[audience].state = state; }
    // Whether every audience of the subscription is a topic that is finished.
    bool finished(SubscriptionIndex index) const noexcept;

    std::size_t audience_count() const noexcept {
        return by_name_.size() + (rows_[broadcast_row].uses > 0 ? 1 : 0);
    }
    // What it holds on the heap.
    std::size_t memory_bytes() const noexcept;

private:
    enum class Crowd : std::uint8_t { none, one, many };
    struct Row {
        Member only{};  // its one stream; of many: `handle` is the number of their list
        BytePool::Place name = 0;
        std::uint32_t link = chain_end;  // in the index, or among the free rows
        std::uint32_t uses = 0;
        std::uint16_t name_bytes = 0;
        Audience::Kind kind : 2 = Audience::Kind::broadcast;
        TopicState state : 1 = TopicState::open;
        Crowd crowd : 2 = Crowd::none;
    };
    static_assert(sizeof(Row) <= 24);
    struct Members {
        std::vector<Member> list;
        std::uint32_t stale = 0;
    };
    // Any other set of audiences; its numbers, sorted, stand in the pool.
    struct Set {
        BytePool::Place numbers = 0;
        std::uint32_t count = 0;
        std::uint32_t uses = 0;
        std::uint32_t link = chain_end;
    };
    struct Name {
        Audience::Kind kind;
        std::string_view text;
    };
    static constexpr AudienceIndex broadcast_row = 0;  // always there, and in no index
    // The two highest bits say which form a subscription has.
    static constexpr SubscriptionIndex form = 0xc000'0000;
    static constexpr SubscriptionIndex form_set = 0;                       // the number of a set
    static constexpr SubscriptionIndex form_alone = 0x4000'0000;           // the number of a row
    static constexpr SubscriptionIndex form_with_broadcast = 0x8000'0000;  // the number of a row besides

    Name name_of(AudienceIndex index) const noexcept;
    AudienceIndex find(Name name) const noexcept;
    AudienceIndex intern(const Audience& audience);
    void forget(AudienceIndex index);
    SubscriptionIndex intern_set(std::span<const AudienceIndex> numbers);
    void disperse(Row& row);

    PagedVector<Row> rows_;
    LinearIndex by_name_;
    AudienceIndex free_row_ = no_audience;
    PagedVector<Set> sets_;
    LinearIndex by_numbers_;
    std::uint32_t free_set_ = chain_end;
    BytePool bytes_;
    std::vector<Members> crowds_;
    std::vector<std::uint32_t> free_crowds_;
};

}  // namespace tidings
