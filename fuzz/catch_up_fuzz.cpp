// The catching-up machine against logs that grow and are trimmed while it reads, with holds that are lost,
// terms that end, reads that fail and entries of other systems. A
// client may be cut after any frame and come back with the last id it saw. So whatever happens: the first
// frame whose id is at or beyond a matching event is that event, or, where a log lost some entries in a row,
// the first frame whose id is at or beyond the last of them is a gap (P-1, P-2, P-3).

#include "fanout/catch_up.hpp"

#include "base/assert.hpp"
#include "byte_source.hpp"

#include <tidings/sse_decoder.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

using namespace tidings;

namespace {

constexpr std::uint32_t tag = 0xabc;
constexpr std::size_t events_max = 200;
using Kind = CatchUp::Action::Kind;
using From = CatchUpFrom::Kind;

const std::array<Audience, 3>& audiences() {
    static const std::array<Audience, 3> made{Audience::user(*UserId::parse("alice")), Audience::broadcast(),
                                              *Audience::topic("chat")};
    return made;
}

std::shared_ptr<const Registry> registry() {
    static const auto made = [] {
        auto fresh = std::make_shared<Registry>();
        for (const auto* name : {"news", "money"}) TIDINGS_ASSERT(fresh->add_category(name));
        return fresh;
    }();
    return made;
}

Uuid foreign_id(std::size_t number) {
    auto uuid = *Uuid::parse("c232ab00-9414-41ec-b3c8-9f6bdeced800");
    uuid.bytes[15] = static_cast<std::uint8_t>(number);
    return uuid;
}

struct Log {
    std::vector<Entry> entries;  // all that was ever appended
    std::size_t trimmed = 0;     // so many of them are gone
    Position floor_when_empty{};
    std::optional<Position> closed;
};

// A store of three logs, driven by the input.
struct World {
    std::array<Log, 3> logs;
    TermTable terms{{{{1, tag}, {1, 1, 0}, {}, true, false}}};
    Position last{1, 1, 0};
    bool lost_any = false;  // something was trimmed, or a term's end was left open
    std::size_t appended = 0;

    Position mint(std::size_t step) {
        last = step == 0 ? last.next() : Position{last.term, last.milliseconds + step, 0};
        return last;
    }
    void append(ByteSource& source) {
        const auto choice = source.byte();
        auto& log = logs[choice % 3];
        if (log.closed || ++appended > events_max) return;
        Entry entry;
        entry.audience = audiences()[choice % 3];
        // A log that is born again begins where the dead one's floor was, or later.
        const bool born = log.trimmed == log.entries.size();
        entry.previous = born ? log.floor_when_empty : log.entries.back().position;
        entry.position = mint(choice >> 4 & 7);
        entry.tag = tag;
        entry.type = "a.b";
        entry.category = (choice & 0x08) != 0 ? "money" : "news";
        entry.data = std::to_string(appended);
        entry.foreign = source.below(4) == 3;
        if (entry.foreign) entry.foreign_id = foreign_id(appended);
        log.entries.push_back(entry);
    }
    void trim(ByteSource& source) {
        const auto choice = source.byte();
        auto& log = logs[choice % 3];
        const auto left = log.entries.size() - log.trimmed;
        log.trimmed += std::min<std::size_t>(left, choice >> 3);
        lost_any = lost_any || log.trimmed > 0;
        if (log.trimmed == log.entries.size() && log.trimmed > 0) {
            log.floor_when_empty = std::max(log.floor_when_empty, log.entries.back().position);
            if ((choice & 0x04) != 0) log.floor_when_empty = last;  // it died whole, an age ago
        }
    }
    void new_term(ByteSource& source) {
        if (terms.terms.size() == 4) return;
        auto& ended = terms.terms.back();
        ended.running = false;
        ended.end = last;
        ended.sealed = source.below(4) != 0;
        lost_any = lost_any || !ended.sealed;
        const auto number = static_cast<std::uint16_t>(ended.name.number + 1);
        last = {number, last.milliseconds + 1, 0};
        terms.terms.push_back({{number, tag}, last, {}, true, false});
    }
    void change(ByteSource& source) {
        switch (source.below(8)) {
            case 0: source.below(8) == 7 ? new_term(source) : trim(source); break;
            case 1: mint(1); break;
            case 2:
                if (!logs[2].closed) logs[2].closed = mint(1);
                break;
            default: append(source); break;
        }
    }
    std::optional<Position> find(const Uuid& id, const std::array<bool, 3>& member) const {
        for (std::size_t log = 0; log < 3; ++log) {
            for (std::size_t i = logs[log].trimmed; i < logs[log].entries.size() && member[log]; ++i) {
                const auto& entry = logs[log].entries[i];
                if (entry.foreign && entry.foreign_id == id) return entry.position;
            }
        }
        return std::nullopt;
    }
    Bound bound() { return {mint(1), tag, std::make_shared<TermTable>(terms)}; }

    LogPage page(std::size_t which, Position after, const ReadRequest& request) const {
        const auto& log = logs[which];
        LogPage page;
        page.audience = audiences()[which];
        if (log.closed && *log.closed <= request.bound) page.closed = log.closed;
        if (log.trimmed == log.entries.size()) {
            page.floor = log.floor_when_empty;
            return page;
        }
        page.floor = log.entries[log.trimmed].previous;
        for (std::size_t i = log.trimmed; i < log.entries.size(); ++i) {
            const auto& entry = log.entries[i];
            const auto repeat = static_cast<std::uint64_t>(request.repeat_foreign.count());
            const bool repeats = entry.foreign && repeat > 0 && entry.position <= after;
            if (repeats && entry.position.milliseconds + repeat > after.milliseconds)
                page.repeats.push_back(entry);
            if (entry.position <= after || entry.position > request.bound) continue;
            page.full = page.entries.size() == request.page_events;
            if (page.full) break;
            page.entries.push_back(entry);
        }
        return page;
    }
};

struct Told {
    Position id;
    bool event = false;
    bool gap = false;
};

// One stream's machine, what it told, and what that must fulfil.
class Run {
public:
    explicit Run(ByteSource& source) : source_{source} {}

    void go() {
        for (auto count = source_.below(64); count > 0; --count) {
            source_.below(16) == 15 ? world_.new_term(source_) : world_.change(source_);
        }
        choose();
        CatchUp machine{request_, registry(), limits_};
        auto action = machine.start();
        for (int holds_lost = 0; holds_lost < 4; ++holds_lost) {
            action = to_the_end(machine, std::move(action));
            const bool hold_lost = action.kind == Kind::go_live && holds_lost < 3 && source_.below(3) == 1;
            if (!hold_lost) break;
            action = machine.on_hold_lost();
        }
        tell(action);
        if (action.kind == Kind::go_live) TIDINGS_ASSERT(action.prefix == bound_);
        check(machine);
    }

private:
    void choose() {
        const auto subscribed = 1 + source_.below(7);
        for (std::size_t i = 0; i < 3; ++i) {
            member_[i] = (subscribed >> i & 1) != 0;
            if (member_[i]) request_.audiences.push_back(audiences()[i]);
        }
        constexpr std::array<CategoryMask, 4> masks{all_categories, 1, 2, 0};
        const auto choice = source_.byte();
        request_.categories = masks[choice & 3];
        request_.on_gap = (choice & 4) != 0 ? OnGap::replay : OnGap::live;
        if ((choice & 8) != 0) request_.dropped = 3;
        limits_.page_events = 1 + (choice >> 4 & 3);
        const auto foreign = source_.below(4);
        request_.foreign = foreign != 0;
        request_.foreign_lost = foreign == 3;
        const EventId cursor{any_position(), source_.below(8) == 7 ? tag + 1 : tag, 0};
        switch (source_.below(8)) {
            case 0: break;
            case 1: request_.from.kind = From::earliest; break;
            case 2: request_.from = {From::cursor, "abc", {}}; break;
            case 3: request_.from = {From::position, {}, cursor.position}; break;
            case 4: request_.from = {From::cursor, foreign_id(source_.byte()).text(), {}}; break;
            default: request_.from = {From::cursor, cursor.uuid().text(), {}}; break;
        }
    }

    Position any_position() {
        const auto& log = world_.logs[source_.below(3)];
        const auto at = source_.below(log.entries.size() + 1);
        const auto exact = at < log.entries.size() ? log.entries[at].position : world_.last;
        return source_.below(4) == 3 ? exact.before() : exact;
    }

    CatchUp::Action to_the_end(CatchUp& machine, CatchUp::Action action) {
        for (std::size_t steps = 0; steps < 8 * events_max; ++steps) {
            if (!source_.empty() && source_.below(2) == 1) world_.change(source_);
            switch (action.kind) {
                case Kind::ask_bound: action = machine.on_bound(take_bound()); break;
                case Kind::find: action = find(machine, action.id); break;
                case Kind::read:
                    action = fails() ? machine.on_read_failed() : machine.on_pages(pages(action.read));
                    break;
                case Kind::send:
                    tell(action);
                    action = machine.on_sent();
                    break;
                case Kind::go_live:
                case Kind::finish: return action;
            }
        }
        TIDINGS_ASSERT(!"the machine comes to an end");
        return action;
    }

    Bound take_bound() {
        auto bound = world_.bound();
        bound_ = bound.position;
        terms_ = *bound.terms;
        if (begun_) return bound;
        first_bound_ = bound.position;
        begun_ = true;  // unless the machine looks for the cursor first
        if (request_.from.kind == From::cursor) {
            meaning_ = interpret(request_.from.cursor, terms_, bound_);
        } else if (request_.from.kind == From::position) {
            meaning_ = interpret(request_.from.position, terms_, bound_);
        }
        return bound;
    }

    CatchUp::Action find(CatchUp& machine, const Uuid& id) {
        begun_ = false;
        if (fails()) return machine.on_read_failed();
        const auto found = world_.find(id, member_);
        begun_ = !found || *found <= bound_;
        if (found) meaning_ = interpret(*found, terms_, bound_);
        return machine.on_found(found);
    }

    bool fails() { return failures_ < 4 && source_.below(8) == 7 && ++failures_ > 0; }

    std::vector<LogPage> pages(const ReadRequest& request) const {
        TIDINGS_ASSERT(request.bound == bound_ && request.page_events == limits_.page_events);
        std::vector<LogPage> read;
        std::size_t next = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            if (!member_[i]) continue;
            const auto& log = request.logs.at(next++);
            TIDINGS_ASSERT(log.audience == audiences()[i] && log.after >= prefix_);
            read.push_back(world_.page(i, log.after, request));
        }
        return read;
    }

    void tell(const CatchUp::Action& action) {
        TIDINGS_ASSERT(action.prefix >= prefix_);
        prefix_ = action.prefix;
        SseDecoder decoder;
        for (const auto& frame : action.frames) {
            for (const auto& event : decoder.feed(frame->text())) {
                if (event.type == "tidings.closed") continue;
                const auto uuid = Uuid::parse(event.last_event_id);
                if (!uuid) {
                    check_repeat(event);
                    continue;
                }
                told_.push_back({position_of(*uuid), event.type == "a.b", event.type == "tidings.gap"});
                // An id never exceeds what has been written.
                TIDINGS_ASSERT(told_.back().id <= action.prefix);
            }
        }
    }

    // Only what another system wrote before the stream's place comes without an id.
    void check_repeat(const SseEvent& event) const {
        TIDINGS_ASSERT(event.type == "a.b" && request_.foreign);
        bool found = false;
        for (std::size_t log = 0; log < 3; ++log) {
            for (const auto& entry : world_.logs[log].entries) {
                found = found || (entry.data == event.data && entry.foreign && wanted(entry, log));
            }
        }
        TIDINGS_ASSERT(found);
    }

    Position position_of(const Uuid& uuid) const {
        if (const auto id = EventId::from(uuid)) return id->position;
        for (const auto& log : world_.logs) {
            for (const auto& entry : log.entries) {
                if (entry.foreign && entry.foreign_id == uuid) return entry.position;
            }
        }
        TIDINGS_ASSERT(!"an id is ours or an entry's");
        return {};
    }

    bool wanted(const Entry& entry, std::size_t log) const {
        const CategoryMask category = entry.category == "news" ? 1 : 2;
        return member_[log] && matches(request_.categories, category);
    }

    // What the stream must tell, as an event or a gap: everything after its cursor. Without a cursor that
    // holds, everything after the first bound, and before it what is still there and was asked for.
    bool required(const Entry& entry, bool retained) const {
        if (entry.position > bound_) return false;
        if (meaning_.kind == CursorKind::ours) return entry.position > meaning_.after;
        if (entry.position > first_bound_) return true;
        const bool all = request_.from.kind == From::earliest ||
                         (request_.on_gap == OnGap::replay && meaning_.kind != CursorKind::none) ||
                         (request_.on_gap == OnGap::replay && request_.dropped > 0);
        // A stream that was cut at a position has had what lies before it.
        const bool had = request_.from.kind == From::position && entry.position <= request_.from.position;
        return all && retained && !had;
    }

    void check(const CatchUp& machine) const {
        std::size_t gaps = 0;
        for (std::size_t i = 0; i < told_.size(); ++i) {
            const bool repeats = i > 0 && told_[i].event && told_[i].id == told_[i - 1].id;
            TIDINGS_ASSERT(i == 0 || (told_[i].id >= told_[i - 1].id && !repeats));
            gaps += told_[i].gap ? 1 : 0;
        }
        TIDINGS_ASSERT(machine.gaps() == gaps);
        for (std::size_t log = 0; log < 3; ++log) {
            const auto& entries = world_.logs[log].entries;
            for (std::size_t i = 0; i < entries.size(); ++i) {
                if (!wanted(entries[i], log) || !required(entries[i], i >= world_.logs[log].trimmed))
                    continue;
                check_told(entries[i].position, end_of_loss(world_.logs[log], i));
            }
        }
        for (const auto& one : told_) {
            if (one.event) check_event(one.id);
        }
        const bool breaks = meaning_.kind == CursorKind::store_reset ||
                            meaning_.kind == CursorKind::unknown_id || request_.dropped > 0;
        const bool earliest = request_.from.kind == From::earliest;
        if (breaks && !earliest) TIDINGS_ASSERT(gaps > 0);
        if (request_.foreign_lost) TIDINGS_ASSERT(gaps > 0);
        if (!breaks && !request_.foreign_lost && !world_.lost_any) TIDINGS_ASSERT(gaps == 0);
        const bool may_go_on = request_.dropped > 0 || request_.foreign_lost;
        if (request_.on_gap == OnGap::live && !may_go_on) check_nothing_replayed_after_a_gap();
    }

    void check_nothing_replayed_after_a_gap() const {
        bool gap = false;
        for (const auto& one : told_) {
            TIDINGS_ASSERT(!gap || !one.event || one.id > first_bound_);
            gap = gap || one.gap;
        }
    }

    bool was_sent(Position position) const {
        return std::ranges::any_of(told_, [&](const Told& one) { return one.event && one.id == position; });
    }

    // The last position that may be missing where entries in a row are gone and were not sent: an id before
    // it shows the loss to a client that returns with it.
    Position end_of_loss(const Log& log, std::size_t i) const {
        auto end = log.entries[i].position;
        for (; i < log.trimmed && !was_sent(log.entries[i].position); ++i) {
            const bool has_next = i + 1 < log.entries.size();
            end = has_next ? log.entries[i + 1].previous : log.floor_when_empty;
        }
        return std::min(end, bound_);
    }

    void check_told(Position position, Position end) const {
        if (was_sent(position)) return;  // and in order: that was checked
        for (const auto& one : told_) {
            if (one.gap && one.id >= std::min(position, end)) return;
            TIDINGS_ASSERT(one.id < end);
        }
        TIDINGS_ASSERT(!"an event is neither told nor missed");
    }

    void check_event(Position position) const {
        if (meaning_.kind == CursorKind::ours) TIDINGS_ASSERT(position > meaning_.after);
        bool found = false;
        for (std::size_t log = 0; log < 3; ++log) {
            for (const auto& entry : world_.logs[log].entries) {
                found = found || (entry.position == position && wanted(entry, log));
            }
        }
        TIDINGS_ASSERT(found);
    }

    ByteSource& source_;
    World world_;
    CatchUpRequest request_;
    Limits limits_;
    std::array<bool, 3> member_{};
    CursorMeaning meaning_{};
    Position bound_, first_bound_, prefix_;
    TermTable terms_;
    bool begun_ = false;  // the cursor's meaning is settled
    int failures_ = 0;
    std::vector<Told> told_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteSource source{data, size};
    Run{source}.go();
    return 0;
}
