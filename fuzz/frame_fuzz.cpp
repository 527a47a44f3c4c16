// The first line of the input is an event's type, the rest its data. What encode() takes comes back through
// the decoder as it was, line ends normalised, whatever was tried to smuggle in; its chunk is the text and
// nothing else.

#include "base/utf8.hpp"
#include "sse/frame.hpp"

#include <tidings/sse_decoder.hpp>

#include <charconv>
#include <cstdint>
#include <cstdlib>

namespace {

using namespace tidings;

void require(bool holds) {
    if (!holds) std::abort();
}

std::string with_line_feeds(std::string_view data) {
    std::string text;
    for (std::size_t i = 0; i < data.size(); ++i) {
        if (data[i] != '\r') {
            text.push_back(data[i]);
        } else if (data.substr(i + 1, 1) != "\n") {
            text.push_back('\n');
        }
    }
    return text;
}

void check_chunk(const Frame& frame) {
    const auto chunk = frame.chunk();
    std::size_t size = 0;
    const auto [end, ec] = std::from_chars(chunk.data(), chunk.data() + chunk.size(), size, 16);
    require(ec == std::errc{});
    const auto rest = chunk.substr(static_cast<std::size_t>(end - chunk.data()));
    require(rest == "\r\n" + std::string{frame.text()} + "\r\n");
    require(size == frame.text().size());
}

void check_text(const Frame& frame) {
    const auto text = frame.text();
    require(text.ends_with("\n\n") && text.find("\n\n") == text.size() - 2);
    require(text.find('\r') == std::string_view::npos && text.find('\0') == std::string_view::npos);
    require(!text.starts_with("\xef\xbb\xbf") && valid_utf8(text));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view input{reinterpret_cast<const char*>(bytes), size};
    const auto line_end = input.find('\n');
    Event event;
    event.id.bytes[0] = 0xa5;
    event.type = input.substr(0, line_end);
    event.data = line_end == std::string_view::npos ? std::string_view{} : input.substr(line_end + 1);
    Limits limits;
    limits.event_bytes = 4096;
    for (const auto with_id : {WithId::yes, WithId::no}) {
        const auto frame = Frame::encode(event, with_id, limits);
        if (!frame) {
            require(!frame.error().detail.empty());
            continue;
        }
        require(event.data.size() <= limits.event_bytes && event.type.size() <= limits.type_bytes);
        check_text(**frame);
        check_chunk(**frame);
        SseDecoder decoder;
        const auto events = decoder.feed((*frame)->text());
        require(events.size() == 1);
        require(events[0].type == (event.type.empty() ? "message" : event.type));
        require(events[0].data == with_line_feeds(event.data));
        require(events[0].last_event_id == (with_id == WithId::yes ? event.id.text() : ""));
    }
    return 0;
}
