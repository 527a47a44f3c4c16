#pragma once
// The data of an event, built field by field in order. What typed mappings return.

#include <tidings/ids.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace tidings {

// A JSON value as text. Implicit from what domain events hold, so that mappings read like a table.
class JsonValue {
public:
    JsonValue(std::nullptr_t);
    JsonValue(bool value);
    template <std::integral T>
        requires(!std::same_as<T, bool> && sizeof(T) <= sizeof(std::int64_t))
    JsonValue(T value) : text_{std::to_string(value)} {}
    JsonValue(double value);  // shortest form; NaN and infinities become null
    JsonValue(const char* text) : JsonValue{std::string_view{text}} {}
    JsonValue(std::string_view text);
    JsonValue(const std::string& text) : JsonValue{std::string_view{text}} {}
    JsonValue(const Uuid& uuid);  // as text
    template <class T>
    JsonValue(const std::optional<T>& value) : JsonValue{value ? JsonValue{*value} : JsonValue{nullptr}} {}
    // JSON text as it is; the caller answers for its being one value.
    static JsonValue raw(std::string text);

    const std::string& text() const noexcept { return text_; }

private:
    JsonValue() = default;
    std::string text_;
};

// An ordered JSON object.
class Payload {
public:
    struct Field {
        std::string_view name;
        JsonValue value;
    };
    Payload() = default;
    Payload(std::initializer_list<Field> fields);
    Payload& add(std::string_view name, const JsonValue& value);
    // "{...}", minified.
    std::string text() const { return "{" + members_ + "}"; }

private:
    std::string members_;
};

}  // namespace tidings
