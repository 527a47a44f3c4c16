#pragma once
// The key of an event whose type has the policy `conflate`: of the events of one audience, type and key that
// wait for a slow reader, the newest is owed.

#include <tidings/limits.hpp>
#include <tidings/registry.hpp>

#include <string>
#include <string_view>

namespace tidings {

// Whether the type may have this pointer to its key: only with `conflate`, and where it declares fields the
// pointer leads to a string, number or boolean. Errc::invalid_field, unknown_field.
Result<void> check_key_pointer(const EventTypeInfo& info, std::string_view pointer);

// Whether a publish of the type may name this key itself. `info`: null for a type that the registry does not
// have. Errc::invalid_field.
Result<void> check_given_key(const EventTypeInfo* info, std::string_view type, std::string_view key,
                             const Limits& limits);

// The key that the store keeps with the event. `given`: the publish's own, checked, which counts before the
// pointer's. Empty: none, so that the event takes no other's place and no other takes its place: there is no
// value of at most Limits::name_bytes at the pointer, or it is null, an object or an array. `data`: validated
// and minified.
std::string conflation_key(const EventTypeInfo* info, std::string_view given, std::string_view data,
                           const Limits& limits);

}  // namespace tidings
