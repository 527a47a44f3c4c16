#include "event/json_members.hpp"

#include "base/json.hpp"
#include "base/nearest.hpp"
#include "event/time_text.hpp"
#include "event/type_name.hpp"

#include <algorithm>

namespace tidings {
namespace {

constexpr std::size_t members_max = 1024;

}  // namespace

Result<JsonMembers> JsonMembers::parse(std::string_view json, const std::vector<std::string>& allowed,
                                       UnknownMembers unknown, std::string_view what, const Limits& limits) {
    const auto clean = minified(json, limits);
    if (!clean) return clean.error();
    const auto found = json_members(*clean, members_max);
    if (!found) return Error{Errc::invalid_field, std::string{what} + " is a JSON object"};
    if (found->size() > members_max) {
        return Error{Errc::invalid_field,
                     std::string{what} + " has at most " + std::to_string(members_max) + " members"};
    }
    JsonMembers members;
    members.what_ = what;
    for (const auto& [name, value] : *found) {
        const bool known = std::find(allowed.begin(), allowed.end(), name) != allowed.end();
        if (!known && unknown == UnknownMembers::refuse) {
            const std::string hint = nearest_hint(name, allowed);
            return Error{Errc::unknown_field, members.what_ + " has no member " + shown(name) + "; " +
                                                  (hint.empty() ? "allowed: " + joined(allowed) : hint)};
        }
        if (!members.members_.emplace(name, value).second) {
            return Error{Errc::invalid_field,
                         "the member " + shown(name) + " of " + members.what_ + " stands twice"};
        }
    }
    return members;
}

const std::string* JsonMembers::raw(std::string_view name) const noexcept {
    const auto found = members_.find(name);
    return found == members_.end() ? nullptr : &found->second;
}

Result<std::optional<std::string>> JsonMembers::text(std::string_view name) const {
    const auto* value = raw(name);
    if (value == nullptr) return std::optional<std::string>{};
    auto text = json_string(*value);
    if (!text)
        return Error{Errc::invalid_field,
                     "the member '" + std::string{name} + "' of " + what_ + " is a string"};
    return std::optional{*std::move(text)};
}

Result<std::string> JsonMembers::required_text(std::string_view name) const {
    auto found = text(name);
    if (!found) return found.error();
    if (!*found) return Error{Errc::missing_field, what_ + " needs the member '" + std::string{name} + "'"};
    return **std::move(found);
}

Result<std::optional<Timestamp>> JsonMembers::time(std::string_view name) const {
    const auto found = text(name);
    if (!found) return found.error();
    if (!*found) return std::optional<Timestamp>{};
    const auto time = parse_time(**found);
    if (!time) {
        return Error{Errc::invalid_field, "the member '" + std::string{name} + "' of " + what_ +
                                              " is an ISO 8601 time such as 2026-01-20T02:30:00Z"};
    }
    return std::optional{*time};
}

}  // namespace tidings
