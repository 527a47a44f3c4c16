#pragma once
// An event's bytes as they go on the wire.

#include <tidings/event.hpp>
#include <tidings/limits.hpp>

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tidings {

class Frame;
// Shared because one event goes to many streams and threads; the frame is immutable.
using FramePtr = boost::intrusive_ptr<const Frame>;

enum class WithId : std::uint8_t { yes, no };

// What an event's block is made of, where it stands.
struct EventParts {
    Uuid id;
    std::string_view type;
    std::string_view data;
};

// Immutable after it was made, so every shard may send it. The bytes stand once, in the same allocation as
// the frame:
// "<hex>\r\n<block>\r\n". A block ends its lines with LF alone and has one space after each colon, so that a
// value that begins with a space survives. It is UTF-8 without NUL. Its size is at most about seven times
// Limits::event_bytes, and that only for data of line ends alone; minified JSON is one line.
class Frame final : public boost::intrusive_ref_counter<Frame, boost::thread_safe_counter> {
public:
    // "id: …\nevent: …\ndata: …\n\n"; an event without a type has no event line. Data is split on CR, LF and
    // CRLF. Fails with Errc::invalid_field (control or format characters in the type; data that is empty,
    // holds a NUL or is not UTF-8), reserved_name (a type under "tidings."), event_too_large (data above
    // Limits::event_bytes).
    static Result<FramePtr> encode(const EventParts& event, WithId with_id, const Limits& limits);
    static Result<FramePtr> encode(const Event& event, WithId with_id, const Limits& limits) {
        return encode(EventParts{event.id, event.type, event.data}, with_id, limits);
    }
    // A control event of ours; `id` absent: no id line. `retry_ms` adds a retry line to the block.
    static FramePtr control(std::string_view type, std::string_view data, const std::optional<Uuid>& id,
                            std::optional<std::uint32_t> retry_ms = std::nullopt);
    // ": <text>\n": one comment line, no blank line after it: some clients take that for an empty message.
    static FramePtr comment(std::string_view text);
    // "retry: N\n": no blank line after it, for the same reason.
    static FramePtr retry(std::uint32_t milliseconds);
    // Bytes as they are; not empty, since an empty chunk would end the response.
    static FramePtr raw(std::string_view bytes);
    // The first frame of a response: chunk() is `head`, then `bytes` as one chunk; text() is `bytes` alone.
    // Not empty, for the same reason.
    static FramePtr opening(std::string_view head, std::string_view bytes);
    // The chunk that ends a response: chunk() is "0\r\n\r\n", text() is empty.
    static FramePtr last_chunk();

    std::string_view text() const noexcept {
        return {bytes() + head_, size_ - head_ - 2};
    }  // HTTP/1.0, HTTP/2 DATA
    std::string_view chunk() const noexcept {
        return {bytes(), size_};
    }  // the same bytes as one HTTP/1.1 chunk

    // Frames are made by the functions above only.
    static void operator delete(void* memory) { ::operator delete(memory); }

private:
    struct Room {
        std::size_t bytes;
    };
    static void* operator new(std::size_t object, Room room) { return ::operator new(object + room.bytes); }
    static void operator delete(void* memory, Room) { ::operator delete(memory); }

    Frame(std::uint32_t size, std::uint32_t head) noexcept : size_{size}, head_{head} {}
    // A frame for a block of that size, with its chunk head and end; `block` is where the block is to be
    // written.
    static Frame* make(std::size_t block_bytes, char*& block, std::string_view before = {});

    const char* bytes() const noexcept { return reinterpret_cast<const char*>(this + 1); }

    std::uint32_t size_;  // of the chunk
    std::uint32_t head_;  // of its size line, and of what stands before it
};

}  // namespace tidings
