#pragma once
// The sending end: kept connections that publish.

#include "load/answer_reader.hpp"
#include "load/plan.hpp"
#include "load/poller.hpp"
#include "load/stamp.hpp"
#include "load/text_template.hpp"

#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace tidings::load {

enum class Accepted : std::uint8_t { no, yes };

class PublishWatcher {
public:
    virtual ~PublishWatcher() = default;
    // The server's answer to one event.
    virtual void answered(const Stamp& stamp, Accepted accepted, std::int64_t now) = 0;
};

// Publishes events over `publish.connections` connections that stay open until every answer is there: one
// request each, with `publish.array` several in a request, or with `publish.batch` lines of one long NDJSON
// request. Owned by a session, on its thread.
class Publisher {
public:
    Publisher(const Plan& plan, Poller& poller, PublishWatcher& watcher);

    // Fails with Errc::connection_failed, invalid_field.
    Result<void> connect();
    // Some connection may take one more event.
    bool ready() const;
    // Only when ready(). `n` and `user` fill the templates. The bytes leave with flush().
    void publish(const Stamp& stamp, std::uint64_t n, std::string_view user);
    void flush();
    void on_event(std::uint32_t connection);
    std::size_t unanswered() const noexcept { return unanswered_; }
    // Ends NDJSON requests. Their last answers come as others do.
    void finish();
    // Why an event was refused or a connection lost; empty: none was.
    const std::string& first_failure() const noexcept { return first_failure_; }

private:
    struct Connection {
        Descriptor socket{};
        std::string out{};    // not sent yet
        std::string lines{};  // not yet a chunk, or elements not yet an array
        std::size_t elements = 0;
        std::int64_t gathers_since = 0;         // when the first of the elements was due
        std::deque<std::size_t> array_sizes{};  // of the requests that are not answered
        std::deque<Stamp> in_flight{};
        AnswerReader answers{};
        std::string body{};  // of the answer that is coming
        std::size_t refused_line = 0;
        bool in_request = false;  // NDJSON: the head is out
    };

    Result<void> connect(std::uint32_t index);
    void lose(std::uint32_t index, std::string_view why);
    void send(std::uint32_t index);
    void append_request(Connection& connection, std::string_view body);
    void append_array(Connection& connection);
    void end_line(Connection& connection, const Stamp& stamp);
    void append_chunk(Connection& connection);
    void read_lines(Connection& connection, std::string_view bytes, std::int64_t now);
    void complete(Connection& connection, int status, std::int64_t now);
    void answer(Connection& connection, Accepted accepted, std::string_view why, std::int64_t now);
    bool ndjson() const noexcept { return plan_.publish.batch > 1; }
    bool arrays() const noexcept { return plan_.publish.array > 1; }
    std::size_t window() const noexcept {
        return ndjson() ? plan_.publish.batch : plan_.publish.pipeline * plan_.publish.array;
    }

    const Plan& plan_;
    Poller& poller_;
    PublishWatcher& watcher_;
    sockaddr_in to_{};
    TextTemplate body_;
    std::string head_;  // of each request, up to what says its length
    std::vector<Connection> connections_;
    std::size_t next_ = 0;
    std::size_t unanswered_ = 0;
    std::string text_, payload_, stamp_text_;
    std::string first_failure_;
    std::vector<char> buffer_;
};

}  // namespace tidings::load
