#include "event/wire_json.hpp"

#include "base/json.hpp"
#include "event/json_encoding.hpp"
#include "event/time_text.hpp"
#include "event/type_name.hpp"

namespace tidings {
namespace {

std::string user_text(const Event& event) {
    return event.audience.kind == Audience::Kind::user ? event.audience.name : Uuid{}.text();
}

Error wrong(std::string_view member, std::string_view what) {
    return Error{Errc::invalid_field, "the message's '" + std::string{member} + "' is " + std::string{what}};
}

// The text of a member; numbers, nulls and the like are wrong, but only this message suffers from it (D5).
Result<std::string> text_of(std::string_view json, std::string_view member) {
    const auto value = json_member(json, member);
    if (!value) return Error{Errc::missing_field, "the message has no '" + std::string{member} + "'"};
    auto text = json_string(*value);
    if (!text) return wrong(member, "not a string");
    return *std::move(text);
}

// UUIDs in every spelling; other subjects as they are.
Result<UserId> user_from(std::string_view text) {
    if (const auto uuid = Uuid::parse_any(text)) return UserId{*uuid};
    auto user = UserId::parse(text);
    // Python's str(None), which the original publishes for an event that has no user (D1).
    if (!user || text == "None") return wrong("user_id", "no user id: " + shown(text));
    return user;
}

Result<WireEvent> parse_common(const std::string& id, std::string type, std::string_view data,
                               const std::string& time, const Registry& registry, const Limits& limits) {
    WireEvent event;
    const auto uuid = Uuid::parse_any(id);
    if (!uuid) return wrong("event_id", "no UUID: " + shown(id));
    event.id = *uuid;
    const auto* info = registry.find(type);
    if (info == nullptr) return Error{Errc::unknown_type, "unknown event type " + shown(type)};
    event.type = std::move(type);
    event.category = info->category;
    const auto when = parse_time(time);
    if (!when) return wrong("occurred_at", "no ISO 8601 time: " + shown(time));
    event.occurred_at = *when;
    auto clean = minified(data, limits);
    if (!clean) return clean.error();
    if (clean->size() > limits.event_bytes) {
        return Error{Errc::event_too_large,
                     "the data has more than " + std::to_string(limits.event_bytes) + " bytes"};
    }
    event.data = *std::move(clean);
    return event;
}

}  // namespace

std::optional<std::string_view> ChannelKeys::user_part(std::string_view channel) const noexcept {
    constexpr std::string_view infix = ":user:";
    if (!channel.starts_with(prefix_) || !channel.substr(prefix_.size()).starts_with(infix))
        return std::nullopt;
    const auto user = channel.substr(prefix_.size() + infix.size());
    if (user.find(':') != std::string_view::npos) return std::nullopt;
    return user;
}

bool ChannelKeys::is_broadcast(std::string_view channel) const noexcept {
    return channel.starts_with(prefix_) && channel.substr(prefix_.size()) == ":broadcast";
}

std::optional<UserId> ChannelKeys::user_of(std::string_view channel) const {
    const auto part = user_part(channel);
    if (!part) return std::nullopt;
    auto user = UserId::parse(*part);
    if (!user) return std::nullopt;
    return *std::move(user);
}

std::optional<Uuid> ChannelKeys::user_uuid_of(std::string_view channel) const noexcept {
    const auto part = user_part(channel);
    return part ? Uuid::parse_any(*part) : std::nullopt;
}

std::string wire_json(const Event& event) {
    std::string json = "{\"event_id\": \"" + event.id.text() + "\", \"event_type\": " + quoted(event.type);
    json.append(", \"user_id\": ").append(quoted(user_text(event)));
    json.append(", \"data\": ").append(event.data);
    return json.append(", \"occurred_at\": \"").append(time_text(event.occurred_at)).append("\"}");
}

Result<WireEvent> parse_wire_json(std::string_view json, const Registry& registry, const Limits& limits) {
    // The nesting of the data counts from the data.
    Limits message = limits;
    message.json_depth = limits.json_depth + 1;
    std::string room;
    const auto text = json_utf8(json, room);
    if (!text) return text.error();
    const auto clean = minified(*text, message);
    if (!clean) return clean.error();
    if (!clean->starts_with('{')) return Error{Errc::invalid_field, "the message is not a JSON object"};
    const auto id = text_of(*clean, "event_id");
    if (!id) return id.error();
    auto type = text_of(*clean, "event_type");
    if (!type) return type.error();
    const auto user_id = text_of(*clean, "user_id");
    if (!user_id) return user_id.error();
    auto user = user_from(*user_id);
    if (!user) return user.error();
    const auto data = json_member(*clean, "data");
    if (!data) return Error{Errc::missing_field, "the message has no 'data'"};
    const auto time = text_of(*clean, "occurred_at");
    if (!time) return time.error();
    auto event = parse_common(*id, *std::move(type), *data, *time, registry, limits);
    if (event) event->user_id = *std::move(user);
    return event;
}

WireFields wire_fields(const Event& event) {
    return {{"event_id", event.id.text()},
            {"event_type", event.type},
            {"data", event.data},
            {"occurred_at", time_text(event.occurred_at)}};
}

Result<WireEvent> parse_wire_fields(std::span<const std::pair<std::string, std::string>> fields,
                                    const UserId& user, const Registry& registry, const Limits& limits) {
    constexpr std::string_view names[] = {"event_id", "event_type", "data", "occurred_at"};
    const std::string* values[4] = {};
    for (const auto& [name, value] : fields) {
        for (std::size_t i = 0; i < 4; ++i) {
            if (name == names[i]) values[i] = &value;
        }
    }
    for (std::size_t i = 0; i < 4; ++i) {
        if (values[i] == nullptr) {
            return Error{Errc::missing_field, "the entry has no '" + std::string{names[i]} + "'"};
        }
    }
    auto event = parse_common(*values[0], *values[1], *values[2], *values[3], registry, limits);
    if (event) event->user_id = user;
    return event;
}

}  // namespace tidings
