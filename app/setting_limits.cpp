// The rows of [server.limits]: one per member of Limits that is not a setting of [delivery].
#include "setting_values.hpp"

namespace tidings::app {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = kib * 1024;
constexpr std::size_t gib = mib * 1024;

void add_event_limits(SettingTable& table) {
    table.limit_size("server.limits.event_bytes", {256, 16 * mib}, "`data` of one event",
                     "413 `event-too-large`; in a batch, that item alone.",
                     [](Config& config) -> auto& { return config.limits.event_bytes; });
    table.limit_size("server.limits.type_bytes", {16, 1 * kib}, "the name of an event type",
                     "400 `invalid-field`.",
                     [](Config& config) -> auto& { return config.limits.type_bytes; });
    table.limit_size("server.limits.name_bytes", {36, 1 * kib}, "a topic, a user id or a key",
                     "400 `invalid-field`.",
                     [](Config& config) -> auto& { return config.limits.name_bytes; });
    table.limit_size("server.limits.idempotency_key_bytes", {16, 4 * kib}, "an idempotency key",
                     "400 `invalid-field`.",
                     [](Config& config) -> auto& { return config.limits.idempotency_key_bytes; });
    table.limit_count("server.limits.json_depth", {4, 1024}, "the nesting of `data`", "400 `invalid-json`.",
                      [](Config& config) -> auto& { return config.limits.json_depth; });
    table.limit_count("server.limits.users_per_event", {1, 100'000}, "`user_ids` of one publish",
                      "400 `invalid-field`.",
                      [](Config& config) -> auto& { return config.limits.users_per_event; });
    table.limit_count("server.limits.batch_items", {1, 1'000'000}, "items of one JSON array",
                      "413 `request-too-large`; NDJSON has no such bound.",
                      [](Config& config) -> auto& { return config.limits.batch_items; });
}

void add_request_limits(SettingTable& table) {
    table.limit_size("server.limits.request_bytes", {1 * kib, 1 * gib}, "the body of one request",
                     "413 `request-too-large`; an NDJSON body is bounded per line instead.",
                     [](Config& config) -> auto& { return config.limits.request_bytes; });
    table.limit_size("server.limits.header_bytes", {1 * kib, 1 * mib}, "the head of one request",
                     "431 `head-too-large`, and the connection ends.",
                     [](Config& config) -> auto& { return config.limits.header_bytes; });
    table.limit_size("server.limits.target_bytes", {256, 64 * kib}, "the target of one request",
                     "414 `head-too-large`, and the connection ends.",
                     [](Config& config) -> auto& { return config.limits.target_bytes; });
    table.limit_count("server.limits.headers", {8, 1000}, "the fields of one head",
                      "431 `head-too-large`, and the connection ends.",
                      [](Config& config) -> auto& { return config.limits.headers; });
    table.limit_count("server.limits.topics_per_stream", {1, 10'000}, "the topics of one stream",
                      "400 `invalid-field`.",
                      [](Config& config) -> auto& { return config.limits.topics_per_stream; });
    table.limit_count("server.limits.categories_per_stream", {1, 64}, "the categories that one stream names",
                      "400 `invalid-field`.",
                      [](Config& config) -> auto& { return config.limits.categories_per_stream; });
    table.limit_duration("server.limits.head_timeout", {milliseconds{100}, milliseconds{600'000}},
                         "the time from a connection's first moment, or the last answer, to a whole head",
                         "The connection ends.",
                         [](Config& config) -> auto& { return config.limits.head_timeout; });
    table.limit_duration("server.limits.body_timeout", {milliseconds{100}, milliseconds{600'000}},
                         "the time between two reads of a body", "The connection ends.",
                         [](Config& config) -> auto& { return config.limits.body_timeout; });
    table.limit_duration("server.limits.idle_timeout", {milliseconds{100}, milliseconds{3'600'000}},
                         "the time that a kept connection waits for its next request", "The connection ends.",
                         [](Config& config) -> auto& { return config.limits.idle_timeout; });
}

void add_connection_limits(SettingTable& table) {
    constexpr std::string_view softly =
        "; `GET /events` without an `Authorization` header gets 200, `retry:` and an unclean end instead.";
    table.limit_count(
        "server.limits.token_cache", {0, 10'000'000}, "verified tokens that a shard remembers",
        "The one that was used longest ago is verified again when it comes; 0: each is, always.",
        [](Config& config) -> auto& { return config.limits.token_cache; });
    table.limit_count("server.limits.connections", {1, 10'000'000}, "connections of the process",
                      "A new connection is closed at once; browsers try again.",
                      [](Config& config) -> auto& { return config.limits.connections; });
    table.limit_count("server.limits.streams", {1, 10'000'000}, "streams of the process",
                      "503 `overloaded`" + std::string{softly},
                      [](Config& config) -> auto& { return config.limits.streams; });
    table.limit_count("server.limits.streams_per_user", {1, 1'000'000}, "streams of one user",
                      "429 `too-many-requests`" + std::string{softly},
                      [](Config& config) -> auto& { return config.limits.streams_per_user; });
    table.limit_count("server.limits.streams_per_address", {1, 10'000'000}, "streams of one address",
                      "429 `too-many-requests`" + std::string{softly},
                      [](Config& config) -> auto& { return config.limits.streams_per_address; });
}

void add_delivery_limits(SettingTable& table) {
    table.limit_size("server.limits.send_buffer_bytes", {4 * kib, 64 * mib},
                     "the kernel's buffer of one stream",
                     "The kernel takes no more; what follows counts as unsent.",
                     [](Config& config) -> auto& { return config.limits.send_buffer_bytes; });
    table.limit_size("server.limits.not_sent_bytes", {1 * kib, 64 * mib},
                     "what the kernel holds of one stream and has not sent",
                     "The kernel takes no more; what follows counts as unsent.",
                     [](Config& config) -> auto& { return config.limits.not_sent_bytes; });
    table.limit_count("server.limits.ring_events", {64, 10'000'000}, "recent events that a shard holds",
                      "The oldest leaves; a stream that still needs it reads the log.",
                      [](Config& config) -> auto& { return config.limits.ring_events; });
    table.limit_size("server.limits.ring_bytes", {64 * kib, 16 * gib}, "the bytes of these events",
                     "The oldest leaves; a stream that still needs it reads the log.",
                     [](Config& config) -> auto& { return config.limits.ring_bytes; });
    table.limit_size("server.limits.inbox_bytes", {64 * kib, 16 * gib},
                     "what was handed to a shard and not yet taken",
                     "The shard's streams catch up from the log.",
                     [](Config& config) -> auto& { return config.limits.inbox_bytes; });
    table.limit_count("server.limits.catching_up", {1, 100'000},
                      "streams of a shard that read the log at once", "Others wait, first in, first out.",
                      [](Config& config) -> auto& { return config.limits.catching_up; });
    table.limit_count("server.limits.page_events", {1, 10'000}, "events of one page of a log",
                      "The next page is read when this one was sent.",
                      [](Config& config) -> auto& { return config.limits.page_events; });
    table.limit_size("server.limits.page_bytes", {1 * kib, 64 * mib}, "the bytes of one page of a log",
                     "The next page is read when this one was sent.",
                     [](Config& config) -> auto& { return config.limits.page_bytes; });
    table.limit_count("server.limits.sends_per_turn", {1, 100'000}, "sends before other work gets its turn",
                      "The rest follows in the next turn.",
                      [](Config& config) -> auto& { return config.limits.sends_per_turn; });
    table.limit_count("server.limits.append_batch", {1, 100'000}, "items of one commit",
                      "The rest follows in the next commit.",
                      [](Config& config) -> auto& { return config.limits.append_batch; });
    table.limit_count("server.limits.append_queue", {1, 10'000'000}, "items that wait for the committer",
                      "503 `store-unavailable` after `store.publish_wait`; nothing was published.",
                      [](Config& config) -> auto& { return config.limits.append_queue; });
    table.limit_size("server.limits.append_queue_bytes", {64 * kib, 16 * gib}, "the bytes of these items",
                     "503 `store-unavailable` after `store.publish_wait`; nothing was published. "
                     "One request that would bring more by itself: 413.",
                     [](Config& config) -> auto& { return config.limits.append_queue_bytes; });
}

void add_redis_limits(SettingTable& table) {
    table.limit_size("server.limits.redis_reply_bytes", {1 * mib, 4 * gib}, "one answer or message of Redis",
                     "The link is broken off and opened again; streams catch up from the log.",
                     [](Config& config) -> auto& { return config.limits.redis_reply_bytes; });
    table.limit_size("server.limits.redis_output_bytes", {1 * mib, 4 * gib},
                     "what waits on one link to be sent to Redis",
                     "503 `store-unavailable`; nothing was published.",
                     [](Config& config) -> auto& { return config.limits.redis_output_bytes; });
    table.limit_duration("server.limits.redis_connect_timeout", {milliseconds{100}, milliseconds{60'000}},
                         "the time to a link to Redis that is ready", "It is tried again, later each time.",
                         [](Config& config) -> auto& { return config.limits.redis_connect_timeout; });
    table.limit_duration("server.limits.redis_ping_interval", {milliseconds{100}, milliseconds{60'000}},
                         "the time that a link to Redis may be silent", "`PING` asks whether it lives.",
                         [](Config& config) -> auto& { return config.limits.redis_ping_interval; });
    table.limit_duration("server.limits.redis_answer_timeout", {milliseconds{100}, milliseconds{60'000}},
                         "the time that Redis may take to answer",
                         "The link is broken off and opened again; streams catch up from the log.",
                         [](Config& config) -> auto& { return config.limits.redis_answer_timeout; });
    table.limit_count("server.limits.foreign_search", {1, 1'000'000},
                      "entries that are searched for another system's id", "A `tidings.gap` `unknown_id`.",
                      [](Config& config) -> auto& { return config.limits.foreign_search; });
}

}  // namespace

void add_limits(SettingTable& table) {
    add_event_limits(table);
    add_request_limits(table);
    add_connection_limits(table);
    add_delivery_limits(table);
    add_redis_limits(table);
}

}  // namespace tidings::app
