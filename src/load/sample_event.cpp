#include "load/sample_event.hpp"

#include "base/json.hpp"

#include <array>
#include <optional>
#include <utility>

namespace tidings::load {
namespace {

std::string_view value_of_kind(std::string_view kind) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 9> values{
        {{"uuid", "\"00000000-0000-7000-8000-000000000000\""},
         {"string", "\"\""},
         {"boolean", "false"},
         {"object", "{}"},
         {"array", "[]"},
         {"integer", "0"},
         {"number", "0"},
         {"decimal", "\"0\""},
         {"datetime", "\"2026-01-01T00:00:00Z\""}}};
    if (kind.ends_with('?')) return "null";
    for (const auto& [name, value] : values) {
        if (name == kind) return value;
    }
    return "null";
}

// None: no field of the type can carry a stamp.
std::optional<std::string> data_of(std::string_view fields) {
    const auto members = json_members(fields).value_or(std::vector<JsonMember>{});
    if (members.empty()) return "{payload}";
    std::string data;
    bool stamped = false;
    for (const auto& [name, kind_text] : members) {
        const std::string kind = json_string(kind_text).value_or("");
        const bool carries = !stamped && (kind == "string" || kind == "string?");
        stamped = stamped || carries;
        data += (data.empty() ? "" : ",") + quoted(name) + ":";
        data += carries ? "\"{stamp}{pad}\"" : value_of_kind(kind);
    }
    return stamped ? std::optional{"{" + data + "}"} : std::nullopt;
}

}  // namespace

Result<SampleEvent> sample_event(std::string_view registry, std::string_view type) {
    const auto text = minified(registry, Limits{});
    if (!text) return text.error();
    const auto list = json_member(*text, "event_types");
    const auto types = list ? json_elements(*list) : std::nullopt;
    if (!types) return Error{Errc::invalid_json, "the hub's registry has no list of event types"};
    for (const auto one : *types) {
        const auto name = json_member(one, "type"), fields = json_member(one, "data");
        if (!name || !fields) continue;
        const std::string known = json_string(*name).value_or("");
        const bool keeps = json_member(one, "slow_reader") != "\"drop\"";
        if (type.empty() ? !keeps : known != type) continue;
        if (auto data = data_of(*fields)) return SampleEvent{known, std::move(*data)};
        if (!type.empty())
            return Error{Errc::unknown_type, "events of the type '" + known +
                                                 "' cannot be counted: it has no field of the kind string"};
    }
    return Error{Errc::unknown_type, type.empty()
                                         ? "the hub's registry has no type with a field of the kind string"
                                         : "the hub knows no event type '" + std::string{type} + "'"};
}

}  // namespace tidings::load
