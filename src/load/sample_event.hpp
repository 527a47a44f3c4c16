#pragma once
// An event that any hub takes, made from its registry.

#include <tidings/result.hpp>

#include <string>
#include <string_view>

namespace tidings::load {

struct SampleEvent {
    std::string type;
    std::string data;  // a template of the JSON object, with the stamp in it
};

// `registry` is the answer to GET /event-types. Takes the type that is named, else the first that can carry a
// stamp: one that takes any object, or one with a field of text; the other fields get values of their kinds.
// Types that slow readers may lose are taken only by name. Fails with Errc::unknown_type where there is none,
// invalid_json.
Result<SampleEvent> sample_event(std::string_view registry, std::string_view type);

}  // namespace tidings::load
