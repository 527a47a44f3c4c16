#pragma once
// Which logs are to be read once more soon after their channel was subscribed (D3). Another system's producer
// publishes and then appends: where the message came before the subscription, and the entry after the streams
// had read the log, no stream has either.

#include "base/position.hpp"

#include <tidings/event.hpp>

#include <cstddef>
#include <deque>
#include <vector>

namespace tidings::redis {

// Owned by one store, on its thread. No clock. Bounded: beyond `waiting_max` a log is not read again.
class TailReads {
public:
    static constexpr Milliseconds wait = 1'500;  // for the producer's append
    static constexpr std::size_t waiting_max = 65'536;

    struct Read {
        Audience audience;
        Position after;  // the millisecond before the bound's
        bool operator==(const Read&) const = default;
    };

    // The audience's channel is subscribed from now on.
    void subscribed(Audience audience);
    // A bound: not beyond that of any stream that came with the subscriptions so far.
    void bound(Position position, Milliseconds now);
    std::vector<Read> due(Milliseconds now);
    // Everything is read anew.
    void clear() noexcept;

private:
    struct Waiting {
        Read read;
        Milliseconds at = 0;
    };
    std::vector<Audience> fresh_;  // without a bound yet
    std::deque<Waiting> waiting_;
};

}  // namespace tidings::redis
