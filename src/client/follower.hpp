#pragma once
// How a subscription of the library follows its logs: from an id or from now to live, and back to the logs
// after every break. The same way as a hub's streams go (fanout/catch_up), but it gives entries instead of
// frames, keeps what was retained beyond a loss, and holds what arrives meanwhile by itself. No socket, store
// or clock.

#include "event/log_page.hpp"

#include <tidings/event.hpp>
#include <tidings/limits.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tidings {

struct FollowRequest {
    std::vector<Audience> logs;
    std::string cursor{};  // empty: from now
    bool foreign = false;  // the logs may hold other systems' entries
    bool repeats = true;   // give again what of theirs may have passed unseen before an id of ours
    std::size_t page_events = 64;
    std::size_t held_events = 1024;  // that arrive while the logs are read
};

// Steps: start() when everything is watched, then what came of each action; heard() and broken() at any time.
// What it has to give is taken with take(). Owned by one subscription, on its thread.
class Follower {
public:
    // In order. A Gap stands where events are missing.
    using Item = std::variant<Entry, Gap>;

    struct Action {
        enum class Kind : std::uint8_t {
            none,       // nothing to do
            ask_bound,  // then on_bound(), or on_failed()
            find,       // in `read`'s logs the entry `id`; then on_found(), or on_failed()
            read,       // `read`, when there is room for what it brings; then on_pages(), or on_failed()
            live        // nothing passes unheard from here on
        };
        Kind kind = Kind::none;
        ReadRequest read{};
        Uuid id{};
    };

    explicit Follower(FollowRequest request) : request_{std::move(request)} {}

    Action start();
    Action on_bound(const Bound& bound);
    Action on_found(std::optional<Position> found);
    Action on_pages(std::vector<LogPage> pages);
    // The store cannot be asked: later again, from a new bound.
    Action on_failed();

    // An entry that arrived.
    void heard(const Entry& entry);
    // What follows does not follow on what came before: then ask_bound. `lost`: why that may have cost events
    // that no log keeps.
    Action broken(std::optional<Gap> lost);
    // What was given last had no room from some place on: it is read again later, after resume().
    void fall_behind(std::span<const Item> refused);
    Action resume() { return ask(); }
    // While live: nothing up to this bound is missing. Once in a quarter of the retention age keeps a quiet
    // reader from falling out of it.
    void checkpoint(const Bound& bound);

    bool is_live() const noexcept { return state_ == State::live; }
    bool is_behind() const noexcept { return state_ == State::behind; }
    std::vector<Item> take() { return std::exchange(items_, {}); }

private:
    enum class State : std::uint8_t { waiting, catching_up, behind, live };
    static constexpr std::size_t remembered_max = 512;

    Action ask();
    Action begin_at(Position after);
    Action skip_to_bound(GapReason reason);
    Action on_reset();
    Action read_on();
    Action settle();
    void give(const Entry& entry);
    void give_gap(Gap gap);
    bool first_time(const Entry& entry);
    std::vector<std::pair<Position, Gap>> losses(const std::vector<LogPage>& pages, Position limit);
    bool stands(Position position) const noexcept;

    FollowRequest request_;
    State state_ = State::waiting;
    Bound bound_;
    Position after_{};         // everything up to here was given
    Position given_{};         // nothing of ours up to here is given twice
    bool begun_ = false;       // `after_` is known
    bool reset_told_ = false;  // the logs' beginnings are no further loss
    bool repeats_ = false;     // foreign entries before `after_` may have passed unseen
    bool hold_lost_ = false;
    std::deque<Entry> held_;
    std::uint64_t dropped_ = 0;  // unretained events that had no room
    std::optional<Gap> lost_;    // told when it is live again
    std::optional<Timestamp> oldest_;
    std::vector<Item> items_;
    // Foreign entries that were given: they have ids of their own and may arrive by several ways.
    std::set<std::pair<Uuid, bool>> given_foreign_;
    std::deque<std::pair<Uuid, bool>> given_order_;
};

}  // namespace tidings
