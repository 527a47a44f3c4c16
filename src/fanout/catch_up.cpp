#include "fanout/catch_up.hpp"

#include "base/assert.hpp"

#include <algorithm>

namespace tidings {
namespace {

constexpr std::size_t least_page_bytes = 8 * 1024;
constexpr std::size_t pages_bytes_max = 256 * 1024;  // of all logs of one stream together

}  // namespace

// An entry and, before it, the loss of its log if there was one.
struct CatchUp::Merged {
    Entry entry;
    bool after_loss = false;
};

CatchUp::CatchUp(CatchUpRequest request, std::shared_ptr<const Registry> registry, const Limits& limits)
    : request_{std::move(request)}, registry_{std::move(registry)}, limits_{limits} {}

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
    const bool loss = checks_floors_ && std::any_of(pages.begin(), pages.end(),
                                                    [&](const LogPage& page) { return lost(page); });
    if (loss && request_.on_gap == OnGap::live) return skip_to_bound({GapReason::trimmed, {}, {}});
    const Position limit = limit_of(pages);
    more_ = limit < bound_.position;
    Action action;
    action.frames = merge(pages, limit);
    after_ = limit;
    if (action.frames.empty()) return more_ ? read_after(after_) : settle();
    action.kind = Action::Kind::send;
    action.prefix = limit;
    return action;
}

CatchUp::Action CatchUp::on_sent() { return more_ ? read_after(after_) : settle(); }

CatchUp::Action CatchUp::on_hold_lost() {
    after_ = bound_.position;
    checks_floors_ = true;
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
    if (first_gap_) {
        emit_gap(action.frames, *first_gap_, bound_.position);
        first_gap_.reset();
    }
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

// Loss is checked entry by entry: no entry may come from beyond what this log's reader has seen.
bool CatchUp::lost(const LogPage& page) const noexcept {
    if (page.entries.empty()) return page.floor > after_;
    Position seen = after_;
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

std::vector<FramePtr> CatchUp::merge(std::vector<LogPage>& pages, Position limit) {
    std::vector<Merged> merged;
    bool lost_at_the_end = false;
    for (auto& page : pages) {
        Position seen = after_;
        for (auto& entry : page.entries) {
            if (entry.position > limit) break;
            const bool after_loss = checks_floors_ && entry.previous > seen;
            seen = entry.position;
            merged.push_back({std::move(entry), after_loss});
        }
        if (checks_floors_ && page.entries.empty() && page.floor > after_) lost_at_the_end = true;
    }
    std::sort(merged.begin(), merged.end(),
              [](const Merged& a, const Merged& b) { return a.entry.position < b.entry.position; });
    std::vector<FramePtr> frames;
    for (const auto& [entry, after_loss] : merged) {
        if (first_gap_) {
            emit_gap(frames, *first_gap_, entry.position.before());
            first_gap_.reset();
        } else if (after_loss) {
            emit_gap(frames, {GapReason::trimmed, {}, {}}, entry.position.before());
        }
        if (!matches(request_.categories, category_of(entry.category))) continue;
        auto frame = Frame::encode({entry.id(), entry.type, entry.category, entry.audience, entry.data,
                                    entry.occurred_at, entry.key},
                                   WithId::yes, limits_);
        // What was accepted when it was published is not refused now: only a narrower limit could do that.
        if (!frame) continue;
        frames.push_back(std::move(*frame));
        ++replayed_;
    }
    if (lost_at_the_end) emit_gap(frames, {GapReason::trimmed, {}, {}}, limit);
    return frames;
}

void CatchUp::emit_gap(std::vector<FramePtr>& frames, Gap gap, Position before_next) {
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
