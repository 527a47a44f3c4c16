#pragma once
// What GET /events asks for. Names are checked for form here; whether a category exists and a topic is
// granted is for those who hold the registry and the credential.

#include "http/request.hpp"

#include <tidings/limits.hpp>
#include <tidings/result.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidings::http {

enum class StreamFrom : std::uint8_t { now, earliest, id };  // id: `cursor` is there
enum class OnGap : std::uint8_t { live, replay };
enum class StreamAudiences : std::uint8_t { all, topics_only };  // all: the user's, broadcast, and the topics
enum class StreamKind : std::uint8_t { stream, probe };

struct StreamRequest {
    std::optional<std::vector<std::string>> categories;  // absent: all of them
    std::vector<std::string> topics;                     // in order, each once
    std::optional<std::string> cursor;                   // never empty
    StreamFrom from = StreamFrom::now;
    OnGap on_gap = OnGap::live;
    StreamAudiences audiences = StreamAudiences::all;
    std::optional<std::chrono::seconds> heartbeat;  // 1 s to 60 s; absent: the configured one
    StreamKind kind = StreamKind::stream;

    bool operator==(const StreamRequest&) const = default;
};

// Stands for a cursor that cannot be an id: longer than 128 bytes, or of other characters than ids have. '!'
// is none of them, so it is unknown to every store.
inline constexpr std::string_view unknown_cursor = "!";

// Reads query and fields. The cursor is the first non-empty of Last-Event-ID (field), last_event_id,
// lastEventId, Last-Event-ID (query), from=<id>; a bad cursor is carried as unknown and never an error,
// because an error would silence a browser for good. Fails with unknown_parameter, invalid_field,
// missing_field or not_acceptable.
Result<StreamRequest> parse_stream_request(const Request& request, const Limits& limits);

}  // namespace tidings::http
