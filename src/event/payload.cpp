#include <tidings/payload.hpp>

#include "base/json.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace tidings {

JsonValue::JsonValue(std::nullptr_t) : text_{"null"} {}
JsonValue::JsonValue(bool value) : text_{value ? "true" : "false"} {}

JsonValue::JsonValue(double value) : text_{"null"} {
    if (!std::isfinite(value)) return;
    std::array<char, 32> buffer{};
    const auto [end, ec] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    if (ec == std::errc{}) text_.assign(buffer.data(), end);
}

JsonValue::JsonValue(std::string_view text) : text_{quoted(text)} {}
JsonValue::JsonValue(const Uuid& uuid) : text_{quoted(uuid.text())} {}

JsonValue JsonValue::raw(std::string text) {
    JsonValue value;
    value.text_ = std::move(text);
    return value;
}

Payload::Payload(std::initializer_list<Field> fields) {
    for (const auto& field : fields) add(field.name, field.value);
}

Payload& Payload::add(std::string_view name, const JsonValue& value) {
    if (!members_.empty()) members_.push_back(',');
    members_.append(quoted(name)).append(":").append(value.text());
    return *this;
}

}  // namespace tidings
