#pragma once
// Who has received what: the double-entry book of a run.

#include "load/histogram.hpp"
#include "load/stamp.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace tidings::load {

// Whether an event is for all receivers or for one.
enum class Audience : std::uint8_t { everybody, one };

// Counts deliveries of events, and the time each took from the moment that it was
// due. Sequences begin with 1 and have no holes. Owned by a run, on its thread; grows by 24 bytes with each
// event.
class Ledger {
public:
    // One receiver's place. `holes`: ranges [first, end) that it has not received although it has later ones.
    struct Place {
        std::uint64_t last = 0;
        std::vector<std::pair<std::uint64_t, std::uint64_t>> holes{};
    };
    struct Totals {
        std::uint64_t published = 0;  // and not refused
        std::uint64_t failed = 0;
        std::uint64_t expected = 0;  // deliveries
        std::uint64_t delivered = 0;
        std::uint64_t lost = 0;
        std::uint64_t duplicated = 0;
        std::uint64_t out_of_order = 0;
        std::uint64_t foreign = 0;  // stamps that are not of this run
        std::uint64_t foreign_again =
            0;  // of them, those that a receiver had already; where nothing is published
    };

    Ledger(std::size_t receivers, Audience audience)
        : receivers_{audience == Audience::one ? 1 : receivers}, audience_{audience} {}

    // The next event's stamp.
    Stamp next(std::int64_t due) {
        events_.push_back({due, 0, 0, false});
        return {events_.size() - 1, due};
    }
    // The event was refused, so nobody has to receive it.
    void failed(std::uint64_t sequence);

    void delivered(Place& place, const Stamp& stamp, std::int64_t now) {
        if (stamp.sequence >= events_.size() || events_[stamp.sequence].due != stamp.time) {
            foreign(place, stamp, now);
            return;
        }
        if (audience_ == Audience::one) {
            if (!alone(place, stamp.sequence)) return;
        } else if (stamp.sequence == place.last + 1) [[likely]] {
            place.last = stamp.sequence;
        } else if (!late(place, stamp.sequence)) {
            return;
        }
        Event& event = events_[stamp.sequence];
        event.last = last_delivery_ = now;
        if (++event.received == receivers_ && !event.failed) ++complete_;
        if (stamp.sequence < first_) return;
        ++delivered_;
        latencies_.record(now - stamp.time);
    }

    // What comes before is warming up: no totals, no latencies.
    void begin_measuring();
    // Everything that was published and not refused is with all receivers.
    bool settled() const noexcept { return complete_ + failed_before_ + failed_ >= events_.size() - 1; }
    std::size_t unsettled() const noexcept {
        const std::size_t done = complete_ + failed_before_ + failed_;
        return events_.size() - 1 - std::min(done, events_.size() - 1);
    }
    std::uint64_t published() const noexcept { return events_.size() - first_; }
    std::uint64_t delivered() const noexcept { return delivered_; }
    std::int64_t last_delivery() const noexcept { return last_delivery_; }
    std::uint64_t last_sequence() const noexcept { return events_.size() - 1; }

    Totals totals() const;
    const Histogram& latencies() const noexcept { return latencies_; }
    // The last subscriber's of each event that all have.
    Histogram last_latencies() const;

    std::uint64_t foreign() const noexcept { return foreign_; }
    std::int64_t last_foreign() const noexcept { return last_foreign_; }
    const Histogram& foreign_latencies() const noexcept { return foreign_latencies_; }

private:
    struct Event {
        std::int64_t due = 0;
        std::int64_t last = 0;
        std::uint32_t received = 0;
        bool failed = false;
    };
    void foreign(Place& place, const Stamp& stamp, std::int64_t now);
    // False: this receiver had it already.
    bool late(Place& place, std::uint64_t sequence);
    // The same for an event that has one receiver. False: somebody had it already.
    bool alone(Place& place, std::uint64_t sequence);

    std::size_t receivers_;
    Audience audience_;
    std::vector<Event> events_{1};
    std::uint64_t first_ = 1;
    std::int64_t last_delivery_ = 0;
    std::uint64_t complete_ = 0, delivered_ = 0, failed_ = 0, failed_before_ = 0;
    std::uint64_t duplicated_ = 0, out_of_order_ = 0, foreign_ = 0, foreign_again_ = 0;
    std::int64_t last_foreign_ = 0;
    Histogram latencies_, foreign_latencies_;
};

}  // namespace tidings::load
