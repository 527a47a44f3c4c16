#pragma once
// One wheel of phase buckets for many coarse deadlines. Intrusive: the links stand in the caller's records.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tidings {

inline constexpr std::uint32_t wheel_end = ~std::uint32_t{0};

struct WheelLink {
    std::uint32_t next = wheel_end;
    std::uint32_t previous = wheel_end;
    std::uint32_t due = 0;  // tick; meaningful while linked
    bool linked() const noexcept { return previous != wheel_end; }
};

// `link_of(index)` gives the record's WheelLink&. A deadline beyond one turn of the wheel waits in its bucket
// for another lap. Not thread-safe; owned by one shard. Scheduling and removing are O(1).
class TimerWheel {
public:
    explicit TimerWheel(std::uint32_t buckets) : heads_(buckets, wheel_end) {}

    template <class LinkOf>
    void schedule(std::uint32_t index, std::uint32_t due, LinkOf&& link_of) {
        remove(index, link_of);
        if (due <= now_) due = now_ + 1;
        const std::uint32_t bucket = due % size();
        auto& link = link_of(index);
        link = {heads_[bucket], head_mark | bucket, due};
        if (link.next != wheel_end) link_of(link.next).previous = index;
        heads_[bucket] = index;
    }

    template <class LinkOf>
    void remove(std::uint32_t index, LinkOf&& link_of) {
        auto& link = link_of(index);
        if (!link.linked()) return;
        if ((link.previous & head_mark) != 0) {
            heads_[link.previous & ~head_mark] = link.next;
        } else {
            link_of(link.previous).next = link.next;
        }
        if (link.next != wheel_end) link_of(link.next).previous = link.previous;
        link.next = link.previous = wheel_end;
    }

    // Calls fire(index) for what is due up to `now`; fire may schedule and remove any record.
    template <class LinkOf, class Fire>
    void advance(std::uint32_t now, LinkOf&& link_of, Fire&& fire) {
        if (now <= now_) return;
        const std::uint32_t first = now - now_ > size() ? now - size() + 1 : now_ + 1;
        now_ = now;
        for (std::uint32_t tick = first; tick <= now; ++tick) collect(tick % size(), now, link_of);
        for (std::size_t i = 0; i < due_.size(); ++i) {
            const auto index = due_[i];
            if (link_of(index).due <= now && !link_of(index).linked()) fire(index);
        }
        due_.clear();
    }

    std::uint32_t now() const noexcept { return now_; }
    void start(std::uint32_t now) noexcept { now_ = now; }
    std::size_t memory_bytes() const noexcept {
        return (heads_.capacity() + due_.capacity()) * sizeof(std::uint32_t);
    }

private:
    static constexpr std::uint32_t head_mark = 0x8000'0000;
    std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(heads_.size()); }

    template <class LinkOf>
    void collect(std::uint32_t bucket, std::uint32_t now, LinkOf&& link_of) {
        std::uint32_t index = heads_[bucket];
        while (index != wheel_end) {
            const std::uint32_t next = link_of(index).next;
            if (link_of(index).due <= now) {
                remove(index, link_of);
                due_.push_back(index);
            }
            index = next;
        }
    }

    std::vector<std::uint32_t> heads_;
    std::vector<std::uint32_t> due_;
    std::uint32_t now_ = 0;
};

}  // namespace tidings
