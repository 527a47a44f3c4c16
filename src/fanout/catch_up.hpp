#pragma once
// From replay to live without a seam: one machine for a first connect, a resume, a slow reader and a restored
// store (delivery: "From replay to live without a seam"). No socket, store or clock: the shell performs the
// action that a step returns, and steps again with what came of it.

#include "event/log_page.hpp"
#include "fanout/control_events.hpp"
#include "fanout/live_item.hpp"

#include <tidings/registry.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidings {

enum class OnGap : std::uint8_t { live, replay };

// Where a stream begins to catch up.
struct CatchUpFrom {
    enum class Kind : std::uint8_t { now, earliest, cursor, position };
    Kind kind = Kind::now;
    std::string cursor{};  // an incoming id, whatever it is
    Position position{};   // a complete prefix that this process itself delivered
};

struct CatchUpRequest {
    std::vector<Audience> audiences;
    CategoryMask categories = all_categories;
    OnGap on_gap = OnGap::live;
    CatchUpFrom from{};
    std::vector<std::string> ignored_categories{};  // reported when it becomes live
    std::uint64_t dropped = 0;                      // unretained events that a full queue cost: told first
    bool foreign = false;       // logs may hold other systems' entries, whose ids say no position
    bool foreign_lost = false;  // other systems' events that no log keeps may be lost: told once, at the end
};

// Steps: start → on_bound (→ on_found) → (on_pages → on_sent)* → live or finished; on_hold_lost and
// on_read_failed go back to a new bound. Where it stands is checked against every bound's terms. Holds at
// most one page of each log. Owned by one stream of one shard; may be destroyed at any moment.
class CatchUp {
public:
    struct Action {
        enum class Kind : std::uint8_t {
            ask_bound,  // take a bound, then on_bound(); on failure take it again later
            find,       // look for `id` in the logs of `read`, then on_found(); on failure as for `read`
            read,       // read `read`, then on_pages(); on failure on_read_failed(), later
            send,       // write `frames`; `prefix` is then delivered; when they have left: on_sent()
            go_live,    // if the hold still stands: write `frames`, then what the hold has beyond `prefix`;
                        // else on_hold_lost()
            finish      // write `frames`, then end cleanly: every audience is a finished topic
        };
        Kind kind = Kind::ask_bound;
        ReadRequest read{};
        Uuid id{};
        std::vector<FramePtr> frames{};
        Position prefix{};
    };

    // `registry` numbers the categories; shared because a reload replaces it while machines live.
    CatchUp(CatchUpRequest request, std::shared_ptr<const Registry> registry, const Limits& limits);

    Action start() const { return {}; }
    Action on_bound(const Bound& bound);
    // Where the entry with the id that was looked for lies; none: there is no such entry.
    Action on_found(std::optional<Position> found);
    Action on_pages(std::vector<LogPage> pages);
    Action on_sent();
    Action on_hold_lost();
    // The store may have lost its link or changed its term: from where it stands, with a new bound.
    Action on_read_failed() { return {}; }
    void on_foreign_lost() { request_.foreign_lost = true; }

    std::uint64_t replayed() const noexcept { return replayed_; }
    std::uint64_t gaps() const noexcept { return gaps_; }
    const std::vector<Audience>& closed() const noexcept { return closed_; }

private:
    Action begin_at_cursor();
    Action begin_at(CursorMeaning meaning);
    Action stand_at(Position stand);
    Action read_all();
    Action read_after(Position after);
    std::vector<FramePtr> repeated(std::vector<LogPage>& pages);
    FramePtr frame_of(const Entry& entry, WithId with_id) const;
    Action settle();
    Action skip_to_bound(Gap gap);
    Position seen_of(std::size_t log) const noexcept;
    bool lost(const LogPage& page, Position seen) const noexcept;
    std::vector<Position> begins_of(const std::vector<LogPage>& pages) const;
    void take_facts(const std::vector<LogPage>& pages);
    Position limit_of(const std::vector<LogPage>& pages) const;
    std::vector<Position> losses(const std::vector<LogPage>& pages, Position limit) const;
    std::vector<FramePtr> merge(const std::vector<LogPage>& pages, Position limit,
                                std::vector<FramePtr> frames);
    void emit_gap(std::vector<FramePtr>& frames, Uuid before_next);
    Uuid id_before(const Entry& entry) const;
    CategoryMask category_of(const std::string& name) const;
    Uuid id_at(Position position) const;
    bool reads_needed() const noexcept;
    bool repeats_foreign() const noexcept;

    CatchUpRequest request_;
    std::shared_ptr<const Registry> registry_;
    const Limits limits_;
    Bound bound_;
    Position after_{};                  // the complete prefix over all logs
    bool begun_ = false;                // the cursor was interpreted
    bool repeats_ = false;              // the next read asks for foreign entries from before it again
    bool whole_ = false;                // all that is retained is wanted, and nothing of it was read yet
    bool more_ = false;                 // a log's page was full
    std::vector<Position> begins_;      // by log: where a replay of all that is retained found its beginning
    std::optional<Gap> first_gap_;      // told before anything else
    std::optional<Gap> unwritten_gap_;  // told by frames that a lost hold would take back
    std::vector<Audience> closed_;
    std::optional<Timestamp> oldest_;
    std::uint64_t replayed_ = 0;
    std::uint64_t gaps_ = 0;
};

}  // namespace tidings
