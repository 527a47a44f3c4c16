#pragma once
// The writes of one turn, before they are sent and until each has been settled.

#include "fanout/frame_ring.hpp"
#include "net/send_backend.hpp"
#include "net/stream_record.hpp"

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidings {

// A frame on its way. The ring holds it until the batch is settled: nothing is accepted in between.
struct SentPiece {
    const Frame* frame = nullptr;
    std::uint64_t place = 0;  // in the ring
};

// What streams that stand at the same place of the same audience are sent, put together once for all of them.
struct SharedRun {
    std::uint64_t from = 0;
    CategoryMask categories = all_categories;
    Framing framing = Framing::chunked;
    std::vector<SentPiece> pieces;
    std::vector<std::size_t> ends;  // where each frame ends among the bytes
    std::string copied;             // where they are more than one
    std::string_view bytes;
    std::uint64_t next = 0;  // where the ring is read on behind it
    Position first;          // of the item at `from`
    Position before;         // a prefix that ends before its first event

    // Forgets a run that was used, but not its room.
    void begin(std::uint64_t place, CategoryMask mask, Framing kind) {
        from = place;
        categories = mask;
        framing = kind;
        pieces.clear();
        ends.clear();
        copied.clear();
        bytes = {};
    }
    bool fits(std::uint64_t place, CategoryMask mask, Framing kind) const noexcept {
        return from == place && categories == mask && framing == kind;
    }
    // How many frames lie within the first `bytes`, which are reduced to what is left of the next one.
    std::size_t whole(std::size_t& taken) const noexcept {
        const auto cut = std::upper_bound(ends.begin(), ends.end(), taken);
        const auto count = static_cast<std::size_t>(cut - ends.begin());
        if (count > 0) taken -= ends[count - 1];
        return count;
    }
};

enum class SendingKind : std::uint8_t {
    pieces,    // frames one by one
    run,       // a SharedRun
    heartbeat  // no event
};

// One stream's write.
struct Sending {
    std::uint32_t index = 0;  // of the stream's record
    SendingKind kind = SendingKind::pieces;
    bool closes = false;      // a topic's end is among it
    std::uint32_t first = 0;  // among SendBatch::pieces, or the run's number
    std::uint32_t count = 0;
    std::uint32_t vector_first = 0, vector_count = 0;
    std::uint64_t next = 0;  // where the ring is read on when everything has left
    std::size_t bytes = 0;
    std::ptrdiff_t taken = 0;
};

// Belongs to one reactor. Its room stays for the next turn.
struct SendBatch {
    std::vector<Sending> sendings;
    std::vector<SentPiece> pieces;
    std::vector<iovec> vectors;
    std::vector<SendOp> ops;
    std::vector<SharedRun> runs;
    std::size_t runs_used = 0;
    std::size_t front_runs = 0;  // where the runs of the audience begin whose streams are being visited

    void clear() {
        sendings.clear();
        pieces.clear();
        vectors.clear();
        ops.clear();
        runs_used = front_runs = 0;
    }
};

}  // namespace tidings
