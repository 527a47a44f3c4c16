#pragma once
// For tests of the catching-up machine: logs to read from, and what a client is told.

#include "fanout/catch_up.hpp"

#include <tidings/sse_decoder.hpp>

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidings {
namespace catch_up_script {

using Kind = CatchUp::Action::Kind;
inline constexpr std::uint32_t tag = 0xabc;

inline std::shared_ptr<const Registry> registry() {
    auto made = std::make_shared<Registry>();
    for (const auto* name : {"news", "money"}) EXPECT_TRUE(made->add_category(name));
    return made;
}

inline Audience alice() { return Audience::user(*UserId::parse("alice")); }
inline Audience chat() { return *Audience::topic("chat"); }
inline Position at(std::uint64_t ms) { return {1, ms, 0}; }
inline std::string id_of(std::uint64_t ms) { return EventId{at(ms), tag, 0}.uuid().text(); }

// A log to read from, and what a machine does with it: a script's other half.
struct Script {
    std::map<Audience, std::vector<Entry>> logs;
    std::map<Audience, Position> floors;
    std::map<Audience, Position> closed;
    Bound bound{at(1000), tag, std::make_shared<TermTable>(TermTable{{{{1, tag}, at(1), {}, true, false}}})};
    std::vector<SseEvent> told;
    Position delivered{};
    int reads = 0;
    int finds = 0;
    int failing_reads = 0;  // so many reads and searches fail first

    void add(const Audience& audience, std::uint64_t ms, std::string category = "news") {
        auto& log = logs[audience];
        Entry entry;
        entry.audience = audience;
        entry.position = at(ms);
        entry.tag = tag;
        entry.previous = log.empty() ? Position{} : log.back().position;
        entry.type = "a.b";
        entry.category = std::move(category);
        entry.data = std::to_string(ms);
        entry.occurred_at = Timestamp{std::chrono::milliseconds{ms}};
        log.push_back(entry);
    }

    // Another system's entry. It may be appended behind entries that lie beyond it.
    void add_foreign(const Audience& audience, std::uint64_t ms, Uuid id) {
        add(audience, ms);
        auto& entry = logs[audience].back();
        entry.foreign = true;
        entry.foreign_id = id;
    }

    std::optional<Position> find(const CatchUp::Action& action) {
        ++finds;
        for (const auto& log : action.read.logs) {
            for (const auto& entry : logs[log.audience]) {
                if (entry.foreign && entry.foreign_id == action.id) return entry.position;
            }
        }
        return std::nullopt;
    }

    // A new term with what is retained; the old one ended at `end`.
    enum class End { sealed, open };
    void new_term(std::uint64_t end, End how, std::uint64_t start) {
        auto terms = std::make_shared<TermTable>(*bound.terms);
        auto& ended = terms->terms.back();
        ended.running = false;
        ended.end = {ended.name.number, end, 0};
        ended.sealed = how == End::sealed;
        const auto number = static_cast<std::uint16_t>(ended.name.number + 1);
        terms->terms.push_back({{number, tag}, {number, start, 0}, {}, true, false});
        bound = {{number, start + 1000, 0}, tag, terms};
    }

    std::vector<LogPage> read(const ReadRequest& request) {
        ++reads;
        std::vector<LogPage> pages;
        for (const auto& [audience, after] : request.logs) {
            LogPage page;
            page.audience = audience;
            page.floor = floors.contains(audience) ? floors[audience]
                         : logs[audience].empty()  ? Position{}
                                                   : logs[audience].front().previous;
            if (!logs[audience].empty()) page.oldest_time = logs[audience].front().occurred_at;
            if (closed.contains(audience) && closed[audience] <= request.bound)
                page.closed = closed[audience];
            const auto repeat = static_cast<std::uint64_t>(request.repeat_foreign.count());
            for (const auto& entry : logs[audience]) {
                if (entry.foreign && repeat > 0 && entry.position <= after &&
                    entry.position.milliseconds + repeat > after.milliseconds)
                    page.repeats.push_back(entry);
                if (entry.position <= after || entry.position > request.bound) continue;
                if (page.entries.size() == request.page_events) {
                    page.full = true;
                    break;
                }
                page.entries.push_back(entry);
            }
            pages.push_back(std::move(page));
        }
        return pages;
    }

    void tell(const CatchUp::Action& action) {
        SseDecoder decoder;
        for (const auto& frame : action.frames) {
            for (auto& event : decoder.feed(frame->text())) told.push_back(std::move(event));
        }
        EXPECT_GE(action.prefix, delivered);
        delivered = action.prefix;
    }

    // Runs until the machine would go live or end.
    Kind run(CatchUp& machine, CatchUp::Action action) {
        for (int steps = 0; steps < 1000; ++steps) {
            switch (action.kind) {
                case Kind::ask_bound: action = machine.on_bound(bound); break;
                case Kind::find:
                    action = fails() ? machine.on_read_failed() : machine.on_found(find(action));
                    break;
                case Kind::read:
                    action = fails() ? machine.on_read_failed() : machine.on_pages(read(action.read));
                    break;
                case Kind::send:
                    tell(action);
                    action = machine.on_sent();
                    break;
                case Kind::go_live:
                case Kind::finish: tell(action); return action.kind;
            }
        }
        ADD_FAILURE() << "the machine does not come to an end";
        return Kind::finish;
    }

    bool fails() { return failing_reads > 0 && failing_reads-- > 0; }

    std::string story() const {
        std::string text;
        for (const auto& event : told) {
            text += event.type == "a.b"
                        ? event.data
                        : event.type.substr(8) + (event.type == "tidings.gap" ? event.data : "");
            text += ' ';
        }
        return text;
    }
};

inline CatchUpRequest request(std::string cursor) {
    CatchUpRequest made;
    made.audiences = {alice(), Audience::broadcast()};
    if (!cursor.empty()) made.from = {CatchUpFrom::Kind::cursor, std::move(cursor), {}};
    return made;
}

}  // namespace catch_up_script
}  // namespace tidings
