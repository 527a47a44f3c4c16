#include "auth/grants.hpp"

#include <algorithm>

namespace tidings::auth {
namespace {

constexpr std::size_t grants_max = 256;
constexpr std::size_t grant_bytes_max = 256;

Error refused(std::size_t index) {
    return {Errc::invalid_field,
            "grant " + std::to_string(index + 1) +
                " is not broadcast, user:<id>, topic:<name>, domain:<name> (a '*' may end the "
                "last three) or *"};
}

std::string qualified(std::string_view name_space, std::string_view id) {
    return name_space.empty() ? std::string{id} : std::string{name_space} + "!" + std::string{id};
}

bool visible(char c) noexcept { return c > 0x20 && c < 0x7f; }

}  // namespace

Result<GrantList> GrantList::parse(const std::vector<std::string>& grants, std::string_view name_space) {
    if (grants.size() > grants_max) return Error{Errc::invalid_field, "a list has at most 256 grants"};
    GrantList list;
    for (std::size_t i = 0; i < grants.size(); ++i) {
        if (grants[i] == "*") {
            list.grants_.push_back({Kind::user, Match::prefix, qualified(name_space, "")});
            list.grants_.push_back({Kind::broadcast, Match::exact, ""});
            list.grants_.push_back({Kind::topic, Match::prefix, ""});
            list.grants_.push_back({Kind::domain, Match::prefix, ""});
            continue;
        }
        auto grant = parse_one(grants[i], name_space);
        if (!grant) return refused(i);
        list.grants_.push_back(std::move(*grant));
    }
    return list;
}

Result<GrantList::Grant> GrantList::parse_one(std::string_view text, std::string_view name_space) {
    if (text == "broadcast") return Grant{};
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || text.size() > grant_bytes_max) return Errc::invalid_field;
    const auto kind = text.substr(0, colon);
    auto name = text.substr(colon + 1);
    Grant grant;
    if (name.ends_with('*')) {
        grant.match = Match::prefix;
        name.remove_suffix(1);
    }
    const bool good = std::all_of(name.begin(), name.end(), [](char c) { return visible(c) && c != '*'; });
    if (!good || (name.empty() && grant.match == Match::exact)) return Errc::invalid_field;
    grant.text = name;
    if (kind == "user") {
        grant.kind = Kind::user;
        // A namespace is the key's, and no grant may name one.
        if (name.find('!') != std::string_view::npos) return Errc::invalid_field;
        if (grant.match == Match::exact) {
            const auto id = UserId::parse(name);
            if (!id) return id.error();
            grant.text = id->text();
        }
        grant.text = qualified(name_space, grant.text);
    } else if (kind == "topic") {
        grant.kind = Kind::topic;
        if (grant.match == Match::exact && !Audience::topic(name)) return Errc::invalid_field;
    } else if (kind == "domain") {
        grant.kind = Kind::domain;
    } else {
        return Errc::invalid_field;
    }
    return grant;
}

bool GrantList::allows(const Audience& audience) const noexcept {
    switch (audience.kind) {
        case Audience::Kind::user: return allows(Kind::user, audience.name);
        case Audience::Kind::topic: return allows(Kind::topic, audience.name);
        case Audience::Kind::broadcast: break;
    }
    return allows(Kind::broadcast, "");
}

bool GrantList::allows(Kind kind, std::string_view name) const noexcept {
    return std::any_of(grants_.begin(), grants_.end(), [&](const Grant& grant) {
        if (grant.kind != kind) return false;
        if (grant.match == Match::exact) return name == grant.text;
        // A wildcard of a key without a namespace would else reach into every namespace.
        return name.starts_with(grant.text) &&
               (kind != Kind::user || name.find('!', grant.text.size()) == std::string_view::npos);
    });
}

}  // namespace tidings::auth
