#include <tidings/registry.hpp>

#include "base/nearest.hpp"
#include "event/conflation_key.hpp"
#include "event/field_value.hpp"
#include "event/type_name.hpp"

#include <algorithm>

namespace tidings {
namespace {

constexpr std::size_t categories_max = 64;  // a CategoryMask has as many bits

bool declares(const EventTypeInfo& info, std::string_view field) noexcept {
    return std::any_of(info.data.begin(), info.data.end(),
                       [&](const auto& known) { return known.name == field; });
}

std::string with_hint(std::string text, const std::string& hint) {
    return hint.empty() ? text : text + "; " + hint;
}

}  // namespace

std::string_view name_of(SlowReader policy) noexcept {
    switch (policy) {
        case SlowReader::resume: return "resume";
        case SlowReader::drop: return "drop";
        case SlowReader::conflate: return "conflate";
    }
    return "resume";
}

Result<void> Registry::add_category(std::string name) {
    const auto usable = check_category_name(name);
    if (!usable) return usable.error();
    if (category_index(name))
        return Error{Errc::invalid_field, "the category '" + name + "' is declared twice"};
    if (categories_.size() == categories_max)
        return Error{Errc::invalid_field, "there are at most 64 categories"};
    categories_.push_back(std::move(name));
    return {};
}

Result<void> Registry::add_type(EventTypeInfo info) {
    const auto usable = check_type_name(info.type, Limits{});
    if (!usable) return usable.error();
    if (find(info.type) != nullptr) {
        return Error{Errc::invalid_field, "the event type '" + info.type + "' is declared twice"};
    }
    const auto index = category_index(info.category);
    if (!index) {
        return Error{Errc::unknown_category, with_hint("unknown category " + shown(info.category) +
                                                           "; allowed: " + joined(categories_),
                                                       nearest_hint(info.category, categories_))};
    }
    if (!info.retain && info.slow_reader == SlowReader::resume) {
        return Error{Errc::invalid_field,
                     "slow_reader = \"resume\" needs the log, so it cannot go with retain = false"};
    }
    for (std::size_t i = 0; i < info.data.size(); ++i) {
        const auto& name = info.data[i].name;
        const auto plain = check_plain_text(name, Limits{}.name_bytes, "the field's name");
        if (!plain) return plain.error();
        const auto same = [&](const auto& other) { return other.name == name; };
        const auto until = info.data.begin() + static_cast<std::ptrdiff_t>(i);
        if (std::any_of(info.data.begin(), until, same)) {
            return Error{Errc::invalid_field, "the field '" + name + "' is declared twice"};
        }
    }
    if (!info.key.empty()) {
        const auto leads = check_key_pointer(info, info.key);
        if (!leads) return leads.error();
    }
    info.category_index = *index;
    type_index_.emplace(info.type, types_.size());
    types_.push_back(std::move(info));
    return {};
}

Result<void> Registry::check_mapping(const Mapping& mapping) const {
    const auto plain = check_plain_text(mapping.name, Limits{}.type_bytes, "the domain event's name");
    if (!plain) return plain.error();
    if (mapping_of(mapping.name) != nullptr) {
        return Error{Errc::invalid_field, "the domain event '" + mapping.name + "' is mapped already"};
    }
    const auto* info = find(mapping.type);
    if (info == nullptr) return Error{Errc::unknown_type, "unknown event type " + shown(mapping.type)};
    const int audiences =
        (mapping.user_id.empty() ? 0 : 1) + (mapping.topic.empty() ? 0 : 1) + (mapping.broadcast ? 1 : 0);
    if (audiences != 1) {
        return Error{Errc::ambiguous_audience, "a mapping needs exactly one of user_id, topic and broadcast"};
    }
    for (const auto* pointer : {&mapping.user_id, &mapping.topic}) {
        const auto usable = check_pointer(*pointer);
        if (!usable) return usable.error();
    }
    std::vector<std::string> sent;
    for (const auto& take : mapping.data) {
        const auto usable = check_pointer(take.pointer);
        if (!usable) return usable.error();
        if (!declares(*info, take.field)) {
            return Error{Errc::unknown_field,
                         with_hint("the field " + shown(take.field) +
                                       " is sent but not declared in the data of '" + info->type + "'",
                                   nearest_hint(take.field, field_names(*info)))};
        }
        sent.push_back(take.field);
    }
    for (const auto& field : info->data) {
        const auto count = std::count(sent.begin(), sent.end(), field.name);
        if (count == 1) continue;
        if (count > 1) return Error{Errc::invalid_field, "the field '" + field.name + "' is sent twice"};
        return Error{Errc::missing_field, "the field '" + field.name + "' of '" + info->type +
                                              "' is declared but not sent by the mapping of '" +
                                              mapping.name + "'"};
    }
    return {};
}

Result<void> Registry::add_mapping(Mapping mapping) {
    auto checked = check_mapping(mapping);
    if (!checked) return checked;
    mapping_index_.emplace(mapping.name, mappings_.size());
    mappings_.push_back(std::move(mapping));
    return {};
}

Result<void> Registry::add_typed(TypedMapping mapping) {
    if (find(mapping.type) == nullptr)
        return Error{Errc::unknown_type, "unknown event type " + shown(mapping.type)};
    if (has_mapping_for(mapping.source)) return Error{Errc::invalid_field, "this C++ type is mapped already"};
    typed_index_.emplace(mapping.source, typed_.size());
    typed_.push_back(std::move(mapping));
    return {};
}

std::optional<std::uint8_t> Registry::category_index(std::string_view name) const noexcept {
    const auto found = std::find(categories_.begin(), categories_.end(), name);
    if (found == categories_.end()) return std::nullopt;
    return static_cast<std::uint8_t>(found - categories_.begin());
}

const EventTypeInfo* Registry::find(std::string_view type) const noexcept {
    const auto found = type_index_.find(type);
    return found == type_index_.end() ? nullptr : &types_[found->second];
}

Result<std::string> Registry::category_of(std::string_view type) const {
    if (const auto* info = find(type)) return info->category;
    return Error{Errc::unknown_type, "unknown event type " + shown(type)};
}

std::vector<const EventTypeInfo*> Registry::of_category(std::string_view category) const {
    std::vector<const EventTypeInfo*> found;
    for (const auto& info : types_) {
        if (info.category == category) found.push_back(&info);
    }
    return found;
}

const Mapping* Registry::mapping_of(std::string_view domain_event) const noexcept {
    const auto found = mapping_index_.find(domain_event);
    return found == mapping_index_.end() ? nullptr : &mappings_[found->second];
}

bool Registry::has_mapping_for(std::type_index type) const noexcept { return typed_index_.contains(type); }

std::vector<std::type_index> Registry::mapped_types() const {
    std::vector<std::type_index> found;
    for (const auto& mapping : typed_) found.push_back(mapping.source);
    return found;
}

RegistryStatistics Registry::statistics() const {
    // An event type that is mapped both by name and by C++ type is one mapping in two forms.
    std::vector<std::string_view> mapped;
    for (const auto& mapping : mappings_) mapped.push_back(mapping.type);
    for (const auto& mapping : typed_) {
        const auto named = [&](const auto& other) { return other.type == mapping.type; };
        if (std::none_of(mappings_.begin(), mappings_.end(), named)) mapped.push_back(mapping.type);
    }
    RegistryStatistics statistics{types_.size(), mapped.size(), {}, {}};
    for (const auto& category : categories_) {
        const auto within = [&](std::string_view type) { return find(type)->category == category; };
        const auto count = static_cast<std::size_t>(std::count_if(mapped.begin(), mapped.end(), within));
        statistics.by_category.emplace_back(category, of_category(category).size());
        statistics.mapped_by_category.emplace_back(category, count);
    }
    return statistics;
}

}  // namespace tidings
