#include "redis/wire_entry.hpp"

#include "event/json_encoding.hpp"
#include "event/time_text.hpp"
#include "event/wire_json.hpp"
#include "redis/term_text.hpp"

namespace tidings::redis {
namespace {

// Of a position; an id beyond is no time at all.
constexpr Milliseconds milliseconds_max = (Milliseconds{1} << 48) - 1;

Error wrong(std::string_view what) {
    return {Errc::invalid_field, "a message of ours has " + std::string{what}};
}

std::string_view member_of(const std::vector<JsonMember>& members, std::string_view name) {
    for (auto member = members.rbegin(); member != members.rend(); ++member) {
        if (member->name == name) return member->value;
    }
    return {};
}

std::string_view field_of(const Value& entry, std::string_view name) noexcept {
    const auto& fields = entry.at(1).items;
    std::string_view found;
    for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
        if (fields[i].text_or_empty() == name) found = fields[i + 1].text_or_empty();
    }
    return found;
}

WireFields fields_of(const Value& entry) {
    WireFields fields;
    const auto& items = entry.at(1).items;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
        fields.emplace_back(items[i].text_or_empty(), items[i + 1].text_or_empty());
    }
    return fields;
}

std::optional<EventId> our_id(std::string_view text) {
    const auto uuid = Uuid::parse(text);
    return uuid ? EventId::from(*uuid) : std::nullopt;
}

Entry foreign_entry(WireEvent event, const Audience& audience) {
    Entry entry;
    entry.audience = audience;
    entry.foreign = true;
    entry.foreign_id = event.id;
    entry.type = std::move(event.type);
    entry.category = std::move(event.category);
    entry.data = std::move(event.data);
    entry.occurred_at = event.occurred_at;
    return entry;
}

}  // namespace

// The nesting of the data counts from the data.
Limits WireReader::deeper(Limits limits) {
    ++limits.json_depth;
    return limits;
}

Result<std::string> WireReader::take_meta(Entry& entry, std::string_view meta) const {
    const auto members = json_members(meta);
    if (!members) return wrong("a member `tidings` that is no object");
    const auto text = [&](std::string_view name) {
        return json_string(member_of(*members, name)).value_or(std::string{});
    };
    if (member_of(*members, "v") != "1")
        return wrong("an unknown version; all hubs on one Redis must know it");
    entry.retained = member_of(*members, "retained") != "false";
    entry.closes = member_of(*members, "closes") == "true";
    entry.category = text("category");
    entry.key = text("key");
    const auto position = parse_position(text(entry.retained ? "prev" : "at"));
    if (!position) return wrong("no position");
    if (entry.retained && *position >= entry.position)
        return wrong("a position at or before its log's previous one");
    entry.previous = *position;
    if (!entry.retained) entry.position = *position;
    return text("audience");
}

Result<Entry> WireReader::of_message(const std::vector<JsonMember>& members, const Audience& audience,
                                     const EventId& id, std::string_view meta) {
    Entry entry;
    entry.audience = audience;
    entry.position = id.position;
    entry.tag = id.tag;
    const auto named = take_meta(entry, meta);
    if (!named) return named.error();
    if (!named->empty() && *named != audience.text()) return wrong("another audience than its channel");
    if (entry.closes) return entry;
    auto type = json_string(member_of(members, "event_type"));
    const auto time = json_string(member_of(members, "occurred_at"));
    const auto when = time ? parse_time(*time) : std::nullopt;
    const auto data = member_of(members, "data");
    if (!type || !when || data.empty()) return wrong("no type, time or data");
    if (data.size() > limits_.event_bytes) return Error{Errc::event_too_large};
    entry.type = *std::move(type);
    entry.occurred_at = *when;
    entry.data = data;
    return entry;
}

Result<WireEntry> WireReader::message(std::string_view text, const Audience& audience, const TermTable& terms,
                                      const Registry& registry) {
    std::string room;
    const auto decoded = json_utf8(text, room);
    if (!decoded) return decoded.error();
    const auto clean = json_.minified(*decoded);
    if (!clean) return clean.error();
    const auto members = json_members(*clean);
    if (!members) return Error{Errc::invalid_field, "the message is not a JSON object"};
    const auto meta = member_of(*members, "tidings");
    if (meta.empty()) {
        auto event = parse_wire_json(text, registry, limits_);
        if (!event) return event.error();
        WireEntry found{Origin::foreign, foreign_entry(*std::move(event), audience)};
        found.entry.retained = false;
        return found;
    }
    const auto id_text = json_string(member_of(*members, "event_id"));
    const auto id = id_text ? our_id(*id_text) : std::nullopt;
    if (!id) return wrong("no id");
    auto entry = of_message(*members, audience, *id, meta);
    if (!entry) return entry.error();
    WireEntry found{Origin::ours, *std::move(entry)};
    // Of an unretained event the position names the term, the id does not.
    const auto& running = terms.running().name;
    const bool known = found.entry.retained ? terms.find(id->term()) != nullptr
                                            : found.entry.position.term <= running.number;
    if (!found.entry.retained) found.entry.tag = running.tag;
    if (!known) found.origin = Origin::other_term;
    return found;
}

std::optional<Position> WireReader::position_of(const Value& value, const TermTable& terms) {
    const auto at = parse_entry_id(value.at(0).text_or_empty());
    if (!at || at->milliseconds > milliseconds_max) return std::nullopt;
    if (!field_of(value, "tidings").empty()) {
        const auto id = our_id(field_of(value, "event_id"));
        const bool same =
            id && id->position.milliseconds == at->milliseconds && id->position.sequence == at->sequence;
        if (same) return id->position;
    }
    return Position{terms.at(at->milliseconds).term, at->milliseconds, at->sequence};
}

std::string_view WireReader::event_id_of(const Value& value) noexcept { return field_of(value, "event_id"); }

Result<WireEntry> WireReader::entry(const Value& value, const Audience& audience, const TermTable& terms,
                                    const Registry& registry, Position before) {
    const auto position = position_of(value, terms);
    if (!position) return Error{Errc::invalid_field, "the entry has no id"};
    const auto meta = field_of(value, "tidings");
    const auto id = our_id(field_of(value, "event_id"));
    if (!meta.empty() && id && id->position == *position) {
        WireEntry found{Origin::ours, {}};
        found.entry.audience = audience;
        found.entry.position = *position;
        found.entry.tag = id->tag;
        const auto clean = json_.minified(meta);
        if (!clean) return clean.error();
        if (auto taken = take_meta(found.entry, *clean); !taken) return taken.error();
        // These are never in a log; without this they would say another place than the one they stand at.
        if (!found.entry.retained || found.entry.closes) return wrong("no place in a log");
        const auto when = parse_time(field_of(value, "occurred_at"));
        const auto data = field_of(value, "data");
        auto checked = json_.minified(data);
        if (!when || !checked) return wrong("no time or data");
        if (checked->size() > limits_.event_bytes) return Error{Errc::event_too_large};
        found.entry.type = field_of(value, "event_type");
        found.entry.occurred_at = *when;
        found.entry.data = *std::move(checked);
        return found;
    }
    const auto fields = fields_of(value);
    auto user = UserId::parse(audience.name);
    auto event = parse_wire_fields(fields, user ? *user : UserId{}, registry, limits_);
    if (!event) return event.error();
    WireEntry found{Origin::foreign, foreign_entry(*std::move(event), audience)};
    found.entry.position = *position;
    found.entry.previous = before;
    return found;
}

}  // namespace tidings::redis
