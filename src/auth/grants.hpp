#pragma once
// What a credential may publish, and which topics it may read.

#include <tidings/event.hpp>
#include <tidings/result.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidings::auth {

// A list of "broadcast", "user:<id>", "topic:<name>", "domain:<name>", each of the last three with a trailing
// '*' if wished, or "*" alone for everything. A wildcard stays within its kind. A value; at most 256 grants.
class GrantList {
public:
    // `name_space`: of the key that issued them; "" or what stands before '!' in its users' ids. Its user
    // grants, and
    // "*", reach no user of another one. Fails with Errc::invalid_field, saying which grant and what would be
    // right.
    static Result<GrantList> parse(const std::vector<std::string>& grants, std::string_view name_space = {});

    // For a user: the id with its namespace.
    bool allows(const Audience& audience) const noexcept;
    bool allows_topic(std::string_view name) const noexcept { return allows(Kind::topic, name); }
    bool allows_domain(std::string_view name) const noexcept { return allows(Kind::domain, name); }
    bool empty() const noexcept { return grants_.empty(); }

    bool operator==(const GrantList&) const = default;

private:
    enum class Kind : std::uint8_t { user, broadcast, topic, domain };
    enum class Match : std::uint8_t { exact, prefix };
    struct Grant {
        Kind kind = Kind::broadcast;
        Match match = Match::exact;
        std::string text;
        bool operator==(const Grant&) const = default;
    };

    static Result<Grant> parse_one(std::string_view text, std::string_view name_space);
    bool allows(Kind kind, std::string_view name) const noexcept;

    std::vector<Grant> grants_;
};

// What the `tidings` claim grants. The user's own channel and the broadcast need no grant to be read; no
// grant opens another user's channel (P-5).
struct Grants {
    GrantList publish;
    GrantList subscribe;
    enum class Operate : std::uint8_t { no, yes } operate = Operate::no;

    bool allows_publish(const Audience& audience) const noexcept { return publish.allows(audience); }
    bool allows_domain(std::string_view name) const noexcept { return publish.allows_domain(name); }
    bool allows_subscribe(std::string_view topic) const noexcept { return subscribe.allows_topic(topic); }
    bool operator==(const Grants&) const = default;
};

}  // namespace tidings::auth
