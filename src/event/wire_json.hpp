#pragma once
// What passes between hubs, and between us and the original system, on a shared Redis: names, the JSON of a
// published message, the fields of a retained entry.

#include <tidings/event.hpp>
#include <tidings/limits.hpp>
#include <tidings/registry.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidings {

// The names of channels and streams. A value; the prefix is "sse" unless configured otherwise.
class ChannelKeys {
public:
    explicit ChannelKeys(std::string prefix = "sse") : prefix_{std::move(prefix)} {}

    std::string user_channel(const UserId& user) const { return prefix_ + ":user:" + user.text(); }
    std::string user_stream(const UserId& user) const { return prefix_ + ":stream:user:" + user.text(); }
    std::string broadcast_channel() const { return prefix_ + ":broadcast"; }
    bool is_broadcast(std::string_view channel) const noexcept;
    // The user of "sse:user:<id>"; none: another channel, or no user id.
    std::optional<UserId> user_of(std::string_view channel) const;
    // The same where only UUIDs count, in every spelling, as in the original.
    std::optional<Uuid> user_uuid_of(std::string_view channel) const noexcept;

private:
    std::optional<std::string_view> user_part(std::string_view channel) const noexcept;

    std::string prefix_;
};

// An event as others on the same Redis tell it. `user_id` is the event's own, which need not be the
// channel's.
struct WireEvent {
    Uuid id;
    std::string type;
    std::string category;
    UserId user_id;
    std::string data;  // minified; foreign producers may send any JSON value
    Timestamp occurred_at{};

    bool operator==(const WireEvent&) const = default;
};

// {"event_id": "...", "event_type": "...", "user_id": "...", "data": {...}, "occurred_at": "..."}: names,
// order, separators and the form of the time are the original's; `data` is our minified UTF-8. An event
// without a user (a broadcast) carries the nil UUID.
std::string wire_json(const Event& event);

// Takes whatever the original takes: UTF-8, UTF-16 and UTF-32, UUIDs in every spelling, times in every ISO
// 8601 form, unknown members, repeated members (the last counts), data of any type. Total: anything else is
// an error, never more (invalid_json, invalid_field, missing_field, unknown_type).
Result<WireEvent> parse_wire_json(std::string_view json, const Registry& registry, const Limits& limits);

using WireFields = std::vector<std::pair<std::string, std::string>>;

// event_id, event_type, data, occurred_at: a retained entry, in that order.
WireFields wire_fields(const Event& event);

// The same back; the user comes from the stream's name. Unknown fields are ignored, of repeated ones the last
// counts.
Result<WireEvent> parse_wire_fields(std::span<const std::pair<std::string, std::string>> fields,
                                    const UserId& user, const Registry& registry, const Limits& limits);

}  // namespace tidings
