#pragma once
// Reads Server-Sent Events: bytes in, events out. For clients of a hub, or of any other server.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidings {

struct SseEvent {
    std::string type;           // "message" where the server named none
    std::string data;           // its lines joined by LF
    std::string last_event_id;  // of this event or, where it has none, of an earlier one

    bool operator==(const SseEvent&) const = default;
};

// What a stream says. Implemented by the reader of the stream; references and views live as long as the call.
// The functions must not call into the decoder.
class SseListener {
public:
    virtual void event(const SseEvent& event) = 0;
    // The server asks to wait that long before coming back; at most 2^31 - 1 ms. Take it, but keep bounds of
    // your own.
    virtual void retry(std::chrono::milliseconds /*delay*/) {}
    // A comment line without its colon and the space after it: a heartbeat.
    virtual void comment(std::string_view /*text*/) {}
    // An event above the decoder's limit was skipped; said once, where it would have stood.
    virtual void overflow() {}

protected:
    ~SseListener() = default;
};

// The parser of the WHATWG HTML Standard, section 9.2.6, at any division of the bytes: one leading byte order
// mark is stripped; lines end in LF, CR or CRLF; what is not UTF-8 becomes U+FFFD; an id with a NUL and a
// retry that is not all digits are ignored; the id stays until another is sent. Owned by one reader, used by
// one thread at a time. Holds at most `event_bytes_max` of one event and as much of one line; an event above
// is skipped, and its id counts.
class SseDecoder {
public:
    static constexpr std::size_t event_bytes_default = std::size_t{1} << 20;

    explicit SseDecoder(std::size_t event_bytes_max = event_bytes_default)
        : event_bytes_max_{event_bytes_max} {}

    // Takes any number of bytes and tells the listener what they complete. May be called with an empty view.
    void feed(std::string_view bytes, SseListener& listener);
    // The same for those who want the events only.
    std::vector<SseEvent> feed(std::string_view bytes);

    // The stream ended; the next bytes begin another. An unfinished block is discarded, its id included.
    void finish();

    // What to send as Last-Event-ID. It outlives finish(). Empty: nothing was received, or the server took it
    // back.
    const std::string& last_event_id() const noexcept { return last_event_id_; }
    // For a reader that continues an earlier one's stream. Only before the first feed() or right after
    // finish().
    void set_last_event_id(std::string_view id);

private:
    enum class Line : std::uint8_t { whole, too_long };

    void take(std::string_view part);
    void end_line(std::string_view rest, SseListener& listener);
    void line(std::string_view text, Line extent, SseListener& listener);
    void field(std::string_view name, std::string_view value, Line extent, SseListener& listener);
    void retry(std::string_view digits, SseListener& listener) const;
    void dispatch(SseListener& listener);

    std::size_t event_bytes_max_;
    std::string line_;   // the unfinished line
    std::string valid_;  // the line as UTF-8, where it was not
    SseEvent event_;     // type and data of the unfinished block
    std::string id_;     // the id buffer: taken at the block's end
    std::string last_event_id_;
    bool line_too_long_ = false;  // the rest of this line is not kept
    bool skipping_ = false;       // the rest of this event is not kept
    bool after_cr_ = false;       // an LF would belong to the CR before it
    bool first_line_ = true;      // a byte order mark may stand here
};

}  // namespace tidings
