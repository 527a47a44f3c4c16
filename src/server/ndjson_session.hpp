#pragma once
// One NDJSON publish: lines in while they come, an answer line for each, in order.

#include "event/publish_body.hpp"
#include "server/publish_endpoint.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidings {

class Connection;

enum class BodyEnd : std::uint8_t { open, reached };

// Owned by its connection, on its shard. All lines of one read go to the store in one append, up to
// `append_items` events, and their answers leave as one chunk. At most `outstanding_max` lines, and an eighth
// of what the append queue may hold, wait for the store; beyond that the connection stops reading, so that
// memory is bounded whatever the length of the body. A connection that breaks leaves what was already
// appended in the store, and answers nothing more.
class NdjsonSession : public std::enable_shared_from_this<NdjsonSession> {
public:
    NdjsonSession(Connection& connection, Credential credential);

    // False: no room for more; Connection::resume_body() will be called.
    bool feed(std::string_view piece, BodyEnd end);
    // Where the connection reads to: large, because each read is an append and a write.
    std::span<char> read_room() noexcept { return room_; }

private:
    static constexpr std::size_t outstanding_max = 2048;
    static constexpr std::size_t append_items = 512;
    static constexpr std::size_t read_bytes = 64 * 1024;
    static constexpr std::size_t expected_items = 128;

    struct Answer {
        bool ready = false;
        std::size_t appends = 0;
        std::string text;
    };
    // The lines first … last-1, in one append.
    struct Batch {
        std::vector<AppendItem> items;
        std::size_t bytes = 0;
        std::uint64_t first = 0;
    };
    void go_on();
    void take_lines();
    void take_line(const PublishScope& scope, const NdjsonSplitter::Line& line, Batch& batch);
    void send(Batch batch);
    void settle(std::uint64_t first, std::uint64_t last, const AppendResults& results);
    void settled();
    void release_ready();
    void answer_ready();
    bool has_room() const noexcept;
    std::uint64_t next_serial() const noexcept { return first_answer_ + answers_.size(); }

    Connection& connection_;
    Credential credential_;
    std::vector<char> room_;
    NdjsonSplitter splitter_;
    std::deque<Answer> answers_;      // of the lines that are not yet answered, in order
    std::uint64_t first_answer_ = 0;  // the serial of answers_.front()
    std::string lines_;               // of the answers that go next
    std::size_t outstanding_bytes_ = 0;
    std::size_t outstanding_bytes_max_;
    BodyEnd end_ = BodyEnd::open;
    bool paused_ = false;
    bool taking_ = false;  // lines are taken now: what the store answers at once is answered after that
    bool begun_ = false;
    bool over_ = false;
};

}  // namespace tidings
