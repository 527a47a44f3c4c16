#pragma once
// What a stream is while it is open: one fixed record in the shard's slab, no heap object, timer or buffer of
// its own.

#include "base/position.hpp"
#include "base/timer_wheel.hpp"
#include "fanout/subscriptions.hpp"

#include <cstdint>

namespace tidings {

// Ticks of the reactor's clock; one is 50 ms.
using Tick = std::uint32_t;
inline constexpr std::uint64_t tick_ms = 50;
inline constexpr Tick never = ~Tick{0};

enum class StreamState : std::uint8_t {
    free,
    catching_up,  // its frames come from the log; the ring holds what is live
    live,         // its frames come from the ring
    flushing,     // its last bytes are leaving
    lingering     // they have left; the connection closes a moment later
};

enum class Framing : std::uint8_t {
    chunked,         // HTTP/1.1
    close_delimited  // HTTP/1.0
};

enum class EndReason : std::uint8_t {
    finished,     // clean: every audience is a finished topic
    drained,      // the hub stops
    lifetime,     // the longest life is over
    stalled,      // the reader took nothing for too long
    expired,      // the credential ended
    refused,      // a soft refusal: nothing was ever subscribed
    client_gone,  // the client closed, or the path is dead
    stopped       // at once, without a word
};

inline constexpr std::uint32_t no_output = ~std::uint32_t{0};

// What revokes a stream, where its credential says it: hashes, 0 for none.
struct CredentialMarks {
    std::uint64_t session = 0;
    std::uint64_t token = 0;
    bool operator==(const CredentialMarks&) const = default;
};

// At most 112 bytes. `generation` tells a stream from an earlier one in the same record.
struct StreamRecord {
    Position cursor;              // a complete prefix; nothing retained at or before it is sent again
    std::uint64_t ring_next = 0;  // everything in the ring before it was sent or is not for the stream
    CategoryMask categories = all_categories;
    std::uint64_t subject = 0;     // a hash, for limits
    WheelLink wheel;               // the nearest of its deadlines
    std::int32_t descriptor = -1;  // or a writer
    std::uint32_t generation = 0;
    SubscriptionIndex subscription = no_subscription;
    std::uint32_t output = no_output;  // unsent frames, while there are any
    Tick last_write = 0;
    Tick last_id = 0;
    Tick progress = 0;     // when a blocked reader last took something
    Tick expires = never;  // the credential's end, leeway included
    Tick lifetime = never;
    std::uint32_t pending_bytes = 0;  // in the ring, while blocked
    std::uint32_t pending_events = 0;
    std::uint16_t heartbeat = 0;  // ticks of silence
    StreamState state = StreamState::free;
    Framing framing = Framing::chunked;
    EndReason end_reason = EndReason::stopped;
    bool blocked : 1 = false;  // the kernel takes nothing more for now
    bool behind : 1 = false;   // was blocked, and has not had all of the ring since
    bool joined : 1 = false;   // in the arrays of its audiences
    bool warned : 1 = false;   // tidings.expiring was sent
    bool writer : 1 = false;   // bytes go through the seam
    bool watched : 1 = false;  // the store watches its audiences for it
};

static_assert(sizeof(StreamRecord) <= 112);

}  // namespace tidings
