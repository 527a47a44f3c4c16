#pragma once
// The types that a registry's fields have, as names and as JSON values.

#include <tidings/registry.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidings {

// "uuid", "string", ...
std::string_view name_of(FieldType type) noexcept;
std::optional<FieldType> field_type(std::string_view name) noexcept;
std::vector<std::string> field_type_names();

// "uuid?" where null is allowed.
std::string declaration(const DataField& field);

std::vector<std::string> field_names(const EventTypeInfo& info);

// Whether it is a JSON Pointer of RFC 6901; else Errc::invalid_field.
Result<void> check_pointer(std::string_view pointer);

// A JSON value (validated, minified) as a field of that type in an event made from a domain event: a uuid in
// any spelling becomes canonical, a decimal's number token becomes a string, the rest stays. None: not of
// that type.
std::optional<std::string> converted(std::string_view value, FieldType type);

// Whether a JSON value (validated) may be published as a field of that type; published data is never rebuilt,
// so a decimal may stay a number.
bool fits(std::string_view value, FieldType type);

}  // namespace tidings
