#include "client/follower.hpp"

#include <algorithm>
#include <utility>

namespace tidings {
namespace {

constexpr std::chrono::seconds foreign_may_pass{2};
std::pair<Uuid, bool> key_of(const Entry& entry) {
    return {entry.foreign_id, entry.audience.kind == Audience::Kind::user};
}

constexpr Milliseconds far_ahead = 24 * 3'600'000ULL;

// The other layout of version 7 reads as a time centuries ahead: never ours.
bool plausible(const EventId& id, Position last) noexcept {
    return id.partition == 0 && id.position.milliseconds <= last.milliseconds + far_ahead;
}

}  // namespace

// Whether a reader that stands there has lost nothing by what happened to the store since.
bool Follower::stands(Position position) const noexcept {
    if (position == Position{}) return true;
    const auto& terms = bound_.terms->terms;
    const auto term = std::find_if(terms.begin(), terms.end(),
                                   [&](const Term& each) { return each.name.number == position.term; });
    if (term == terms.end() || position > bound_.position) return false;
    if (!term->running && position > term->end) return false;
    return !bound_.terms->crosses_open_end(position);
}

Follower::Action Follower::ask() {
    state_ = State::catching_up;
    Action action;
    action.kind = Action::Kind::ask_bound;
    return action;
}

Follower::Action Follower::start() { return ask(); }
Follower::Action Follower::on_failed() { return ask(); }

Follower::Action Follower::on_bound(const Bound& bound) {
    bound_ = bound;
    if (begun_) {
        return stands(after_) ? read_on() : on_reset();
    }
    if (request_.cursor.empty()) {
        begun_ = true;
        after_ = bound_.position;
        return settle();
    }
    const auto uuid = Uuid::parse_any(request_.cursor);
    if (!uuid) return skip_to_bound(GapReason::unknown_id);
    const auto id = EventId::from(*uuid);
    if (id && bound_.terms->find(id->term()) != nullptr) {
        if (!stands(id->position)) return skip_to_bound(GapReason::store_reset);
        repeats_ = request_.foreign && request_.repeats;
        return begin_at(id->position);
    }
    if (request_.foreign) {
        Action action;
        action.kind = Action::Kind::find;
        action.id = *uuid;
        for (const auto& log : request_.logs) action.read.logs.push_back({log, {}});
        return action;
    }
    return on_found(std::nullopt);
}

// What the store lost cannot be known; what it has beyond that place is given. A place beyond the end of its
// term, or in a term that is not known, is none in these logs: everything after that end is new.
Follower::Action Follower::on_reset() {
    give_gap({GapReason::store_reset, {}, oldest_});
    reset_told_ = true;
    given_ = std::max(given_, after_);
    if (after_ > bound_.position) {
        after_ = bound_.position;
        given_ = {};
        return settle();
    }
    const auto& terms = bound_.terms->terms;
    const auto term = std::find_if(terms.begin(), terms.end(),
                                   [&](const Term& each) { return each.name.number == after_.term; });
    if (term == terms.end()) {
        after_ = {};
    } else if (!term->running) {
        after_ = std::min(after_, term->end);
    }
    return read_on();
}

Follower::Action Follower::on_found(std::optional<Position> found) {
    if (found && *found > bound_.position) return ask();  // appended after the bound
    const auto uuid = Uuid::parse_any(request_.cursor);
    if (found && stands(*found)) {
        given_foreign_.insert({*uuid, true});
        return begin_at(*found);
    }
    const auto id = uuid ? EventId::from(*uuid) : std::nullopt;
    const bool reset = found || (id && plausible(*id, bound_.position));
    return skip_to_bound(reset ? GapReason::store_reset : GapReason::unknown_id);
}

Follower::Action Follower::begin_at(Position after) {
    begun_ = true;
    after_ = after;
    return read_on();
}

Follower::Action Follower::skip_to_bound(GapReason reason) {
    give_gap({reason, {}, {}});
    begun_ = true;
    after_ = bound_.position;
    return settle();
}

Follower::Action Follower::read_on() {
    if (after_ >= bound_.position) return settle();
    Action action;
    action.kind = Action::Kind::read;
    action.read.bound = bound_.position;
    action.read.page_events = request_.page_events;
    if (repeats_) action.read.repeat_foreign = foreign_may_pass;
    for (const auto& log : request_.logs) action.read.logs.push_back({log, after_});
    return action;
}

Follower::Action Follower::on_pages(std::vector<LogPage> pages) {
    // Complete over all logs up to the least last entry of a full page.
    Position limit = bound_.position;
    for (const auto& page : pages) {
        if (page.full && !page.entries.empty()) limit = std::min(limit, page.entries.back().position);
        if (page.oldest_time && (!oldest_ || *page.oldest_time < *oldest_)) oldest_ = page.oldest_time;
    }
    const auto lost = losses(pages, limit);
    reset_told_ = false;
    std::vector<Entry> entries;
    for (auto& page : pages) {
        for (auto& entry : page.repeats) entries.push_back(std::move(entry));
        for (auto& entry : page.entries) {
            if (entry.position <= limit) entries.push_back(std::move(entry));
        }
    }
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return a.position < b.position; });
    auto untold = lost.begin();
    for (const auto& entry : entries) {
        const auto before = untold;
        while (untold != lost.end() && untold->first < entry.position) ++untold;
        if (untold != before) give_gap(before->second);
        if (entry.foreign ? first_time(entry) : entry.position > std::max(after_, given_)) give(entry);
    }
    if (untold != lost.end()) give_gap(untold->second);
    after_ = std::max(after_, limit);
    repeats_ = false;
    return read_on();
}

// Loss is checked entry by entry: no entry may come from beyond what was seen of its log.
std::vector<std::pair<Position, Gap>> Follower::losses(const std::vector<LogPage>& pages, Position limit) {
    std::vector<std::pair<Position, Gap>> found;
    const auto note = [&](Position at) { found.emplace_back(at, Gap{GapReason::trimmed, {}, oldest_}); };
    for (const auto& page : pages) {
        Position seen = reset_told_ ? std::max(after_, page.floor) : after_;
        const bool unread = page.entries.empty() && page.floor > seen;
        for (const auto& entry : page.entries) {
            if (entry.previous > seen && entry.previous <= limit) note(entry.previous);
            if (entry.position > limit) break;
            seen = entry.position;
        }
        const bool told_later = page.floor > limit && limit < bound_.position;
        if (unread && !told_later) note(std::min(page.floor, limit));
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    return found;
}

// Everything up to the bound was given; then what was held, if all of it is still there.
Follower::Action Follower::settle() {
    after_ = std::max(after_, bound_.position);
    if (std::exchange(hold_lost_, false)) return ask();
    state_ = State::live;
    if (lost_) give_gap(*std::exchange(lost_, std::nullopt));
    if (dropped_ > 0) give_gap({GapReason::overflow, std::exchange(dropped_, 0), {}});
    for (const auto& entry : std::exchange(held_, {})) heard(entry);
    Action action;
    action.kind = Action::Kind::live;
    return action;
}

void Follower::heard(const Entry& entry) {
    switch (state_) {
        case State::waiting: return;  // before the first bound
        case State::behind:
            if (!entry.retained) ++dropped_;
            return;
        case State::catching_up: {
            if (held_.size() < request_.held_events) return held_.push_back(entry);
            hold_lost_ = true;
            const auto unretained = [](const Entry& each) { return !each.retained; };
            dropped_ += static_cast<std::uint64_t>(std::count_if(held_.begin(), held_.end(), unretained));
            held_.clear();
            if (!entry.retained) ++dropped_;
            return;
        }
        case State::live: break;
    }
    // A foreign one may be found late, at a place that lies behind already.
    if (entry.foreign) {
        if (!first_time(entry)) return;
    } else if (entry.retained && entry.position <= after_) {
        return;
    }
    if (entry.retained) after_ = std::max(after_, entry.position);
    give(entry);
}

Follower::Action Follower::broken(std::optional<Gap> lost) {
    if (lost && !lost_) lost_ = std::move(lost);
    if (state_ == State::waiting || state_ == State::behind) return {};
    // What no log keeps is given all the same.
    std::erase_if(held_, [](const Entry& entry) { return entry.retained; });
    repeats_ = request_.foreign && begun_;
    return ask();
}

void Follower::fall_behind(std::span<const Item> refused) {
    state_ = State::behind;
    repeats_ = request_.foreign;
    held_.clear();
    for (const auto& item : refused) {
        const auto* entry = std::get_if<Entry>(&item);
        if (entry == nullptr) {
            if (!lost_) lost_ = std::get<Gap>(item);
            continue;
        }
        if (!entry->retained) {
            ++dropped_;
            continue;
        }
        if (entry->foreign) given_foreign_.erase(key_of(*entry));
        after_ = std::min(after_, entry->position.before());
        if (!entry->foreign) given_ = std::min(given_, entry->position.before());
    }
}

void Follower::checkpoint(const Bound& bound) {
    if (state_ == State::live && stands(after_)) after_ = std::max(after_, bound.position);
}

void Follower::give(const Entry& entry) {
    if (!entry.closes) items_.emplace_back(entry);
}

void Follower::give_gap(Gap gap) { items_.emplace_back(std::move(gap)); }

bool Follower::first_time(const Entry& entry) {
    const auto key = key_of(entry);
    if (!given_foreign_.insert(key).second) return false;
    given_order_.push_back(key);
    if (given_order_.size() <= remembered_max) return true;
    given_foreign_.erase(given_order_.front());
    given_order_.pop_front();
    return true;
}

}  // namespace tidings
