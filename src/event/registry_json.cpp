#include <tidings/registry.hpp>

#include "base/json.hpp"
#include "event/field_value.hpp"

namespace tidings {
namespace {

std::string data_json(const EventTypeInfo& info) {
    Payload data;
    for (const auto& field : info.data) data.add(field.name, declaration(field));
    return data.text();
}

std::string mapping_json(const Mapping& mapping) {
    Payload data;
    for (const auto& take : mapping.data) data.add(take.field, take.pointer);
    Payload from{{"name", mapping.name}};
    if (!mapping.user_id.empty()) from.add("user_id", mapping.user_id);
    if (!mapping.topic.empty()) from.add("topic", mapping.topic);
    if (mapping.broadcast) from.add("broadcast", true);
    return from.add("data", JsonValue::raw(data.text())).text();
}

}  // namespace

std::string Registry::json() const {
    std::string categories;
    for (const auto& category : categories_) {
        categories.append(categories.empty() ? "" : ",").append(quoted(category));
    }
    std::string types;
    for (const auto& info : types_) {
        std::string from;
        for (const auto& mapping : mappings_) {
            if (mapping.type == info.type) from.append(from.empty() ? "" : ",").append(mapping_json(mapping));
        }
        Payload row{{"type", info.type},
                    {"category", info.category},
                    {"description", info.description},
                    {"data", JsonValue::raw(data_json(info))},
                    {"slow_reader", std::string{name_of(info.slow_reader)}},
                    {"retain", info.retain}};
        if (!info.key.empty()) row.add("key", info.key);
        row.add("from", JsonValue::raw("[" + from + "]"));
        types.append(types.empty() ? "" : ",").append(row.text());
    }
    return Payload{{"categories", JsonValue::raw("[" + categories + "]")},
                   {"event_types", JsonValue::raw("[" + types + "]")}}
        .text();
}

}  // namespace tidings
