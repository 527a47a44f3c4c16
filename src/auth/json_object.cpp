#include "auth/json_object.hpp"

#include <algorithm>

namespace tidings::auth {
namespace {

constexpr std::size_t members_max = 64;
constexpr std::size_t depth_max = 16;

}  // namespace

Result<JsonObject> JsonObject::parse(std::string_view text) {
    Limits limits;
    limits.json_depth = depth_max;
    if (auto checked = check_json(text, limits); !checked) return checked.error();
    auto members = json_members(text, members_max);
    if (!members) return Error{Errc::invalid_json, "a JSON object is expected"};
    if (members->size() > members_max) return Error{Errc::invalid_json, "an object has at most 64 members"};
    for (auto member = members->begin(); member != members->end(); ++member) {
        const auto same = [&](const JsonMember& other) { return other.name == member->name; };
        if (std::any_of(members->begin(), member, same)) {
            return Error{Errc::invalid_json, "each member stands once"};
        }
    }
    JsonObject object;
    object.members_ = std::move(*members);
    return object;
}

std::optional<std::string_view> JsonObject::member(std::string_view name) const noexcept {
    for (const auto& member : members_) {
        if (member.name == name) return member.value;
    }
    return std::nullopt;
}

std::optional<std::string> JsonObject::string(std::string_view name) const {
    const auto text = member(name);
    return text ? json_string(*text) : std::nullopt;
}

}  // namespace tidings::auth
