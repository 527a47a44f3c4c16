#include "fanout/catch_up.hpp"

#include "base/assert.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace tidings {
namespace {

// A foreign entry may come into view so long after entries beyond it.
constexpr std::chrono::seconds foreign_may_pass{2};
constexpr std::size_t least_page_bytes = 8 * 1024;
constexpr std::size_t pages_bytes_max = 256 * 1024;  // of all logs of one stream together

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
    if (begun_) return stand_at(after_);
    using From = CatchUpFrom::Kind;
    if (request_.dropped > 0) first_gap_ = Gap{GapReason::overflow, request_.dropped, {}};
    if (request_.from.kind == From::cursor) return begin_at_cursor();
    begun_ = true;
    switch (request_.from.kind) {
        case From::earliest: return read_all();
        case From::position: repeats_ = repeats_foreign(); return stand_at(request_.from.position);
        default: return begin_at({CursorKind::none, {}});
    }
}

// An id of another system says no position: the logs are searched for it first.
CatchUp::Action CatchUp::begin_at_cursor() {
    const auto meaning = interpret(request_.from.cursor, *bound_.terms, bound_.position);
    const auto uuid = Uuid::parse_any(request_.from.cursor);
    const auto id = uuid ? EventId::from(*uuid) : std::nullopt;
    const bool ours = id && bound_.terms->find(id->term()) != nullptr;
    if (!uuid || ours || !repeats_foreign()) return begin_at(meaning);
    Action action;
    action.kind = Action::Kind::find;
    action.id = *uuid;
    for (const auto& audience : request_.audiences) action.read.logs.push_back({audience, {}});
    return action;
}

CatchUp::Action CatchUp::on_found(std::optional<Position> found) {
    if (!found) return begin_at(interpret(request_.from.cursor, *bound_.terms, bound_.position));
    // It was appended after the bound: the next one covers it.
    if (*found > bound_.position) return {};
    return begin_at(interpret(*found, *bound_.terms, bound_.position));
}

CatchUp::Action CatchUp::begin_at(CursorMeaning meaning) {
    begun_ = true;
    switch (meaning.kind) {
        case CursorKind::ours: repeats_ = repeats_foreign(); return read_after(meaning.after);
        case CursorKind::store_reset: first_gap_ = Gap{GapReason::store_reset, {}, {}}; break;
        case CursorKind::unknown_id: first_gap_ = Gap{GapReason::unknown_id, {}, {}}; break;
        case CursorKind::none: break;
    }
    // With a gap, live or all that is retained; without, live. The bound's own page still says which topics
    // are finished and how old the oldest event is.
    if (first_gap_ && request_.on_gap == OnGap::replay) return read_all();
    after_ = bound_.position;
    return reads_needed() ? read_after(after_) : settle();
}

// On from where this stream was already brought to, if that still counts. If not, what is retained beyond it
// is all that it has not had.
CatchUp::Action CatchUp::stand_at(Position stand) {
    const bool holds = interpret(stand, *bound_.terms, bound_.position).kind == CursorKind::ours;
    if (holds) return read_after(stand);
    first_gap_ = Gap{GapReason::store_reset, {}, {}};
    if (request_.on_gap == OnGap::live) return read_after(bound_.position);
    if (stand <= bound_.position) return read_after(stand);
    return read_all();
}

// What is trimmed from now on, before it was read, is a loss also of a replay from the very beginning.
CatchUp::Action CatchUp::read_all() {
    begins_.assign(request_.audiences.size(), bound_.position);
    whole_ = true;
    return read_after({});
}

CatchUp::Action CatchUp::on_pages(std::vector<LogPage> pages) {
    take_facts(pages);
    bool loss = false;
    for (std::size_t i = 0; i < pages.size(); ++i) loss = loss || lost(pages[i], seen_of(i));
    if (loss && request_.on_gap == OnGap::live) return skip_to_bound({GapReason::trimmed, {}, {}});
    const Position limit = limit_of(pages);
    more_ = limit < bound_.position;
    Action action;
    std::vector<Position> begins = std::exchange(whole_, false) ? begins_of(pages) : begins_;
    action.frames = merge(pages, limit, repeated(pages));
    after_ = limit;
    begins_ = std::move(begins);
    if (action.frames.empty()) return more_ ? read_after(after_) : settle();
    action.kind = Action::Kind::send;
    action.prefix = limit;
    return action;
}

// Where each log begins for a reader that asked for all that is retained. A log without entries loses none,
// unless it lost some since the reader came, which may still be to be told.
std::vector<Position> CatchUp::begins_of(const std::vector<LogPage>& pages) const {
    std::vector<Position> begins = begins_;
    for (std::size_t i = 0; i < pages.size(); ++i) {
        if (lost(pages[i], seen_of(i))) continue;
        begins[i] = pages[i].entries.empty() ? bound_.position : pages[i].floor;
    }
    return begins;
}

CatchUp::Action CatchUp::on_sent() { return more_ ? read_after(after_) : settle(); }

CatchUp::Action CatchUp::on_hold_lost() {
    after_ = bound_.position;
    begins_.clear();
    whole_ = false;
    repeats_ = repeats_foreign();
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
    if (repeats_) action.read.repeat_foreign = foreign_may_pass;
    for (const auto& audience : request_.audiences) action.read.logs.push_back({audience, after});
    return action;
}

// Everything up to the bound is delivered: tell what is finished, then go live or end.
CatchUp::Action CatchUp::settle() {
    Action action;
    action.prefix = bound_.position;
    if (std::exchange(request_.foreign_lost, false) && !first_gap_)
        first_gap_ = Gap{GapReason::foreign, {}, {}};
    unwritten_gap_ = first_gap_;
    if (first_gap_) emit_gap(action.frames, bound_.id());
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

FramePtr CatchUp::frame_of(const Entry& entry, WithId with_id) const {
    const Uuid id = entry.id();
    auto frame = Frame::encode(
        {id, entry.type, entry.category, entry.audience, entry.data, entry.occurred_at, entry.key},
        id.nil() ? WithId::no : with_id, limits_);
    // What was accepted when it was published is not refused now.
    return frame ? std::move(*frame) : nullptr;
}

// Foreign entries from before the cursor, which may have passed unseen: without ids, since the client may
// have ids from beyond them.
std::vector<FramePtr> CatchUp::repeated(std::vector<LogPage>& pages) {
    std::vector<FramePtr> frames;
    if (!std::exchange(repeats_, false)) return frames;
    const auto cursor = Uuid::parse_any(request_.from.cursor);
    std::vector<Entry> entries;
    for (auto& page : pages) std::move(page.repeats.begin(), page.repeats.end(), std::back_inserter(entries));
    std::ranges::sort(entries, {}, &Entry::position);
    for (const auto& entry : entries) {
        if (entry.id() == cursor || !matches(request_.categories, category_of(entry.category))) continue;
        if (auto frame = frame_of(entry, WithId::no)) frames.push_back(std::move(frame));
    }
    replayed_ += frames.size();
    return frames;
}

std::vector<FramePtr> CatchUp::merge(const std::vector<LogPage>& pages, Position limit,
                                     std::vector<FramePtr> frames) {
    const auto lost_at = losses(pages, limit);
    auto untold = lost_at.begin();
    // Where they lie in the pages: an entry is large, and sorting would move it many times.
    std::vector<const Entry*> entries;
    entries.reserve(
        std::accumulate(pages.begin(), pages.end(), std::size_t{0},
                        [](std::size_t sum, const LogPage& page) { return sum + page.entries.size(); }));
    for (const auto& page : pages) {
        for (const auto& entry : page.entries) {
            if (entry.position <= limit) entries.push_back(&entry);
        }
    }
    std::sort(entries.begin(), entries.end(),
              // Ours before a foreign entry of the same place, whose id would hide it.
              [](const Entry* a, const Entry* b) {
                  return a->position != b->position ? a->position < b->position : !a->foreign && b->foreign;
              });
    for (const auto* at : entries) {
        const auto& entry = *at;
        // Before any id that lies beyond the loss: a client that returned with one would never learn of it.
        const auto told = std::upper_bound(untold, lost_at.end(), entry.position);
        if (told != untold || first_gap_) emit_gap(frames, id_before(entry));
        untold = told;
        if (!matches(request_.categories, category_of(entry.category))) continue;
        auto frame = frame_of(entry, WithId::yes);
        if (!frame) continue;
        frames.push_back(std::move(frame));
        ++replayed_;
    }
    if (untold != lost_at.end()) {
        const bool last = !entries.empty() && entries.back()->position == limit && !entries.back()->foreign;
        emit_gap(frames, last ? entries.back()->id() : id_at(limit));
    }
    return frames;
}

// Tells the first gap, which stands for all of them, or that something was trimmed.
void CatchUp::emit_gap(std::vector<FramePtr>& frames, Uuid before_next) {
    Gap gap = first_gap_.value_or(Gap{GapReason::trimmed, {}, {}});
    first_gap_.reset();
    gap.oldest = oldest_;
    frames.push_back(control::gap(gap, before_next));
    ++gaps_;
}

CategoryMask CatchUp::category_of(const std::string& name) const {
    const auto index = registry_->category_index(name);
    return index ? CategoryMask{1} << *index : CategoryMask{0};
}

// The place just before an entry, in the entry's own term: logs may hold entries of terms that the table does
// not know any more.
Uuid CatchUp::id_before(const Entry& entry) const {
    const Position before = entry.position.before();
    return entry.foreign ? id_at(before) : EventId{before, entry.tag, 0}.uuid();
}

// A place of a term that is not known is none to return to: who does is told.
Uuid CatchUp::id_at(Position position) const {
    for (auto term = bound_.terms->terms.rbegin(); term != bound_.terms->terms.rend(); ++term) {
        if (term->name.number == position.term) return EventId{position, term->name.tag, 0}.uuid();
    }
    return EventId{position, 0, 0}.uuid();
}

// Other systems know users and broadcasts, not topics.
bool CatchUp::repeats_foreign() const noexcept {
    return request_.foreign && std::ranges::any_of(request_.audiences, [](const Audience& audience) {
               return audience.kind != Audience::Kind::topic;
           });
}

bool CatchUp::reads_needed() const noexcept {
    return first_gap_ ||
           std::any_of(request_.audiences.begin(), request_.audiences.end(),
                       [](const Audience& audience) { return audience.kind == Audience::Kind::topic; });
}

}  // namespace tidings
