#pragma once
// Events, drafts of events, and whom they are for.

#include <tidings/ids.hpp>

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidings {

// UTC, microseconds since 1970-01-01.
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

// Whom an event is for: one user, everybody, or the readers of a topic.
struct Audience {
    enum class Kind : std::uint8_t { user, broadcast, topic };

    Kind kind = Kind::broadcast;
    std::string name;  // the user id or the topic's name; empty for broadcast

    static Audience user(const UserId& id) { return {Kind::user, id.text()}; }
    static Audience broadcast() { return {}; }
    // Fails with Errc::invalid_field: a topic's name is 1 to 128 characters of A-Z a-z 0-9 . _ ~ - : / @
    static Result<Audience> topic(std::string_view name);
    // "user:<id>", "broadcast", "topic:<name>"; the inverse of text(). Fails with Errc::invalid_field.
    static Result<Audience> parse(std::string_view text);

    std::string text() const;
    auto operator<=>(const Audience&) const = default;
};

// An event before the store has taken it: it has no id. `data` is JSON text; publishing validates and
// minifies it.
struct EventDraft {
    std::string type;
    Audience audience;
    std::string data = "{}";
    std::optional<Timestamp> occurred_at{};  // absent: the time of publishing
    std::string key{};                       // for the policy conflate; empty: none
    std::string idempotency_key{};           // empty: none
};

// An event that the store has taken. A value; immutable by convention.
struct Event {
    Uuid id;
    std::string type;
    std::string category;
    Audience audience;
    std::string data;  // one line of minified JSON, UTF-8
    Timestamp occurred_at{};
    std::string key{};
};

// Why a reader cannot be given everything that it asked for (delivery promise P-3).
enum class GapReason : std::uint8_t {
    unknown_id,   // the id it came with is not known
    trimmed,      // what is missing is no longer retained
    store_reset,  // the store lost events, or began anew
    overflow,     // events that no log keeps did not fit into its queue
    foreign       // events of other systems that no log keeps may have been missed
};

// What a reader is told instead, at the place of the loss.
struct Gap {
    GapReason reason = GapReason::trimmed;
    std::optional<std::uint64_t> count{};  // when known
    std::optional<Timestamp> oldest{};     // of what is retained for this reader
};

// The reason as it is told on the wire: "unknown_id".
std::string_view name_of(GapReason reason) noexcept;

}  // namespace tidings
