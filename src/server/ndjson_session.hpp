#pragma once
// One NDJSON publish: lines in while they come, an answer line for each, in order.

#include "event/publish_body.hpp"
#include "server/publish_endpoint.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

namespace tidings {

class Connection;

enum class BodyEnd : std::uint8_t { open, reached };

// Owned by its connection, on its shard. At most `outstanding_max` lines wait for the store; beyond that the
// connection stops reading, so that memory is bounded whatever the length of the body. A connection that
// breaks leaves what was already appended in the store, and answers nothing more.
class NdjsonSession : public std::enable_shared_from_this<NdjsonSession> {
public:
    NdjsonSession(Connection& connection, Credential credential);

    // False: no room for more; Connection::resume_body() will be called.
    bool feed(std::string_view piece, BodyEnd end);

private:
    static constexpr std::size_t outstanding_max = 2048;
    static constexpr std::size_t append_lines = 256;

    struct Answer {
        bool ready = false;
        std::size_t appends = 0;
        std::string text;
    };
    void go_on();
    void take_lines();
    void send(std::vector<AppendItem> items, std::uint64_t first, std::uint64_t last);
    void settle(std::uint64_t first, std::uint64_t last, const AppendResults& results);
    void answer_ready();

    Connection& connection_;
    Credential credential_;
    std::string request_key_;
    NdjsonSplitter splitter_;
    std::deque<Answer> answers_;      // of the lines that are not yet answered, in order
    std::uint64_t first_answer_ = 0;  // the serial of answers_.front()
    BodyEnd end_ = BodyEnd::open;
    bool paused_ = false;
    bool over_ = false;
};

}  // namespace tidings
