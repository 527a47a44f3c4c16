#pragma once
// A request body's bytes: by Content-Length, or the chunked coding (RFC 9112 section 7.1).

#include "http/line_reader.hpp"
#include "http/request.hpp"

#include <tidings/result.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tidings::http {

enum class BodyState : std::uint8_t { need_more, complete, malformed, too_large };

// Decodes one body incrementally. Owned by a RequestParser. Holds at most one line of framing (256 bytes, a
// trailer 8 KiB); chunk extensions and trailers are read, bounded (16 KiB a body) and dropped.
class BodyParser {
public:
    struct Step {
        BodyState state = BodyState::need_more;
        std::size_t consumed = 0;
    };

    // For a body of `length` bytes when `kind` is sized.
    void begin(BodyKind kind, std::uint64_t length);
    // Appends to `body`. `limit`: the most decoded bytes of the whole body. After complete or an error: not
    // again.
    Step step(std::string_view bytes, std::uint64_t limit, std::string& body);
    // What is wrong, after malformed.
    std::string_view problem() const noexcept { return problem_; }

private:
    enum class Place : std::uint8_t { sized, chunk_size, chunk_data, chunk_end, trailers, done };

    std::size_t take_data(std::string_view bytes, std::string& body);
    BodyState take_framing(char byte, std::uint64_t limit);
    BodyState chunk_size_line(std::uint64_t limit);
    BodyState bad(std::string_view problem);

    LineReader line_;
    std::string_view problem_;
    std::uint64_t left_ = 0;     // of the body or of this chunk
    std::uint64_t decoded_ = 0;  // of the whole body
    std::size_t overhead_ = 0;   // extensions and trailers so far
    Place place_ = Place::done;
};

}  // namespace tidings::http
