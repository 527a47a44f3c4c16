#pragma once
// The answers of a server on a kept connection, just far enough for a load generator.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tidings::load {

// Reads HTTP/1.1 answers one after another from pieces of any size: bodies by Content-Length or in chunks, or
// none with 204 and 304. Owned by a connection. A head is at most 16 KiB.
class AnswerReader {
public:
    // Calls sink.body(bytes) for what belongs to a body as it comes and sink.complete(status) at the end of
    // each answer. False: these are no answers, and nothing more will be read.
    template <class Sink>
    bool feed(std::string_view bytes, Sink&& sink) {
        while (!bytes.empty() && state_ != State::broken) {
            if (state_ == State::fixed || state_ == State::chunk) {
                const auto part = bytes.substr(0, remaining_);
                sink.body(part);
                bytes.remove_prefix(part.size());
                remaining_ -= part.size();
                if (remaining_ == 0) state_ = state_ == State::fixed ? State::done : State::chunk_end;
            } else {
                bytes.remove_prefix(read_line(bytes));
            }
            if (state_ == State::done) {
                state_ = State::status_line;
                sink.complete(status_);
            }
        }
        return state_ != State::broken;
    }

    int status() const noexcept { return status_; }
    // Whether the last head said that the server closes the connection behind its answer.
    bool closes() const noexcept { return closes_; }

private:
    enum class State : std::uint8_t {
        status_line,
        fields,
        fixed,
        chunk_size,
        chunk,
        chunk_end,
        trailers,
        done,
        broken
    };

    // Takes bytes up to the end of a line and acts on the line. Returns how many it took.
    std::size_t read_line(std::string_view bytes);
    void act_on(std::string_view line);
    void end_of_head();
    void read_field(std::string_view line);

    State state_ = State::status_line;
    int status_ = 0;
    enum class Body : std::uint8_t { none, fixed, chunked } body_ = Body::none;
    std::size_t remaining_ = 0;
    bool closes_ = false;
    std::string line_;
};

}  // namespace tidings::load
