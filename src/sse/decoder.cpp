#include <tidings/sse_decoder.hpp>

#include "base/utf8.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

namespace tidings {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

// The first bytes of an over-long line are kept all the same: they say which field it is.
constexpr std::size_t line_bytes_min = 64;

bool digit(char c) noexcept { return c >= '0' && c <= '9'; }

}  // namespace

// Line ends and colons are ASCII, and no invalid sequence swallows ASCII; so the stream is divided into lines
// first and each line decoded when it is whole, which needs no state across the ends of chunks.
void SseDecoder::feed(std::string_view bytes, SseListener& listener) {
    while (!bytes.empty()) {
        if (after_cr_) {
            after_cr_ = false;
            if (bytes.front() == '\n') {
                bytes.remove_prefix(1);
                continue;
            }
        }
        const auto end = bytes.find_first_of("\r\n");
        if (end == std::string_view::npos) {
            take(bytes);
            return;
        }
        after_cr_ = bytes[end] == '\r';
        end_line(bytes.substr(0, end), listener);
        bytes.remove_prefix(end + 1);
    }
}

std::vector<SseEvent> SseDecoder::feed(std::string_view bytes) {
    struct Collector final : SseListener {
        std::vector<SseEvent> events;
        void event(const SseEvent& event) override { events.push_back(event); }
    } collector;
    feed(bytes, collector);
    return std::move(collector.events);
}

void SseDecoder::finish() {
    line_.clear();
    event_.type.clear();
    event_.data.clear();
    id_ = last_event_id_;
    line_too_long_ = skipping_ = after_cr_ = false;
    first_line_ = true;
}

void SseDecoder::set_last_event_id(std::string_view id) {
    last_event_id_ = id;
    id_ = id;
}

void SseDecoder::take(std::string_view part) {
    const auto room = std::max(event_bytes_max_, line_bytes_min) - line_.size();
    if (part.size() > room) line_too_long_ = true;
    line_.append(part.substr(0, room));
}

void SseDecoder::end_line(std::string_view rest, SseListener& listener) {
    const auto line_bytes_max = std::max(event_bytes_max_, line_bytes_min);
    auto extent = Line::whole;
    auto text = rest;
    // A line that came in one piece is read where it stands.
    if (!line_.empty() || rest.size() > line_bytes_max) {
        take(rest);
        extent = line_too_long_ ? Line::too_long : Line::whole;
        text = line_;
    }
    if (first_line_) {
        first_line_ = false;
        if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    }
    if (!valid_utf8(text)) {
        valid_.clear();
        append_utf8(valid_, text);
        text = valid_;
    }
    line(text, extent, listener);
    line_.clear();
    line_too_long_ = false;
}

void SseDecoder::line(std::string_view text, Line extent, SseListener& listener) {
    if (text.empty()) {
        dispatch(listener);
        return;
    }
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) {
        if (extent == Line::whole) field(text, {}, extent, listener);
        return;
    }
    auto value = text.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (colon == 0) {
        if (extent == Line::whole) listener.comment(value);
        return;
    }
    field(text.substr(0, colon), value, extent, listener);
}

void SseDecoder::field(std::string_view name, std::string_view value, Line extent, SseListener& listener) {
    const bool whole = extent == Line::whole;
    if (name == "id") {
        // An id that is too long to keep counts as one that cannot be sent back.
        if (whole && value.find('\0') == std::string_view::npos) id_ = value;
    } else if (name == "retry") {
        if (whole) retry(value, listener);
    } else if (name == "data" || name == "event") {
        // A type that is named again takes the place of the first.
        const auto held = event_.data.size() + (name == "data" ? event_.type.size() : 0);
        if (!whole || held + value.size() > event_bytes_max_) {
            if (!skipping_) listener.overflow();
            skipping_ = true;
        }
        if (skipping_) {
            event_.data.clear();
            event_.type.clear();
        } else if (name == "data") {
            event_.data.append(value).push_back('\n');
        } else {
            event_.type = value;
        }
    }
}

void SseDecoder::retry(std::string_view digits, SseListener& listener) const {
    if (digits.empty() || !std::all_of(digits.begin(), digits.end(), digit)) return;
    constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
    std::int64_t delay = 0;
    for (const char c : digits) delay = std::min(most, delay * 10 + (c - '0'));
    listener.retry(std::chrono::milliseconds{delay});
}

void SseDecoder::dispatch(SseListener& listener) {
    last_event_id_ = id_;
    skipping_ = false;
    if (!event_.data.empty()) {
        event_.data.pop_back();
        if (event_.type.empty()) event_.type = "message";
        event_.last_event_id = last_event_id_;
        listener.event(event_);
    }
    event_.type.clear();
    event_.data.clear();
}

}  // namespace tidings
