#pragma once
// The table of terms of a partition, and what an incoming cursor means against it (pure; delivery: "Ids are
// positions").

#include "base/position.hpp"

#include <vector>

namespace tidings {

// One reign over a partition. `end` is the position at which it ended (inclusive: nothing acknowledged lies
// beyond it where `sealed`); the running term has `open_ended`.
struct Term {
    TermName name;
    Position start;  // nothing of this term lies before it
    Position end;    // meaningful when !running
    bool running = false;
    bool sealed = false;  // its end is known to hold everything that was acknowledged
};

// Ordered by number; the last one is running. Never empty once a store is open.
struct TermTable {
    std::vector<Term> terms;

    const Term* find(TermName name) const noexcept;
    const Term* find(std::uint16_t number) const noexcept;
    const Term& running() const;
    // Whether a reader that stands at `from` crosses an end that was not sealed before it reaches the running
    // term.
    bool crosses_open_end(Position from) const noexcept;
    // The position that stands for a moment: term by start time, sequence 0.
    Position at(Milliseconds moment) const noexcept;
};

// What a cursor means.
enum class CursorKind : std::uint8_t {
    none,         // live from a fresh bound
    ours,         // replay after it
    store_reset,  // unknown term, or beyond its term's end or the partition's last, or across an open end
    unknown_id    // not an id of ours
};

struct CursorMeaning {
    CursorKind kind = CursorKind::none;
    Position after{};  // for `ours`
};

// `last`: the partition's last position or bound.
CursorMeaning interpret(std::string_view cursor, const TermTable& terms, Position last) noexcept;
// The same for where a reader of this process stands, an event or a bound that it was given: `ours` or
// `store_reset`. Before all (no position yet) is always `ours`.
CursorMeaning interpret(Position stand, const TermTable& terms, Position last) noexcept;

}  // namespace tidings
