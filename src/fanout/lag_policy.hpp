#pragma once
// What happens to a reader whose queue is full (delivery: "Readers that cannot keep up"). Pure.

#include "fanout/frame_ring.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace tidings {

// One unsent event of a blocked stream.
struct Unsent {
    std::uint64_t index = 0;  // in the ring
    std::size_t bytes = 0;
    SlowReader slow_reader = SlowReader::resume;
    bool retained = true;
};

struct LagDecision {
    enum class Kind : std::uint8_t {
        keep,    // within its bounds
        resume,  // forget the queue: the stream catches up from the log at its own pace
        drop     // read on at `next`; `count` events before it are lost and told
    };
    Kind kind = Kind::keep;
    std::uint64_t next = 0;
    std::uint64_t count = 0;  // drop: the lost; resume: the unretained ones, which no log can give back
};

// `unsent`: what waits, oldest first, without what was conflated. Any event of the policy resume, or a
// retained one of `conflate`, sends the whole stream to the log, which holds the others too; only a queue of
// nothing but `drop` and what no log has loses its oldest.
LagDecision decide_lag(std::span<const Unsent> unsent, std::size_t bytes_max,
                       std::size_t events_max) noexcept;

}  // namespace tidings
