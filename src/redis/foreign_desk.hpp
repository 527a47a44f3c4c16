#pragma once
// Other systems' messages that may stand in a log too: looked for until they are found there, for 50 ms at
// most (delivery: "Foreign producers"). Then they go out without a place; since a slow producer may append
// even later, when a stream has read the log and knows neither, they are looked for once more. No socket, no
// clock.

#include "base/position.hpp"
#include "event/log_page.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

namespace tidings::redis {

// Owned by one store, on its thread. Bounded: beyond `waiting_max` a message is not looked for.
class ForeignDesk {
public:
    static constexpr std::size_t waiting_max = 4096;
    static constexpr std::size_t remembered_max = 8192;
    static constexpr Milliseconds patience = 50;
    static constexpr Milliseconds late_look = 1'500;  // after the message: before resumes repeat it no more
    static constexpr std::size_t late_max = 65'536;

    // An event of one log: producers may send the same one, with its id, to several users.
    struct Look {
        Audience audience;
        Uuid id;
        auto operator<=>(const Look&) const = default;
    };

    // A message, without a position. False: it was handed up before, or is looked for already.
    bool arrived(Entry entry, Milliseconds now);
    // What is to be looked for now; each look is answered with found() or missing().
    std::vector<Look> due(Milliseconds now);
    // What was given up and is to be looked for once more; first_time() says whether a find is to be handed
    // up.
    std::vector<Look> due_late(Milliseconds now);
    // When due(), give_up() or due_late() has something to say; none: nothing waits.
    std::optional<Milliseconds> next() const;
    // It stands in the log, there: to be handed up. None: nobody waits for it any more.
    std::optional<Entry> found(const Look& what, Position position, Position previous);
    void missing(const Look& what);
    // What was not found in time: to be handed up without a place.
    std::vector<Entry> give_up(Milliseconds now);

    // Found in a log by another way: true if it was never handed up with its place, and then not looked for
    // any more.
    bool first_time(const Look& what);
    std::size_t waiting() const noexcept { return waiting_.size(); }

private:
    struct Waiting {
        Entry entry;
        Milliseconds since = 0;
        Milliseconds next = 0;
        Milliseconds until = 0;
        std::size_t looks = 0;
        bool looking = false;
    };
    enum class Handed : std::uint8_t { without_place, with_place };
    struct Late {
        Look what;
        Milliseconds at = 0;
    };
    void remember(const Look& what, Handed how);

    std::map<Look, Waiting> waiting_;
    std::map<Look, Handed> known_;
    std::deque<Look> order_;  // of known_
    std::deque<Late> late_;
};

}  // namespace tidings::redis
