#include "redis/log_reads.hpp"

#include "redis/reply_error.hpp"
#include "redis/term_text.hpp"

#include <algorithm>
#include <charconv>

namespace tidings::redis {
namespace {

constexpr std::size_t entry_overhead = 64;  // as every store counts an entry's keys and times
constexpr std::size_t repeats_max = 256;

Milliseconds minus(Milliseconds moment, Milliseconds age) noexcept { return moment > age ? moment - age : 0; }

Milliseconds age_of(const ReadContext& context, const Audience& audience) noexcept {
    const auto age = context.retention.of(audience).age.count();
    return age > 0 ? static_cast<Milliseconds>(age) : 0;
}

bool is_topic(const Audience& audience) noexcept { return audience.kind == Audience::Kind::topic; }

// XINFO, XRANGE, and for topics the tombstone, with repeats an XREVRANGE.
std::size_t commands_of(const LogAfter& log, const ReadRequest& request) noexcept {
    return 2U + (is_topic(log.audience) ? 1U : 0U) + (request.repeat_foreign.count() > 0 ? 1U : 0U);
}

// Takes one log's replies.
class PageMaker {
public:
    PageMaker(const ReadRequest& request, std::size_t page_events, const ReadContext& context,
              WireReader& reader, Milliseconds clock, ReadPages& found)
        : request_{request},
          page_events_{page_events},
          context_{context},
          reader_{reader},
          clock_{clock},
          found_{found} {}

    Result<LogPage> page(const LogAfter& log, const Value* replies) {
        LogPage page;
        page.audience = log.audience;
        const Value& info = replies[0];
        const Value& range = replies[1];
        std::size_t next = 2;
        if (is_topic(log.audience)) take_tombstone(page, replies[next++]);
        if (range.is_error()) return refused(range, log.audience);
        if (info.is_error() && !info.text.starts_with("ERR no such key")) return refused(info, log.audience);
        const auto length = info.field("length").as_integer().value_or(0);
        const auto last = WireReader::position_of(info.field("last-entry"), context_.facts.table);
        const auto age = age_of(context_, log.audience);
        // A last entry without a position lies beyond any time: such a log has not died.
        if (length == 0 || (last && last->milliseconds < minus(clock_, age))) {
            page.floor = absent_floor(log.audience, age);
            return page;
        }
        take_floor(page, info, age);
        take_entries(page, log, range);
        if (request_.repeat_foreign.count() > 0) take_repeats(page, replies[next]);
        return page;
    }

private:
    Error refused(const Value& reply, const Audience& audience) const {
        const auto error = classify(reply.text);
        return {error.errc,
                "Redis refuses to read " + context_.names.stream(audience) + ": " + error.error().detail};
    }

    Position absent_floor(const Audience& audience, Milliseconds age) const {
        if (context_.evicts) return request_.bound;
        return context_.facts.table.at(std::max(minus(clock_, age), changed(audience)));
    }

    // No floor is older than the last change of the age.
    Milliseconds changed(const Audience& audience) const {
        return context_.facts.ages_changed[static_cast<std::size_t>(audience.kind)];
    }

    void take_tombstone(LogPage& page, const Value& stone) const {
        const auto text = stone.text_or_empty();
        const auto first = text.find(' ');
        const auto second = text.find(' ', first + 1);
        if (first == std::string_view::npos || second == std::string_view::npos) return;
        Milliseconds expires = 0;
        std::from_chars(text.data(), text.data() + first, expires);
        const auto position = parse_position(text.substr(second + 1));
        if (position && clock_ <= expires && *position <= request_.bound) page.closed = *position;
    }

    // The oldest entry's `prev`. Of a foreign one: its time minus the age where nothing was ever removed,
    // else its own place.
    void take_floor(LogPage& page, const Value& info, Milliseconds age) {
        const Value& first = info.field("first-entry");
        const auto oldest = WireReader::position_of(first, context_.facts.table);
        if (!oldest) {
            page.floor = request_.bound;
            return;
        }
        page.oldest = *oldest;
        page.oldest_time = Timestamp{std::chrono::milliseconds{oldest->milliseconds}};
        auto entry =
            reader_.entry(first, page.audience, context_.facts.table, context_.registry, oldest->before());
        if (entry && entry->origin == Origin::ours) {
            page.floor = entry->entry.previous;
            return;
        }
        const auto length = info.field("length").as_integer();
        const auto added = info.field("entries-added").as_integer();
        const bool whole = length && added && *length == *added;
        page.floor = oldest->before();
        if (!whole || context_.evicts) return;
        const auto birth = std::max(minus(oldest->milliseconds, age), changed(page.audience));
        page.floor = std::min(page.floor, context_.facts.table.at(birth));
    }

    void take_entries(LogPage& page, const LogAfter& log, const Value& range) {
        Position before = std::max(log.after, page.floor);  // of the last entry that was given
        std::optional<Position> passed_over;
        std::size_t bytes = 0;
        for (const auto& item : range.items) {
            const auto position = WireReader::position_of(item, context_.facts.table);
            auto entry = reader_.entry(item, page.audience, context_.facts.table, context_.registry, before);
            if (!entry) {
                note(entry.error());
                if (position) passed_over = position;
                continue;
            }
            auto& kept = entry->entry;
            const std::size_t size =
                entry_overhead + kept.type.size() + kept.category.size() + kept.data.size() + kept.key.size();
            const bool room = page.entries.size() < page_events_ && bytes + size <= request_.page_bytes;
            if (!page.entries.empty() && !room) {
                page.full = true;
                return;
            }
            // What cannot be read is no loss: the chain goes past it.
            if (passed_over && kept.previous > before && kept.previous <= *passed_over)
                kept.previous = before;
            before = kept.position;
            bytes += size;
            page.entries.push_back(std::move(kept));
        }
        if (range.items.size() <= page_events_) return;
        // A page of nothing but what cannot be read: the log is read again from behind it.
        page.full = !page.entries.empty();
        if (!page.full)
            found_.unread_to.emplace_back(found_.pages.size(), passed_over.value_or(request_.bound));
    }

    void take_repeats(LogPage& page, const Value& range) {
        for (const auto& item : range.items) {
            auto entry = reader_.entry(item, page.audience, context_.facts.table, context_.registry, {});
            if (entry && entry->origin == Origin::foreign) page.repeats.push_back(std::move(entry->entry));
        }
        std::reverse(page.repeats.begin(), page.repeats.end());
    }

    void note(const Error& error) {
        if (found_.unreadable++ == 0) found_.first_fault = error.message();
    }

    const ReadRequest& request_;
    const std::size_t page_events_;
    const ReadContext& context_;
    WireReader& reader_;
    const Milliseconds clock_;
    ReadPages& found_;
};

}  // namespace

ReadCommands read_commands(const ReadRequest& request, const ReadContext& context) {
    ReadCommands commands;
    const std::size_t logs = std::max<std::size_t>(1, request.logs.size());
    const std::size_t fitting =
        context.reply_bytes / 2 / (logs * std::max<std::size_t>(1, context.event_bytes));
    commands.page_events = std::max<std::size_t>(1, std::min(request.page_events, fitting));
    commands.bytes = command({"MULTI"});
    commands.bytes += command({"HMGET", context.names.partition(), "number", "tag"});
    const std::string last = entry_id_text(request.bound);
    const std::string count = std::to_string(commands.page_events + 1);
    const std::string repeats = std::to_string(std::clamp<std::size_t>(fitting, 1, repeats_max));
    std::size_t inside = 2;
    for (const auto& log : request.logs) {
        const std::string stream = context.names.stream(log.audience);
        const std::string after = log.after == Position{} ? "-" : "(" + entry_id_text(log.after);
        commands.bytes += command({"XINFO", "STREAM", stream});
        commands.bytes += command({"XRANGE", stream, after, last, "COUNT", count});
        if (is_topic(log.audience)) commands.bytes += command({"GET", context.names.tombstone(log.audience)});
        const auto window = request.repeat_foreign.count();
        if (window > 0) {
            Position from = log.after;
            from.milliseconds = minus(from.milliseconds, static_cast<Milliseconds>(window));
            from.sequence = 0;
            // Where there are too many, the newest: they are the likeliest to have passed unseen.
            commands.bytes += command(
                {"XREVRANGE", stream, entry_id_text(log.after), entry_id_text(from), "COUNT", repeats});
        }
        inside += commands_of(log, request);
    }
    commands.bytes += command({"TIME"});
    commands.bytes += command({"EXEC"});
    commands.replies = inside + 2;
    return commands;
}

bool same_term(const Value& exec, const TermFacts& facts) {
    const auto running = facts.table.running().name;
    const auto& partition = exec.at(0);
    return partition.at(0).as_integer() == running.number && partition.at(1).as_integer() == running.tag;
}

Result<ReadPages> read_pages(const Value& exec, const ReadRequest& request, std::size_t page_events,
                             const ReadContext& context, WireReader& reader) {
    if (exec.is_error()) return Error{Errc::store_unavailable, "Redis refused to read: " + exec.text};
    std::size_t expected = 2;
    for (const auto& log : request.logs) expected += commands_of(log, request);
    if (!exec.is_array() || exec.items.size() != expected) {
        return Error{Errc::store_unavailable, "Redis answered a read with something else"};
    }
    if (!same_term(exec, context.facts)) return Error{Errc::store_unavailable, "another term has begun"};
    const Value& time = exec.items.back();
    const auto seconds = time.at(0).as_integer().value_or(0);
    const auto micros = time.at(1).as_integer().value_or(0);
    const auto server = static_cast<Milliseconds>(std::max<std::int64_t>(0, seconds * 1000 + micros / 1000));
    const Milliseconds clock = std::max(context.wall.value_or(server), request.bound.milliseconds);
    ReadPages found;
    PageMaker maker{request, page_events, context, reader, clock, found};
    const Value* next = exec.items.data() + 1;
    for (const auto& log : request.logs) {
        auto page = maker.page(log, next);
        if (!page) return page.error();
        next += commands_of(log, request);
        found.pages.push_back(*std::move(page));
    }
    return found;
}

}  // namespace tidings::redis
