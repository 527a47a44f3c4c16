#include "redis/foreign_desk.hpp"

#include <algorithm>
#include <array>

namespace tidings::redis {
namespace {

// After the message: its producer appends with its next command, mostly within a round trip.
constexpr std::array<Milliseconds, 6> looks_at{0, 2, 5, 12, 25, 45};

}  // namespace

void ForeignDesk::remember(const Look& what, Handed how) {
    const auto [at, fresh] = known_.try_emplace(what, how);
    at->second = std::max(at->second, how);
    if (!fresh) return;
    order_.push_back(what);
    if (order_.size() <= remembered_max) return;
    known_.erase(order_.front());
    order_.pop_front();
}

bool ForeignDesk::arrived(Entry entry, Milliseconds now) {
    Look what{entry.audience, entry.foreign_id};
    if (known_.contains(what) || waiting_.contains(what)) return false;
    const bool room = waiting_.size() < waiting_max;
    Waiting waiting;
    waiting.entry = std::move(entry);
    waiting.since = now;
    waiting.next = now;
    waiting.until = room ? now + patience : now;
    waiting.looks = room ? 0 : looks_at.size();
    waiting_.emplace(std::move(what), std::move(waiting));
    return true;
}

std::vector<ForeignDesk::Look> ForeignDesk::due(Milliseconds now) {
    std::vector<Look> looks;
    for (auto& [what, waiting] : waiting_) {
        if (waiting.looking || waiting.next > now || waiting.looks >= looks_at.size()) continue;
        waiting.looking = true;
        ++waiting.looks;
        looks.push_back(what);
    }
    return looks;
}

std::optional<Milliseconds> ForeignDesk::next() const {
    std::optional<Milliseconds> soonest;
    for (const auto& [what, waiting] : waiting_) {
        const bool more = !waiting.looking && waiting.looks < looks_at.size();
        const auto at = more ? std::min(waiting.next, waiting.until) : waiting.until;
        soonest = std::min(soonest.value_or(at), at);
    }
    if (!late_.empty()) soonest = std::min(soonest.value_or(late_.front().at), late_.front().at);
    return soonest;
}

std::optional<Entry> ForeignDesk::found(const Look& what, Position position, Position previous) {
    const auto at = waiting_.find(what);
    if (at == waiting_.end()) return std::nullopt;
    Entry entry = std::move(at->second.entry);
    waiting_.erase(at);
    remember(what, Handed::with_place);
    entry.retained = true;
    entry.position = position;
    entry.previous = previous;
    return entry;
}

void ForeignDesk::missing(const Look& what) {
    const auto at = waiting_.find(what);
    if (at == waiting_.end()) return;
    auto& waiting = at->second;
    waiting.looking = false;
    waiting.next = waiting.since + looks_at[std::min(waiting.looks, looks_at.size() - 1)];
}

std::vector<Entry> ForeignDesk::give_up(Milliseconds now) {
    std::vector<Entry> given;
    for (auto at = waiting_.begin(); at != waiting_.end();) {
        if (at->second.until > now) {
            ++at;
            continue;
        }
        remember(at->first, Handed::without_place);
        if (late_.size() < late_max) late_.push_back({at->first, now + late_look});
        given.push_back(std::move(at->second.entry));
        at = waiting_.erase(at);
    }
    return given;
}

std::vector<ForeignDesk::Look> ForeignDesk::due_late(Milliseconds now) {
    std::vector<Look> looks;
    for (; !late_.empty() && late_.front().at <= now; late_.pop_front()) {
        const auto known = known_.find(late_.front().what);
        if (known != known_.end() && known->second == Handed::without_place) looks.push_back(known->first);
    }
    return looks;
}

bool ForeignDesk::first_time(const Look& what) {
    const auto known = known_.find(what);
    if (known != known_.end() && known->second == Handed::with_place) return false;
    waiting_.erase(what);
    remember(what, Handed::with_place);
    return true;
}

}  // namespace tidings::redis
