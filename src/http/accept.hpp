#pragma once
// What a client's Accept field makes of GET /events (RFC 9110 section 12.5.1).

#include <cstdint>
#include <string_view>

namespace tidings::http {

enum class StreamAnswer : std::uint8_t {
    stream,         // text/event-stream
    probe,          // application/json: may this credential open this stream, and why not
    not_acceptable  // neither: 406
};

// `accept`: all Accept values joined by commas; empty: the field is absent, which accepts anything. The media
// type with the higher quality wins, the stream where they are equal. What is not a media range is passed
// over.
StreamAnswer negotiate(std::string_view accept) noexcept;

}  // namespace tidings::http
