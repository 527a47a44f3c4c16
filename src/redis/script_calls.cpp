#include "redis/script_calls.hpp"

#include "redis/append_pack.hpp"
#include "redis/term_text.hpp"

#include <charconv>
#include <deque>

namespace tidings::redis {
namespace {

constexpr std::size_t exact_cap_below = 200;  // above, whole nodes of a stream are trimmed at once
constexpr std::string_view tokens_live_ms = "120000";
// Ids have 48 bits for milliseconds.
constexpr std::string_view last_time = "281474976710654";
constexpr std::uint64_t row_max = 100'000;  // no call brings more events

std::string number(std::uint64_t value) { return std::to_string(value); }
std::string flag(bool value) { return value ? "1" : "0"; }

class Arguments {
public:
    Arguments(const Script& script, ScriptForm form, std::size_t keys) {
        add(form == ScriptForm::by_sha ? "EVALSHA" : "EVAL");
        borrow(form == ScriptForm::by_sha ? script.sha : script.source);
        add(number(keys));
    }
    void add(std::string text) {
        texts_.push_back(std::move(text));
        views_.push_back(texts_.back());
    }
    // What stays as it is until the command is made.
    void borrow(std::string_view text) { views_.push_back(text); }
    std::string command() const {
        std::string out;
        redis::append_command(out, views_);
        return out;
    }
    void add_head(const CallHead& head) {
        const auto& ages = head.retention;
        add(head.run_id);
        add(head.instance);
        add(number(head.known.number));
        add(number(head.known.tag));
        add(number(head.fresh_tag));
        add(head.server);
        add(flag(head.durable));
        add(flag(head.promoted));
        add(number(static_cast<std::uint64_t>(ages.user.age.count())) + " " +
            number(static_cast<std::uint64_t>(ages.broadcast.age.count())) + " " +
            number(static_cast<std::uint64_t>(ages.topic.age.count())));
        add(head.wall ? number(*head.wall) : std::string{});
        add(flag(head.foreign));
        add(flag(head.evicts));
    }

private:
    std::deque<std::string> texts_;  // they must not move
    std::vector<std::string_view> views_;
};

std::optional<std::uint64_t> unsigned_of(std::string_view text) noexcept {
    std::uint64_t value = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const auto at = text.find(separator);
        if (at != 0) parts.push_back(text.substr(0, at));
        text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
    }
    return parts;
}

std::optional<TermName> term_of(const Value& value) {
    const auto term = value.at(1).as_integer();
    const auto tag = value.at(2).as_integer();
    if (!term || !tag || *term < 1 || *term > 0xffff || *tag < 0 || *tag > 0xffffffff) return std::nullopt;
    return TermName{static_cast<std::uint16_t>(*term), static_cast<std::uint32_t>(*tag)};
}

// "<position> <tag> <count>": so many events in a row, at this position and the sequences behind it.
bool parse_row(std::string_view line, std::vector<AppendResult>& results) {
    const auto words = split(line, ' ');
    if (words.size() != 3) return false;
    const auto first = parse_position(words[0]);
    const auto tag = unsigned_of(words[1]);
    const auto count = unsigned_of(words[2]);
    if (!first || !tag || *tag > 0xffffffff || !count || *count == 0 || *count > row_max) return false;
    for (std::uint64_t i = 0; i < *count; ++i) {
        AppendResult result;
        result.kind = AppendResult::Kind::appended;
        result.position = {first->term, first->milliseconds, first->sequence + i};
        result.id = EventId{result.position, static_cast<std::uint32_t>(*tag), 0}.uuid();
        results.push_back(std::move(result));
    }
    return true;
}

// "<id or -> <position>"
bool parse_duplicate(std::string_view line, AppendResult& result) {
    const auto space = line.find(' ');
    if (space == std::string_view::npos) return false;
    const auto position = parse_position(line.substr(space + 1));
    const auto id =
        line.substr(0, space) == "-" ? std::optional<Uuid>{Uuid{}} : Uuid::parse(line.substr(0, space));
    if (!position || !id) return false;
    result.kind = AppendResult::Kind::duplicate;
    result.id = *id;
    result.position = *position;
    return true;
}

// One line of results; false: it is none.
bool parse_line(std::string_view line, std::vector<AppendResult>& results) {
    using Kind = AppendResult::Kind;
    if (line.empty()) return false;
    AppendResult result;
    const char kind = line.front();
    line.remove_prefix(1);
    switch (kind) {
        case 'A': return parse_row(line, results);
        case 'C': result.kind = Kind::closed; break;
        case 'I': result.kind = Kind::conflict; break;
        case 'E': result.why = line; break;
        case 'U': {
            const auto position = parse_position(line);
            if (!position) return false;
            result.kind = Kind::unretained;
            result.position = *position;
            break;
        }
        case 'D':
            if (!parse_duplicate(line, result)) return false;
            break;
        default: return false;
    }
    results.push_back(std::move(result));
    return true;
}

// "1" or "0", ended terms, start, moments: from `at` on.
std::optional<TermFacts> facts_of(const Value& value, std::size_t at) {
    const auto running = term_of(value);
    const auto start = value.at(at + 2).as_integer();
    if (!running || !start || *start < 0) return std::nullopt;
    auto table = parse_terms(value.at(at + 1).text_or_empty(), *running, static_cast<Milliseconds>(*start));
    const auto moments = split(value.at(at + 3).text_or_empty(), ' ');
    if (!table || moments.size() != 3) return std::nullopt;
    TermFacts facts;
    facts.table = *std::move(table);
    facts.pending = value.at(at).text_or_empty() == "1";
    // The script's order is user, broadcast, topic, as is that of Audience::Kind.
    for (std::size_t i = 0; i < 3; ++i) {
        const auto moment = unsigned_of(moments[i]);
        if (!moment) return std::nullopt;
        facts.ages_changed[i] = *moment;
    }
    return facts;
}

}  // namespace

std::string cap_text(std::size_t events) {
    const std::size_t least = events == 0 ? 1 : events;
    return (least < exact_cap_below ? "=" : "~") + std::to_string(least);
}

std::string append_command(const Scripts& scripts, ScriptForm form, const Names& names, const CallHead& head,
                           std::uint64_t serial, std::span<const AppendCall> items, const LastEntries& last) {
    Arguments arguments{scripts.append, form, 2};
    arguments.add(names.partition());
    arguments.add(names.tokens(head.instance));
    arguments.add_head(head);
    arguments.add(number(serial));
    arguments.add(names.hub_channel(head.instance));
    const auto& retention = head.retention;
    arguments.add(cap_text(retention.user.events) + " " + cap_text(retention.broadcast.events) + " " +
                  cap_text(retention.topic.events));
    arguments.add(std::string{tokens_live_ms});
    arguments.add(std::string{last_time});
    arguments.add(append_pack(names, last, head.known, items));
    for (const auto& item : items) arguments.borrow(item.data);
    return arguments.command();
}

std::string bound_command(const Scripts& scripts, ScriptForm form, const Names& names, const CallHead& head,
                          std::uint64_t serial, std::optional<Position> at_least) {
    Arguments arguments{scripts.bound, form, 1};
    arguments.add(names.partition());
    arguments.add_head(head);
    arguments.add(number(serial));
    arguments.add(names.hub_channel(head.instance));
    arguments.add(at_least ? entry_id_text(*at_least) : std::string{});
    return arguments.command();
}

std::string state_command(const Scripts& scripts, ScriptForm form, const Names& names, const CallHead& head,
                          const StateCall& call) {
    Arguments arguments{scripts.state, form, 1};
    arguments.add(names.partition());
    arguments.add_head(head);
    using Part = StateCall::Part;
    arguments.add(call.part == Part::leaving ? "leave" : call.part == Part::reader ? "read" : "stay");
    arguments.add(names.hubs_channel());
    arguments.add(number(call.seen_version));
    std::string reports;
    for (const auto& report : call.reports) {
        reports += (reports.empty() ? "" : " ") + number(report.term.number) + ":" + number(report.term.tag) +
                   ":" + (report.acknowledged ? entry_id_text(*report.acknowledged) : "-") + ":" +
                   (report.seen ? entry_id_text(*report.seen) : "-");
    }
    arguments.add(reports);
    std::string joins;
    for (const auto& [instance, version] : call.joins) {
        joins += (joins.empty() ? "" : " ") + instance + ":" + number(version);
    }
    arguments.add(joins);
    arguments.add(number(call.joins_forgotten_to));
    return arguments.command();
}

std::optional<AppendReply> parse_append_reply(const Value& value) {
    const auto term = term_of(value);
    if (!term) return std::nullopt;
    AppendReply reply;
    reply.term = *term;
    const auto status = value.at(0).text_or_empty();
    if (status == "nolease") {
        reply.no_lease = true;
        return reply;
    }
    if (status != "ok" && status != "repeat") return std::nullopt;
    reply.repeated = status == "repeat";
    for (const auto line : split(value.at(3).text_or_empty(), '\n')) {
        if (!parse_line(line, reply.results)) return std::nullopt;
    }
    return reply;
}

std::optional<BoundReply> parse_bound_reply(const Value& value) {
    const auto at = parse_entry_id(value.at(3).text_or_empty());
    auto facts = facts_of(value, 4);
    if (value.at(0).text_or_empty() != "ok" || !at || !facts) return std::nullopt;
    BoundReply reply;
    reply.facts = *std::move(facts);
    reply.position = {reply.facts.table.running().name.number, at->milliseconds, at->sequence};
    return reply;
}

std::optional<StateReply> parse_state_reply(const Value& value) {
    auto facts = facts_of(value, 3);
    const auto version = value.at(7).as_integer();
    const auto own = value.at(10).as_integer();
    if (value.at(0).text_or_empty() != "ok" || !facts || !version || !own) return std::nullopt;
    StateReply reply;
    reply.facts = *std::move(facts);
    reply.version = static_cast<std::uint64_t>(*version);
    reply.ready = value.at(8).text_or_empty() == "1";
    reply.own_version = static_cast<std::uint64_t>(*own);
    for (const auto word : split(value.at(9).text_or_empty(), ' ')) {
        const auto colon = word.rfind(':');
        if (colon == std::string_view::npos) return std::nullopt;
        const auto joined = unsigned_of(word.substr(colon + 1));
        if (!joined) return std::nullopt;
        reply.members.emplace_back(std::string{word.substr(0, colon)}, *joined);
    }
    return reply;
}

}  // namespace tidings::redis
