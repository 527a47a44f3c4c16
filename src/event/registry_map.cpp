// How domain events become drafts, and the check of data against the declared fields.

#include <tidings/registry.hpp>

#include "base/json.hpp"
#include "base/nearest.hpp"
#include "event/field_value.hpp"
#include "event/time_text.hpp"
#include "event/type_name.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace tidings {
namespace {

// The value at a pointer of validated JSON; none: absent or null, which mean the same in a domain event.
std::optional<std::string> present(std::string_view data, std::string_view pointer) {
    const auto found = json_pointer(data, pointer);
    if (!found || *found == "null") return std::nullopt;
    return std::string{*found};
}

Error wrong_field(Errc code, const Mapping& mapping, std::string_view field, std::string_view pointer,
                  std::string_view why) {
    return Error{code, "the domain event '" + mapping.name + "' cannot become '" + mapping.type +
                           "': the field '" + std::string{field} + "' at " + shown(pointer) + " " +
                           std::string{why}};
}

// Whom the draft is for; none: nobody.
Result<std::optional<Audience>> audience_of(const Mapping& mapping, std::string_view data) {
    if (mapping.broadcast) return std::optional{Audience::broadcast()};
    const bool to_user = !mapping.user_id.empty();
    const std::string& pointer = to_user ? mapping.user_id : mapping.topic;
    const std::string_view field = to_user ? "user_id" : "topic";
    const auto value = present(data, pointer);
    if (!value) return std::optional<Audience>{};
    const auto text = json_string(*value);
    if (!text) return wrong_field(Errc::invalid_field, mapping, field, pointer, "is not a string");
    if (to_user) {
        const auto user = UserId::parse(*text);
        if (!user)
            return wrong_field(Errc::invalid_field, mapping, field, pointer,
                               "is no user id: " + user.error().detail);
        return std::optional{Audience::user(*user)};
    }
    auto topic = Audience::topic(*text);
    if (!topic)
        return wrong_field(Errc::invalid_field, mapping, field, pointer,
                           "is no topic: " + topic.error().detail);
    return std::optional{*std::move(topic)};
}

// The payload, in the order in which the mapping was written.
Result<std::string> payload_of(const Mapping& mapping, const EventTypeInfo& info, std::string_view data) {
    std::string payload{"{"};
    for (const auto& take : mapping.data) {
        const auto field = std::find_if(info.data.begin(), info.data.end(),
                                        [&](const auto& known) { return known.name == take.field; });
        if (payload.size() > 1) payload.push_back(',');
        payload.append(quoted(take.field)).push_back(':');
        const auto value = present(data, take.pointer);
        if (!value) {
            if (!field->nullable) {
                return wrong_field(Errc::missing_field, mapping, take.field, take.pointer,
                                   "is missing or null");
            }
            payload.append("null");
            continue;
        }
        const auto fitting = converted(*value, field->type);
        if (!fitting) {
            return wrong_field(Errc::invalid_field, mapping, take.field, take.pointer,
                               "is not of the type " + declaration(*field));
        }
        payload.append(*fitting);
    }
    return payload.append("}");
}

// What a domain event says of itself (D10). It was made elsewhere and is not for us to refuse: what cannot be
// used is left out, and the event gets the time of publishing.
void correlate(EventDraft& draft, std::string_view data) {
    if (const auto id = present(data, "/event_id")) {
        const auto text = json_string(*id);
        if (text && check_plain_text(*text, Limits{}.idempotency_key_bytes, "event_id"))
            draft.idempotency_key = *text;
    }
    if (const auto time = present(data, "/occurred_at")) {
        if (const auto text = json_string(*time)) draft.occurred_at = parse_time(*text);
    }
}

Error not_declared(const EventTypeInfo& info, std::string_view name) {
    std::vector<std::string> declared;
    for (const auto& field : info.data) declared.push_back(field.name);
    const std::string hint = nearest_hint(name, declared);
    return Error{Errc::unknown_field, "the data of '" + info.type + "' has no field " + shown(name) + "; " +
                                          (hint.empty() ? "declared: " + joined(declared) : hint)};
}

}  // namespace

Result<Mapped> Registry::map_named(std::string_view name, std::string_view data) const {
    const Mapping* mapping = mapping_of(name);
    if (mapping == nullptr) return Mapped{Skipped::unmapped};
    const auto clean = minified(data, Limits{});
    if (!clean) {
        return Error{clean.error().code,
                     "the data of the domain event '" + mapping->name + "': " + clean.error().detail};
    }
    if (!clean->starts_with('{')) {
        return Error{Errc::invalid_field,
                     "the data of the domain event '" + mapping->name + "' is not an object"};
    }
    auto audience = audience_of(*mapping, *clean);
    if (!audience) return audience.error();
    if (!*audience) return Mapped{Skipped::no_user};
    auto payload = payload_of(*mapping, *find(mapping->type), *clean);
    if (!payload) return payload.error();
    EventDraft draft{mapping->type, **std::move(audience), *std::move(payload)};
    correlate(draft, *clean);
    return Mapped{std::move(draft)};
}

Result<Mapped> Registry::map_typed(std::type_index type, const void* event) const {
    const auto found = typed_index_.find(type);
    if (found == typed_index_.end()) return Mapped{Skipped::unmapped};
    auto mapped = typed_[found->second].apply(event);
    if (!mapped) return mapped;
    if (const auto* draft = std::get_if<EventDraft>(&*mapped)) {
        // A mapping written by hand is held to the schema that clients were given (D30).
        const auto clean = minified(draft->data, Limits{});
        if (!clean) return clean.error();
        const auto checked = check_data(draft->type, *clean);
        if (!checked) return checked.error();
    }
    return mapped;
}

Result<void> Registry::check_data(std::string_view type, std::string_view data) const {
    const EventTypeInfo* info = find(type);
    if (info == nullptr) return Error{Errc::unknown_type, "unknown event type " + shown(type)};
    const auto begin = data.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos || data[begin] != '{')
        return Error{Errc::invalid_field, "the data of '" + info->type + "' is a JSON object"};
    if (info->data.empty()) return {};
    const auto members = json_members(data);
    if (!members) return Error{Errc::invalid_field, "the data of '" + info->type + "' is a JSON object"};
    for (const auto& [name, value] : *members) {
        const auto field = std::find_if(info->data.begin(), info->data.end(),
                                        [&](const auto& known) { return known.name == name; });
        if (field == info->data.end()) return not_declared(*info, name);
        const bool null = value == "null";
        if (null ? !field->nullable : !fits(value, field->type)) {
            return Error{Errc::invalid_field, "the field '" + field->name + "' of '" + info->type +
                                                  "' is not of the type " + declaration(*field)};
        }
    }
    for (const auto& field : info->data) {
        const auto is_it = [&](const auto& member) { return member.name == field.name; };
        if (field.nullable || std::any_of(members->begin(), members->end(), is_it)) continue;
        return Error{Errc::missing_field, "the data of '" + info->type + "' has no field '" + field.name +
                                              "' (" + declaration(field) + ")"};
    }
    return {};
}

}  // namespace tidings
