#include "event/field_value.hpp"

#include "base/json.hpp"
#include "event/time_text.hpp"
#include "event/type_name.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace tidings {
namespace {

constexpr std::array<std::pair<FieldType, std::string_view>, 9> names{{
    {FieldType::uuid, "uuid"},
    {FieldType::string, "string"},
    {FieldType::integer, "integer"},
    {FieldType::number, "number"},
    {FieldType::boolean, "boolean"},
    {FieldType::decimal, "decimal"},
    {FieldType::datetime, "datetime"},
    {FieldType::object, "object"},
    {FieldType::array, "array"},
}};

bool digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool is_string(std::string_view value) noexcept { return value.starts_with('"'); }
bool is_number(std::string_view value) noexcept {
    return !value.empty() && (value.front() == '-' || digit(value.front()));
}
bool is_integer(std::string_view value) noexcept {
    if (!is_number(value)) return false;
    value.remove_prefix(value.front() == '-' ? 1 : 0);
    return std::all_of(value.begin(), value.end(), digit);
}

// What Python's str(Decimal) gives for a finite number: "-1000.00", "1E+3".
bool decimal_text(std::string_view text) noexcept {
    const auto skip_digits = [&] {
        std::size_t count = 0;
        for (; !text.empty() && digit(text.front()); ++count) text.remove_prefix(1);
        return count;
    };
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    std::size_t digits = skip_digits();
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        digits += skip_digits();
    }
    if (digits == 0) return false;
    if (text.starts_with('e') || text.starts_with('E')) {
        text.remove_prefix(1);
        if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
        if (skip_digits() == 0) return false;
    }
    return text.empty();
}

}  // namespace

std::string_view name_of(FieldType type) noexcept {
    for (const auto& [known, name] : names) {
        if (known == type) return name;
    }
    return "string";
}

std::optional<FieldType> field_type(std::string_view name) noexcept {
    for (const auto& [type, known] : names) {
        if (known == name) return type;
    }
    return std::nullopt;
}

std::vector<std::string> field_type_names() {
    std::vector<std::string> found;
    for (const auto& [type, name] : names) found.emplace_back(name);
    return found;
}

std::string declaration(const DataField& field) {
    return std::string{name_of(field.type)} + (field.nullable ? "?" : "");
}

std::vector<std::string> field_names(const EventTypeInfo& info) {
    std::vector<std::string> declared;
    for (const auto& field : info.data) declared.push_back(field.name);
    return declared;
}

Result<void> check_pointer(std::string_view pointer) {
    bool usable = pointer.empty() || pointer.front() == '/';
    for (std::size_t i = 0; usable && i < pointer.size(); ++i) {
        if (pointer[i] != '~') continue;
        usable = i + 1 < pointer.size() && (pointer[i + 1] == '0' || pointer[i + 1] == '1');
    }
    if (usable) return {};
    return Error{Errc::invalid_field,
                 shown(pointer) + " is not a JSON Pointer; it begins with '/', as in '/user_id' (RFC 6901)"};
}

std::optional<std::string> converted(std::string_view value, FieldType type) {
    if (type == FieldType::decimal && is_number(value)) return "\"" + std::string{value} + "\"";
    if (type == FieldType::uuid) {
        const auto text = json_string(value);
        const auto uuid = text ? Uuid::parse_any(*text) : std::nullopt;
        if (!uuid) return std::nullopt;
        return "\"" + uuid->text() + "\"";
    }
    if (!fits(value, type)) return std::nullopt;
    return std::string{value};
}

bool fits(std::string_view value, FieldType type) {
    switch (type) {
        case FieldType::string: return is_string(value);
        case FieldType::integer: return is_integer(value);
        case FieldType::number: return is_number(value);
        case FieldType::boolean: return value == "true" || value == "false";
        case FieldType::object: return value.starts_with('{');
        case FieldType::array: return value.starts_with('[');
        case FieldType::uuid:
        case FieldType::datetime:
        case FieldType::decimal: break;
    }
    if (type == FieldType::decimal && is_number(value)) return true;
    const auto text = json_string(value);
    if (!text) return false;
    if (type == FieldType::uuid) return Uuid::parse_any(*text).has_value();
    if (type == FieldType::datetime) return parse_time(*text).has_value();
    return decimal_text(*text);
}

}  // namespace tidings
