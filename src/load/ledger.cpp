#include "load/ledger.hpp"

namespace tidings::load {

void Ledger::failed(std::uint64_t sequence) {
    if (sequence >= events_.size() || std::exchange(events_[sequence].failed, true)) return;
    if (events_[sequence].received >= receivers_) --complete_;  // refused, and yet it came to everybody
    ++(sequence < first_ ? failed_before_ : failed_);
}

void Ledger::foreign(Place& place, const Stamp& stamp, std::int64_t now) {
    ++foreign_;
    if (events_.size() > 1) return;  // a stray; the places are for what this run publishes
    if (stamp.sequence <= place.last) {
        ++foreign_again_;
        return;
    }
    place.last = stamp.sequence;
    last_foreign_ = now;
    foreign_latencies_.record(std::max<std::int64_t>(now - stamp.time, 0));
}

bool Ledger::late(Place& place, std::uint64_t sequence) {
    if (sequence > place.last) {
        place.holes.emplace_back(place.last + 1, sequence);
        place.last = sequence;
        return true;
    }
    for (auto hole = place.holes.begin(); hole != place.holes.end(); ++hole) {
        if (sequence < hole->first || sequence >= hole->second) continue;
        const auto after = std::pair{sequence + 1, hole->second};
        hole->second = sequence;
        const bool empty = hole->first == hole->second;
        if (after.first != after.second) {
            if (empty) {
                *hole = after;
            } else {
                place.holes.insert(hole + 1, after);
            }
        } else if (empty) {
            place.holes.erase(hole);
        }
        if (sequence >= first_) ++out_of_order_;
        return true;
    }
    if (sequence >= first_) ++duplicated_;
    return false;
}

bool Ledger::alone(Place& place, std::uint64_t sequence) {
    const bool measured = sequence >= first_;
    if (events_[sequence].received > 0) {
        if (measured) ++duplicated_;
        return false;
    }
    if (sequence < place.last && measured) ++out_of_order_;
    place.last = std::max(place.last, sequence);
    return true;
}

void Ledger::begin_measuring() {
    first_ = events_.size();
    failed_before_ += std::exchange(failed_, 0);
    delivered_ = duplicated_ = out_of_order_ = 0;
    latencies_.clear();
}

Ledger::Totals Ledger::totals() const {
    Totals totals;
    totals.failed = failed_;
    totals.published = published() - failed_;
    totals.expected = totals.published * receivers_;
    totals.delivered = delivered_;
    for (std::size_t sequence = first_; sequence < events_.size(); ++sequence) {
        const Event& event = events_[sequence];
        if (!event.failed && event.received < receivers_) totals.lost += receivers_ - event.received;
    }
    totals.duplicated = duplicated_;
    totals.out_of_order = out_of_order_;
    totals.foreign = foreign_;
    totals.foreign_again = foreign_again_;
    return totals;
}

Histogram Ledger::last_latencies() const {
    Histogram latencies;
    for (std::size_t sequence = first_; sequence < events_.size(); ++sequence) {
        const Event& event = events_[sequence];
        if (event.received == receivers_ && receivers_ != 0) latencies.record(event.last - event.due);
    }
    return latencies;
}

}  // namespace tidings::load
