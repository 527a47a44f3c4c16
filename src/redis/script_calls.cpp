#include "redis/script_calls.hpp"

#include "base/json.hpp"
#include "redis/term_text.hpp"

#include <charconv>

namespace tidings::redis {
namespace {

constexpr std::size_t exact_cap_below = 200;  // above, whole nodes of a stream are trimmed at once
constexpr std::string_view tokens_live_ms = "120000";
// Ids have 48 bits for milliseconds.
constexpr std::string_view last_time = "281474976710654";

std::string number(std::uint64_t value) { return std::to_string(value); }
std::string flag(bool value) { return value ? "1" : "0"; }

class Arguments {
public:
    Arguments(const Script& script, ScriptForm form, std::size_t keys) {
        add(form == ScriptForm::by_sha ? "EVALSHA" : "EVAL");
        add(form == ScriptForm::by_sha ? script.sha : script.source);
        add(number(keys));
    }
    void add(std::string text) { texts_.push_back(std::move(text)); }
    std::string command() const {
        const std::vector<std::string_view> views{texts_.begin(), texts_.end()};
        std::string out;
        redis::append_command(out, views);
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
    std::vector<std::string> texts_;
};

std::string kind_number(Audience::Kind kind) {
    switch (kind) {
        case Audience::Kind::user: return "1";
        case Audience::Kind::broadcast: return "2";
        case Audience::Kind::topic: break;
    }
    return "3";
}

void add_item(Arguments& arguments, const Names& names, const AppendCall& item) {
    using Kind = AppendCall::Kind;
    arguments.add(item.kind == Kind::retained ? "r" : item.kind == Kind::unretained ? "u" : "c");
    arguments.add(kind_number(item.audience.kind));
    arguments.add(names.channel(item.audience));
    arguments.add(item.type);
    arguments.add(item.data);
    arguments.add(item.occurred_at);
    arguments.add(message_middle(item));
    arguments.add(meta_tail(item));
    arguments.add(item.idempotency_body);
    arguments.add(item.passing_id.text());
    arguments.add(flag(item.audience.kind == Audience::Kind::topic));
    arguments.add(std::string{last_time});
}

std::string user_of(const Audience& audience) {
    return audience.kind == Audience::Kind::user ? audience.name : Uuid{}.text();
}

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

std::optional<AppendResult> parse_result(std::string_view line) {
    using Kind = AppendResult::Kind;
    if (line.empty()) return std::nullopt;
    AppendResult result;
    const char kind = line.front();
    line.remove_prefix(1);
    switch (kind) {
        case 'C': result.kind = Kind::closed; return result;
        case 'I': result.kind = Kind::conflict; return result;
        case 'E': result.why = line; return result;
        case 'U': {
            const auto position = parse_position(line);
            if (!position) return std::nullopt;
            result.kind = Kind::unretained;
            result.position = *position;
            return result;
        }
        case 'A':
        case 'D': break;
        default: return std::nullopt;
    }
    const auto space = line.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    const auto position = parse_position(line.substr(space + 1));
    const auto id =
        line.substr(0, space) == "-" ? std::optional<Uuid>{Uuid{}} : Uuid::parse(line.substr(0, space));
    if (!position || !id) return std::nullopt;
    result.kind = kind == 'A' ? Kind::appended : Kind::duplicate;
    result.id = *id;
    result.position = *position;
    return result;
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

std::string meta_tail(const AppendCall& item) {
    std::string text = ", \"audience\": " + quoted(item.audience.text());
    if (item.kind == AppendCall::Kind::closes) return text + ", \"closes\": true}";
    if (item.kind == AppendCall::Kind::unretained) text += ", \"retained\": false";
    text += ", \"category\": " + quoted(item.category);
    if (!item.key.empty()) text += ", \"key\": " + quoted(item.key);
    return text + "}";
}

std::string message_middle(const AppendCall& item) {
    return ", \"event_type\": " + quoted(item.type) + ", \"user_id\": " + quoted(user_of(item.audience)) +
           ", \"data\": ";
}

std::string append_command(const Scripts& scripts, ScriptForm form, const Names& names, const CallHead& head,
                           std::uint64_t serial, std::span<const AppendCall> items) {
    Arguments arguments{scripts.append, form, 2 + 3 * items.size()};
    const std::string partition = names.partition();
    arguments.add(partition);
    arguments.add(names.tokens(head.instance));
    for (const auto& item : items) {
        arguments.add(names.stream(item.audience));
        const bool topic = item.audience.kind == Audience::Kind::topic;
        arguments.add(topic ? names.tombstone(item.audience) : partition);
        arguments.add(item.idempotency_key.empty() ? partition : names.idempotency(item.idempotency_key));
    }
    arguments.add_head(head);
    arguments.add(number(serial));
    arguments.add(names.hub_channel(head.instance));
    const auto& retention = head.retention;
    arguments.add(cap_text(retention.user.events) + " " + cap_text(retention.broadcast.events) + " " +
                  cap_text(retention.topic.events));
    arguments.add(std::string{tokens_live_ms});
    for (const auto& item : items) add_item(arguments, names, item);
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
    for (const auto line : split(value.at(3).text_or_empty(), '\n')) {
        auto result = parse_result(line);
        if (!result) return std::nullopt;
        reply.results.push_back(*std::move(result));
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
