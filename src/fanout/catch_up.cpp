#include "fanout/catch_up.hpp"

#include "base/assert.hpp"

#include <algorithm>
#include <utility>

namespace tidings {
namespace {

constexpr std::size_t least_page_bytes = 8 * 1024;
constexpr std::size_t pages_bytes_max = 256 * 1024;  // of all logs of one stream together

// Where each log begins for a reader that asked for all that is retained. A log without entries loses none.
std::vector<Position> begins_of(const std::vector<LogPage>& pages, Position bound) {
    std::vector<Position> begins;
    for (const auto& page : pages) begins.push_back(page.entries.empty() ? bound : page.floor);
    return begins;
}

// What was accepted when it was published is sent, however narrow the limit has become since.
Limits without_event_limit(Limits limits) {
    limits.event_bytes = ~std::size_t{0};
    return limits;
}

}  // namespace

CatchUp::CatchUp(CatchUpRequest request, std::shared_ptr<const Registry> registry, const Limits& limits)
    : request_{std::move(request)}, registry_{std::move(registry)}, limits_{without_event_limit(limits)} {}

CatchUp::Action CatchUp::on_bound(const Bound& bound) {
    bound_ = bound;
    if (begun_) return read_after(after_);
    begun_ = true;
    using From = CatchUpFrom::Kind;
    if (request_.dropped > 0) first_gap_ = Gap{GapReason::overflow, request_.dropped, {}};
    CursorMeaning meaning{CursorKind::none, {}};
    if (request_.from.kind == From::cursor) {
        meaning = interpret(request_.from.cursor, *bound.terms, bound.position);
    } else if (request_.from.kind == From::position) {
        const bool broken = bound.terms->crosses_open_end(request_.from.position);
        meaning = {broken ? CursorKind::store_reset : CursorKind::ours, request_.from.position};
    } else if (request_.from.kind == From::earliest) {
        return read_after({});
    }
    switch (meaning.kind) {
        case CursorKind::ours: checks_floors_ = true; return read_after(meaning.after);
        case CursorKind::store_reset: first_gap_ = Gap{GapReason::store_reset, {}, {}}; break;
        case CursorKind::unknown_id: first_gap_ = Gap{GapReason::unknown_id, {}, {}}; break;
        case CursorKind::none: break;
    }
    // With a gap, live or all that is retained; without, live. The bound's own page still says which topics
    // are finished and how old the oldest event is.
    const bool replays = first_gap_ && request_.on_gap == OnGap::replay;
    after_ = replays ? Position{} : bound.position;
    return replays || reads_needed() ? read_after(after_) : settle();
}

CatchUp::Action CatchUp::on_pages(std::vector<LogPage> pages) {
    take_facts(pages);
    bool loss = false;
    for (std::size_t i = 0; i < pages.size() && checks_floors_; ++i) {
        loss = loss || lost(pages[i], seen_of(i));
    }
    if (loss && request_.on_gap == OnGap::live) return skip_to_bound({GapReason::trimmed, {}, {}});
    const Position limit = limit_of(pages);
    more_ = limit < bound_.position;
    Action action;
    std::vector<Position> begins = checks_floors_ ? begins_ : begins_of(pages, bound_.position);
    action.frames = merge(pages, limit);
    after_ = limit;
    // What is trimmed from now on, before it was read, is a loss also of a replay from the very beginning.
    begins_ = std::move(begins);
    checks_floors_ = true;
    if (action.frames.empty()) return more_ ? read_after(after_) : settle();
    action.kind = Action::Kind::send;
    action.prefix = limit;
    return action;
}

CatchUp::Action CatchUp::on_sent() { return more_ ? read_after(after_) : settle(); }

CatchUp::Action CatchUp::on_hold_lost() {
    after_ = bound_.position;
    checks_floors_ = true;
    begins_.clear();
    // The frames of go_live were not written: what they told is still to be told.
    if (unwritten_gap_) {
        first_gap_ = std::exchange(unwritten_gap_, std::nullopt);
        --gaps_;
    }
    return {};
}

CatchUp::Action CatchUp::read_after(Position after) {
    after_ = after;
    Action action;
    action.kind = Action::Kind::read;
    action.read.bound = bound_.position;
    action.read.page_events = limits_.page_events;
    action.read.page_bytes =
        std::min(limits_.page_bytes, std::max(least_page_bytes, pages_bytes_max / request_.audiences.size()));
    for (const auto& audience : request_.audiences) action.read.logs.push_back({audience, after});
    return action;
}

// Everything up to the bound is delivered: tell what is finished, then go live or end.
CatchUp::Action CatchUp::settle() {
    Action action;
    action.prefix = bound_.position;
    unwritten_gap_ = first_gap_;
    if (first_gap_) emit_gap(action.frames, bound_.position);
    for (const auto& topic : closed_) action.frames.push_back(control::topic_closed(topic.name));
    if (!closed_.empty() && closed_.size() == request_.audiences.size()) {
        action.kind = Action::Kind::finish;
        return action;
    }
    action.kind = Action::Kind::go_live;
    action.frames.push_back(control::caught_up(replayed_, request_.ignored_categories, bound_.id()));
    return action;
}

CatchUp::Action CatchUp::skip_to_bound(Gap gap) {
    if (!first_gap_) first_gap_ = gap;
    after_ = bound_.position;
    more_ = false;
    return settle();
}

// Up to where the log was read, or was known to be gone when reading it began.
Position CatchUp::seen_of(std::size_t log) const noexcept {
    return log < begins_.size() ? std::max(after_, begins_[log]) : after_;
}

// Loss is checked entry by entry: no entry may come from beyond what this log's reader has seen.
bool CatchUp::lost(const LogPage& page, Position seen) const noexcept {
    if (page.entries.empty()) return page.floor > seen;
    for (const auto& entry : page.entries) {
        if (entry.previous > seen) return true;
        seen = entry.position;
    }
    return false;
}

void CatchUp::take_facts(const std::vector<LogPage>& pages) {
    closed_.clear();
    for (const auto& page : pages) {
        if (page.closed) closed_.push_back(page.audience);
        if (page.oldest_time && (!oldest_ || *page.oldest_time < *oldest_)) oldest_ = page.oldest_time;
    }
}

// What is complete over all logs: the least last entry of a full page, or the bound.
Position CatchUp::limit_of(const std::vector<LogPage>& pages) const {
    Position limit = bound_.position;
    for (const auto& page : pages) {
        TIDINGS_ASSERT(!page.full || !page.entries.empty());
        if (page.full) limit = std::min(limit, page.entries.back().position);
    }
    return limit;
}

// Where the losses of these pages lie, in order: each at the last position that may be missing. A loss that
// reaches beyond the limit shows again in the next page, also to a client that returns with the limit's id.
std::vector<Position> CatchUp::losses(const std::vector<LogPage>& pages, Position limit) const {
    std::vector<Position> found;
    if (!checks_floors_) return found;
    for (std::size_t i = 0; i < pages.size(); ++i) {
        const auto& page = pages[i];
        Position seen = seen_of(i);
        const bool unread = page.entries.empty() && page.floor > seen;
        for (const auto& entry : page.entries) {
            if (entry.previous > seen && entry.previous <= limit) found.push_back(entry.previous);
            if (entry.position > limit) break;
            seen = entry.position;
        }
        const bool told_later = page.floor > limit && limit < bound_.position;
        if (unread && !told_later) found.push_back(std::min(page.floor, limit));
    }
    std::sort(found.begin(), found.end());
    return found;
}

std::vector<FramePtr> CatchUp::merge(std::vector<LogPage>& pages, Position limit) {
    const auto lost_at = losses(pages, limit);
    auto untold = lost_at.begin();
    std::vector<Entry> entries;
    for (auto& page : pages) {
        for (auto& entry : page.entries) {
            if (entry.position <= limit) entries.push_back(std::move(entry));
        }
    }
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return a.position < b.position; });
    std::vector<FramePtr> frames;
    for (const auto& entry : entries) {
        // Before any id that lies beyond the loss: a client that returned with one would never learn of it.
        const auto told = std::upper_bound(untold, lost_at.end(), entry.position);
        if (told != untold || first_gap_) emit_gap(frames, entry.position.before());
        untold = told;
        if (!matches(request_.categories, category_of(entry.category))) continue;
        auto frame = Frame::encode({entry.id(), entry.type, entry.category, entry.audience, entry.data,
                                    entry.occurred_at, entry.key},
                                   WithId::yes, limits_);
        // What was accepted when it was published is not refused now.
        if (!frame) continue;
        frames.push_back(std::move(*frame));
        ++replayed_;
    }
    if (untold != lost_at.end()) emit_gap(frames, limit);
    return frames;
}

// Tells the first gap, which stands for all of them, or that something was trimmed.
void CatchUp::emit_gap(std::vector<FramePtr>& frames, Position before_next) {
    Gap gap = first_gap_.value_or(Gap{GapReason::trimmed, {}, {}});
    first_gap_.reset();
    gap.oldest = oldest_;
    frames.push_back(control::gap(gap, id_at(before_next)));
    ++gaps_;
}

CategoryMask CatchUp::category_of(const std::string& name) const {
    const auto index = registry_->category_index(name);
    return index ? CategoryMask{1} << *index : CategoryMask{0};
}

Uuid CatchUp::id_at(Position position) const {
    for (auto term = bound_.terms->terms.rbegin(); term != bound_.terms->terms.rend(); ++term) {
        if (term->name.number == position.term) return EventId{position, term->name.tag, 0}.uuid();
    }
    return bound_.id();
}

bool CatchUp::reads_needed() const noexcept {
    return first_gap_ ||
           std::any_of(request_.audiences.begin(), request_.audiences.end(),
                       [](const Audience& audience) { return audience.kind == Audience::Kind::topic; });
}

}  // namespace tidings
