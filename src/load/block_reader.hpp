#pragma once
// Event streams read exactly: what counts is a whole event, and the id to return with.

#include "load/stamp.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tidings::load {

// One stream's chunks and events, read piece by piece. An event counts, and its id becomes the last one, when
// its blank line has come, as the WHATWG standard says: what was cut before has to come again. Owned by a
// stream; holds less than one event.
class BlockReader {
public:
    // What follows is a new stream's body; the last id stays.
    void begin();
    // This body has no chunks: it ends with the connection.
    void take_plain() noexcept { at_ = At::plain; }

    // Calls found(Stamp) for each whole event that has one.
    template <class Found>
    void feed(std::string_view bytes, Found&& found) {
        take_chunks(bytes);
        std::size_t from = 0;
        for (std::size_t end; (end = text_.find("\n\n", from)) != std::string::npos; from = end + 2) {
            const std::string_view block = std::string_view{text_}.substr(from, end + 1 - from);
            note_id(block);
            Stamp stamp;
            if (find_stamp(block, stamp)) found(stamp);
        }
        text_.erase(0, from);
    }
    const std::string& last_id() const noexcept { return last_id_; }
    void set_last_id(std::string id) { last_id_ = std::move(id); }

private:
    void take_chunks(std::string_view bytes);
    void note_id(std::string_view block);
    static bool find_stamp(std::string_view block, Stamp& stamp);

    std::string text_;
    std::string last_id_;
    std::size_t chunk_bytes_ = 0;  // of the chunk that still come
    enum class At : std::uint8_t { size, extension, data, end, plain } at_ = At::size;
};

}  // namespace tidings::load
