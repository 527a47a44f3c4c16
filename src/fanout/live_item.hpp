#pragma once
// What goes from the broker to every shard: frames with what delivery must know of them.

#include "base/position.hpp"
#include "sse/frame.hpp"

#include <tidings/registry.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tidings {

inline constexpr CategoryMask all_categories = ~CategoryMask{0};

// What delivery must know of another system's event besides: it may arrive after events that lie beyond it.
struct ForeignEvent {
    Position position;    // its own place in its log
    FramePtr late_frame;  // without an id, for a stream that has passed the place
};

struct LiveItem {
    FramePtr frame;
    Position position;     // for an unretained event: the partition's last position when it passed
    Position previous;     // the log's position before it
    std::string audience;  // Audience::text()
    CategoryMask category =
        all_categories;  // one bit; all for a topic's end; none for a category nobody can name
    SlowReader slow_reader = SlowReader::resume;
    bool retained = true;
    bool closes = false;  // the frame is `tidings.closed`
    // Null for ours, and for another system's event that no log keeps. Shared by every shard's ring.
    std::shared_ptr<const ForeignEvent> foreign{};
    // The type and key of an event that conflates; null: it takes no other's place. Shared by every shard's
    // ring.
    std::shared_ptr<const std::string> identity{};
};

// One commit's worth, in position order; or a break.
struct LiveBatch {
    std::vector<LiveItem> items;
    std::size_t bytes = 0;
    bool broken = false;        // no items: what follows does not follow on what came before
    bool foreign_lost = false;  // with `broken`: other systems' events that no log keeps may have passed
};

// Shared because every shard's inbox holds the same immutable batch.
using LiveBatchPtr = std::shared_ptr<const LiveBatch>;

// A stream that named no categories sees everything, also what the registry no longer knows.
inline bool matches(CategoryMask wanted, CategoryMask category) noexcept {
    return wanted == all_categories || (wanted & category) != 0;
}

}  // namespace tidings
