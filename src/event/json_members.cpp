#include "event/json_members.hpp"

#include "base/nearest.hpp"
#include "event/time_text.hpp"
#include "event/type_name.hpp"

#include <algorithm>
#include <set>

namespace tidings {
namespace {

constexpr std::size_t members_max = 1024;
constexpr std::size_t few = 16;  // compared one by one

// Whether the name of members[at] is one of those before it. `seen` takes over where there are many.
bool stands_before(const std::vector<JsonMember>& members, std::size_t at, std::set<std::string_view>& seen) {
    const auto& name = members[at].name;
    if (members.size() > few) return !seen.insert(name).second;
    return std::any_of(members.begin(), members.begin() + static_cast<std::ptrdiff_t>(at),
                       [&](const auto& before) { return before.name == name; });
}

}  // namespace

Result<JsonMembers> JsonMembers::parse(std::string_view json, const std::vector<std::string>& allowed,
                                       UnknownMembers unknown, std::string_view what, const Limits& limits) {
    JsonReader own{limits};
    auto members = parse(own, json, allowed, unknown, what);
    // The values lie in what moves with it.
    if (members) members->own_ = std::move(own);
    return members;
}

Result<JsonMembers> JsonMembers::parse(JsonReader& reader, std::string_view json,
                                       const std::vector<std::string>& allowed, UnknownMembers unknown,
                                       std::string_view what) {
    const auto clean = reader.minified_in_place(json);
    if (!clean) return clean.error();
    auto found = json_members(*clean, members_max);
    if (!found) return Error{Errc::invalid_field, std::string{what} + " is a JSON object"};
    if (found->size() > members_max) {
        return Error{Errc::invalid_field,
                     std::string{what} + " has at most " + std::to_string(members_max) + " members"};
    }
    JsonMembers members;
    members.what_ = what;
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < found->size(); ++i) {
        const auto& name = (*found)[i].name;
        const bool known = std::find(allowed.begin(), allowed.end(), name) != allowed.end();
        if (!known && unknown == UnknownMembers::refuse) {
            const std::string hint = nearest_hint(name, allowed);
            return Error{Errc::unknown_field, std::string{what} + " has no member " + shown(name) + "; " +
                                                  (hint.empty() ? "allowed: " + joined(allowed) : hint)};
        }
        if (stands_before(*found, i, seen)) {
            return Error{Errc::invalid_field,
                         "the member " + shown(name) + " of " + std::string{what} + " stands twice"};
        }
    }
    members.members_ = std::move(*found);
    return members;
}

const std::string_view* JsonMembers::raw(std::string_view name) const noexcept {
    for (const auto& member : members_) {
        if (member.name == name) return &member.value;
    }
    return nullptr;
}

Error JsonMembers::missing(std::string_view name) const {
    return {Errc::missing_field, std::string{what_} + " needs the member '" + std::string{name} + "'"};
}

Error JsonMembers::not_a_string(std::string_view name) const {
    return {Errc::invalid_field,
            "the member '" + std::string{name} + "' of " + std::string{what_} + " is a string"};
}

Result<std::optional<std::string>> JsonMembers::text(std::string_view name) const {
    const auto* value = raw(name);
    if (value == nullptr) return std::optional<std::string>{};
    auto text = json_string(*value);
    if (!text) return not_a_string(name);
    return std::optional{*std::move(text)};
}

Result<std::string> JsonMembers::required_text(std::string_view name) const {
    const auto* value = raw(name);
    if (value == nullptr) return missing(name);
    auto text = json_string(*value);
    if (!text) return not_a_string(name);
    return *std::move(text);
}

Result<std::optional<Timestamp>> JsonMembers::time(std::string_view name) const {
    const auto found = text(name);
    if (!found) return found.error();
    if (!*found) return std::optional<Timestamp>{};
    const auto time = parse_time(**found);
    if (!time) {
        return Error{Errc::invalid_field, "the member '" + std::string{name} + "' of " + std::string{what_} +
                                              " is an ISO 8601 time such as 2026-01-20T02:30:00Z"};
    }
    return std::optional{*time};
}

}  // namespace tidings
