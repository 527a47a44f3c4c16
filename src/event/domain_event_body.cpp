#include "event/domain_event_body.hpp"

#include "base/json.hpp"
#include "event/json_members.hpp"
#include "event/publish_body.hpp"
#include "event/time_text.hpp"
#include "event/type_name.hpp"

#include <algorithm>

namespace tidings {
namespace {

// An attribute of a CloudEvent. The body is bounded as a whole and keys are kept as digests, so this bound
// only refuses what cannot be meant.
constexpr std::size_t attribute_bytes_max = 2048;

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

const std::string* field(HeaderFields headers, std::string_view name) noexcept {
    const auto found = std::find_if(headers.begin(), headers.end(),
                                    [&](const auto& header) { return same_name(header.first, name); });
    return found == headers.end() ? nullptr : &found->second;
}

// "application/json" of "Application/JSON; charset=utf-8".
std::string media_type(std::string_view value) {
    value = value.substr(0, value.find(';'));
    while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
    while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
    std::string type{value};
    std::transform(type.begin(), type.end(), type.begin(), lower);
    return type;
}

bool is_json(std::string_view content_type) {
    const std::string type = media_type(content_type);
    return type == "application/json" || type == "text/json" || type.ends_with("+json");
}

int hex(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// CloudEvents' HTTP binding, 3.1.3.2: percent-encoded UTF-8, perhaps within double quotes.
std::string percent_decoded(std::string_view value) {
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
        value = value.substr(1, value.size() - 2);
    std::string text;
    for (std::size_t i = 0; i < value.size(); ++i) {
        const bool encoded =
            value[i] == '%' && i + 2 < value.size() && hex(value[i + 1]) >= 0 && hex(value[i + 2]) >= 0;
        if (!encoded) {
            text.push_back(value[i]);
            continue;
        }
        text.push_back(static_cast<char>(hex(value[i + 1]) * 16 + hex(value[i + 2])));
        i += 2;
    }
    return text;
}

struct Attributes {
    std::string specversion, id, source, type;
    std::optional<std::string> time;
    std::optional<std::string> datacontenttype;
};

Result<DomainEventItem> from_attributes(const Attributes& attributes) {
    if (attributes.specversion != "1.0") {
        return Error{Errc::invalid_field, "the attribute 'specversion' of a CloudEvent is \"1.0\""};
    }
    const std::pair<std::string_view, const std::string*> required[] = {
        {"the attribute 'id'", &attributes.id},
        {"the attribute 'source'", &attributes.source},
        {"the attribute 'type'", &attributes.type},
    };
    for (const auto& [what, value] : required) {
        const auto plain = check_plain_text(*value, attribute_bytes_max, what);
        if (!plain) return plain.error();
    }
    if (attributes.datacontenttype && !is_json(*attributes.datacontenttype)) {
        return Error{Errc::invalid_field,
                     "the data of a CloudEvent is JSON here; its content type is application/json"};
    }
    DomainEventItem item;
    item.name = attributes.type;
    // A source is a URI reference, which has no space: the two parts cannot run into each other.
    item.idempotency_key = attributes.source + " " + attributes.id;
    if (attributes.time) {
        item.occurred_at = parse_time(*attributes.time);
        if (!item.occurred_at) {
            return Error{
                Errc::invalid_field,
                "the attribute 'time' of a CloudEvent is an RFC 3339 time such as 2026-01-20T02:30:00Z"};
        }
    }
    return item;
}

Result<void> take_data(const std::string_view* data, DomainEventItem& item) {
    if (data == nullptr || *data == "null") return {};
    if (!data->starts_with('{'))
        return Error{Errc::invalid_field, "the data of a domain event is a JSON object"};
    item.data = *data;
    return {};
}

}  // namespace

void DomainEventItem::complete(EventDraft& draft) const {
    if (occurred_at) draft.occurred_at = occurred_at;
    if (!idempotency_key.empty()) draft.idempotency_key = idempotency_key;
}

Result<DomainEventItem> parse_domain_event(std::string_view json, const Limits& limits) {
    static const std::vector<std::string> allowed{"name", "data", "occurred_at", "idempotency_key"};
    const auto members = JsonMembers::parse(json, allowed, UnknownMembers::refuse, "a domain event", limits);
    if (!members) return members.error();
    DomainEventItem item;
    auto name = members->required_text("name");
    if (!name) return name.error();
    const auto plain = check_plain_text(*name, limits.type_bytes, "the domain event's name");
    if (!plain) return plain.error();
    item.name = *std::move(name);
    const auto taken = take_data(members->raw("data"), item);
    if (!taken) return taken.error();
    const auto time = members->time("occurred_at");
    if (!time) return time.error();
    item.occurred_at = *time;
    auto key = members->text("idempotency_key");
    if (!key) return key.error();
    if (*key) {
        const auto usable = check_plain_text(**key, limits.idempotency_key_bytes, "the idempotency key");
        if (!usable) return usable.error();
        item.idempotency_key = **std::move(key);
    }
    return item;
}

Result<DomainEventItem> parse_cloud_event(std::string_view json, const Limits& limits) {
    const auto members = JsonMembers::parse(json, {}, UnknownMembers::keep, "a CloudEvent", limits);
    if (!members) return members.error();
    Attributes attributes;
    const std::pair<std::string_view, std::string*> required[] = {{"specversion", &attributes.specversion},
                                                                  {"id", &attributes.id},
                                                                  {"source", &attributes.source},
                                                                  {"type", &attributes.type}};
    for (const auto& [name, value] : required) {
        auto text = members->required_text(name);
        if (!text) return text.error();
        *value = *std::move(text);
    }
    const std::pair<std::string_view, std::optional<std::string>*> optional[] = {
        {"time", &attributes.time}, {"datacontenttype", &attributes.datacontenttype}};
    for (const auto& [name, value] : optional) {
        auto text = members->text(name);
        if (!text) return text.error();
        *value = *std::move(text);
    }
    if (members->has("data_base64")) {
        return Error{Errc::invalid_field,
                     "the data of a CloudEvent is JSON here: send 'data', not 'data_base64'"};
    }
    auto item = from_attributes(attributes);
    if (!item) return item;
    const auto taken = take_data(members->raw("data"), *item);
    if (!taken) return taken.error();
    return item;
}

Result<DomainEventItem> parse_binary_cloud_event(HeaderFields headers, std::string_view body,
                                                 const Limits& limits) {
    Attributes attributes;
    const std::pair<std::string_view, std::string*> required[] = {{"ce-specversion", &attributes.specversion},
                                                                  {"ce-id", &attributes.id},
                                                                  {"ce-source", &attributes.source},
                                                                  {"ce-type", &attributes.type}};
    for (const auto& [name, value] : required) {
        const auto* found = field(headers, name);
        if (found == nullptr) {
            return Error{Errc::missing_field,
                         "a binary CloudEvent needs the header field '" + std::string{name} + "'"};
        }
        *value = percent_decoded(*found);
    }
    if (const auto* time = field(headers, "ce-time")) attributes.time = percent_decoded(*time);
    if (const auto* type = field(headers, "content-type")) attributes.datacontenttype = *type;
    auto item = from_attributes(attributes);
    if (!item || body.empty()) return item;
    JsonReader reader{limits};
    const auto clean = reader.minified_in_place(body);
    if (!clean) return clean.error();
    const auto taken = take_data(&*clean, *item);
    if (!taken) return taken.error();
    return item;
}

DomainEventForm domain_event_form(HeaderFields headers) noexcept {
    if (const auto* type = field(headers, "content-type")) {
        const auto starts = [&](std::string_view prefix) {
            return type->size() >= prefix.size() &&
                   same_name(std::string_view{*type}.substr(0, prefix.size()), prefix);
        };
        if (starts("application/cloudevents-batch")) return DomainEventForm::batch;
        if (starts("application/cloudevents")) return DomainEventForm::structured;
    }
    return field(headers, "ce-specversion") != nullptr ? DomainEventForm::binary : DomainEventForm::plain;
}

Result<std::vector<Result<DomainEventItem>>> parse_domain_event_request(HeaderFields headers,
                                                                        std::string_view body,
                                                                        const Limits& limits) {
    std::vector<Result<DomainEventItem>> items;
    switch (domain_event_form(headers)) {
        case DomainEventForm::plain: items.push_back(parse_domain_event(body, limits)); break;
        case DomainEventForm::structured: items.push_back(parse_cloud_event(body, limits)); break;
        case DomainEventForm::binary: items.push_back(parse_binary_cloud_event(headers, body, limits)); break;
        case DomainEventForm::batch: {
            const auto texts = split_array(body, limits);
            if (!texts) return texts.error();
            for (const auto& text : *texts) items.push_back(parse_cloud_event(text, limits));
            break;
        }
    }
    return items;
}

}  // namespace tidings
