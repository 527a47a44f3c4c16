#pragma once
// Which events of a ring a slow reader is not owed, because newer ones took their places (delivery: "Readers
// that cannot keep up"). Pure.
//
// The older event is passed over and the newer one keeps its own position, so a reader never has an older one
// after a newer one. It may count as had in the reader's cursor: what took its place lies beyond the cursor,
// in the ring and in the log.

#include "fanout/frame_ring.hpp"

#include <cstdint>

namespace tidings {

// Whether a newer item, which the reader `wants` too, took its place. It may not want the newer one though it
// wanted this: a type can change its category.
template <class Wants>
bool is_replaced(const FrameRing& ring, const RingItem& item, Wants&& wants) {
    return item.replaced_by != no_item && wants(ring.at(item.replaced_by));
}

// The item in a reader's queue, which begins at `next`, whose place the new one takes; null: none.
template <class Wants>
const RingItem* makes_way(const FrameRing& ring, const RingItem& item, std::uint64_t next, Wants&& wants) {
    if (item.replaces == no_item || item.replaces < next || !ring.holds(item.replaces)) return nullptr;
    const RingItem& older = ring.at(item.replaces);
    return wants(older) ? &older : nullptr;
}

}  // namespace tidings
