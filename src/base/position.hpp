#pragma once
// A place in a partition's order, and the id that is one.

#include <tidings/ids.hpp>

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>

namespace tidings {

// Milliseconds since 1970-01-01 UTC.
using Milliseconds = std::uint64_t;

// Strictly increasing within a partition: ordered by term, then milliseconds, then sequence. All zero: before
// all.
struct Position {
    std::uint16_t term = 0;
    Milliseconds milliseconds = 0;  // 48 bits
    std::uint64_t sequence = 0;     // 12 bits where minted by us; foreign entries may need 64

    static constexpr std::uint64_t sequence_max = 4095;
    auto operator<=>(const Position&) const = default;

    // The next position in the same term: sequence overflow moves to the next millisecond.
    Position next() const noexcept;
    // The position just before this one: an id that resumes at exactly this event.
    Position before() const noexcept;
};

// One reign over a partition, as its number and random tag.
struct TermName {
    std::uint16_t number = 0;
    std::uint32_t tag = 0;
    auto operator<=>(const TermName&) const = default;
};

// What an id of ours says. RFC 9562 UUIDv7: 48 bits milliseconds, 12 bits sequence, then tag 32, term 16,
// partition 14.
struct EventId {
    Position position;
    std::uint32_t tag = 0;
    std::uint16_t partition = 0;

    // A wider sequence than ours (a foreign entry's) is told as the largest of ours: never beyond it.
    Uuid uuid() const noexcept;
    // Any version 7 UUID reads as one; whether its term is ours only the term table knows. None for other
    // versions.
    static std::optional<EventId> from(const Uuid& uuid) noexcept;
    TermName term() const noexcept { return {position.term, tag}; }
    auto operator<=>(const EventId&) const = default;
};

// max(now, last + 1), so that a clock that steps back changes nothing.
Position mint(Position last, std::uint16_t term, Milliseconds now) noexcept;

}  // namespace tidings
