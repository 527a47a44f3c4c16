#pragma once
// What is read from logs: entries, pages, bounds. Plain values; a store makes them, the merge consumes them.

#include "base/position.hpp"
#include "base/terms.hpp"

#include <tidings/event.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidings {

// An event as a store keeps it and hands it upward.
struct Entry {
    Audience audience;
    Position position;      // for an unretained event: the partition's last position when it passed
    std::uint32_t tag = 0;  // of the entry's term: the id is EventId{position, tag}
    // `prev`: the log's previous position, or its birth minus the age. A foreign entry states none: its store
    // puts the position of the entry before it in the log, or the log's floor.
    Position previous;
    bool retained = true;
    bool closes = false;   // the topic's tombstone: no type, no data
    bool foreign = false;  // written by another system's own code: its id is its own, and says no position
    Uuid foreign_id{};
    std::string type;
    std::string category;
    std::string data;  // minified JSON
    std::string key;
    Timestamp occurred_at{};

    Uuid id() const noexcept { return foreign ? foreign_id : EventId{position, tag, 0}.uuid(); }
};

// Nothing will ever be appended at or before `position`.
struct Bound {
    Position position;
    std::uint32_t tag = 0;
    std::shared_ptr<const TermTable> terms;  // shared: immutable, replaced when a term begins

    Uuid id() const noexcept { return EventId{position, tag, 0}.uuid(); }
};

struct LogAfter {
    Audience audience;
    Position after;
};

// One log's page: entries after `after`, oldest first, none beyond the bound.
struct LogPage {
    Audience audience;
    std::vector<Entry> entries;      // tombstones are not among them
    std::vector<Entry> repeats;      // foreign entries in (after - repeat_foreign, after], oldest first
    bool full = false;               // more may follow the last entry: page_events or page_bytes was reached
    Position floor;                  // what lies at or before it may have been trimmed
    std::optional<Position> oldest;  // the oldest entry still retained
    std::optional<Timestamp> oldest_time;
    std::optional<Position> closed;  // the topic's tombstone, if at or before the bound
};

struct ReadRequest {
    std::vector<LogAfter> logs;
    Position bound;
    std::size_t page_events = 64;
    std::size_t page_bytes = 64 * 1024;
    // Foreign entries may have passed unseen shortly before a cursor: those of so long before it come again,
    // as `repeats`. 0: none.
    std::chrono::milliseconds repeat_foreign{0};
};

}  // namespace tidings
