#pragma once
// The store of one process' life: nothing survives it, and a new start is told to every old cursor.

#include "base/clock.hpp"
#include "store/store.hpp"

namespace tidings {

struct StoreOptions {
    RetentionPolicy retention;
    Limits limits;
    WallClock clock;
    RandomSource random;
    // All that the memory store may keep; beyond: store_full. LMDB has its map instead.
    std::size_t memory_bytes = std::size_t{1} << 30;
};

// Any thread; appends, bounds and reads complete inline, their callbacks run after the lock is released, the
// listener runs under it. Memory is bounded by retention and by memory_bytes.
std::unique_ptr<Store> make_memory_store(StoreOptions options);

}  // namespace tidings
