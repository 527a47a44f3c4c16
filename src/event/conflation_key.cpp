#include "event/conflation_key.hpp"

#include "base/json.hpp"
#include "base/nearest.hpp"
#include "event/field_value.hpp"
#include "event/type_name.hpp"

#include <algorithm>

namespace tidings {
namespace {

// The first name of a usable pointer that is not empty.
std::string first_name(std::string_view pointer) {
    const auto token = pointer.substr(1, pointer.find('/', 1) - 1);
    std::string name;
    for (std::size_t i = 0; i < token.size(); ++i) {
        name.push_back(token[i] != '~' ? token[i] : token[++i] == '0' ? '~' : '/');
    }
    return name;
}

}  // namespace

Result<void> check_key_pointer(const EventTypeInfo& info, std::string_view pointer) {
    if (info.slow_reader != SlowReader::conflate) {
        return Error{Errc::invalid_field,
                     "'key' belongs to slow_reader = \"conflate\"; add that, or remove 'key'"};
    }
    if (pointer.empty()) {
        return Error{Errc::invalid_field, "'key' is a JSON Pointer into the data, such as \"/file_name\""};
    }
    if (const auto usable = check_pointer(pointer); !usable) return usable.error();
    if (info.data.empty()) return {};
    const std::string name = first_name(pointer);
    const auto field = std::find_if(info.data.begin(), info.data.end(),
                                    [&](const auto& known) { return known.name == name; });
    if (field == info.data.end()) {
        const auto declared = field_names(info);
        const std::string hint = nearest_hint(name, declared);
        return Error{Errc::unknown_field, "the data has no field " + shown(name) + " for the key; " +
                                              (hint.empty() ? "declared: " + joined(declared) : hint)};
    }
    const bool goes_on = pointer.find('/', 1) != std::string_view::npos;
    const bool contains = field->type == FieldType::object || field->type == FieldType::array;
    if (goes_on == contains) return {};
    return Error{Errc::invalid_field, "the key " + shown(pointer) +
                                          " leads to no string, number or boolean: '" + name +
                                          "' is declared as " + std::string{name_of(field->type)}};
}

Result<void> check_given_key(const EventTypeInfo* info, std::string_view type, std::string_view key,
                             const Limits& limits) {
    if (info == nullptr || info->slow_reader != SlowReader::conflate) {
        return Error{Errc::invalid_field,
                     shown(type) +
                         " takes no 'key': leave it out, or give the type slow_reader = \"conflate\" "
                         "in the registry"};
    }
    return check_plain_text(key, limits.name_bytes, "the key");
}

std::string conflation_key(const EventTypeInfo* info, std::string_view given, std::string_view data,
                           const Limits& limits) {
    if (info == nullptr || info->slow_reader != SlowReader::conflate) return {};
    if (!given.empty() || info->key.empty()) return std::string{given};
    const auto value = json_pointer(data, info->key);
    if (!value || *value == "null" || value->starts_with('{') || value->starts_with('[')) return {};
    auto text = value->starts_with('"') ? json_string(*value) : std::string{*value};
    return text && text->size() <= limits.name_bytes ? *std::move(text) : std::string{};
}

}  // namespace tidings
