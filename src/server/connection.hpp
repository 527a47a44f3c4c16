#pragma once
// One accepted HTTP/1.1 connection until it becomes a stream or ends: reads requests, lets endpoints answer
// them.

#include "http/request_parser.hpp"
#include "http/response.hpp"
#include "http/routes.hpp"
#include "server/context.hpp"
#include "server/stream_plan.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <optional>
#include <string>

namespace tidings {

class NdjsonSession;

// Belongs to one shard. Shared because its pending reads, writes and publishes each keep it until they come
// back. Holds one head, one body (Limits::request_bytes) and one answer. Every wait has a time-out: slow
// heads and bodies end with 408, idle connections without a word.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(ConnectionHost& host, AcceptedSocket socket, http::Listener kind, std::string leftover);
    ~Connection();

    void start();
    // Ends it now, whatever is under way.
    void close();
    // Ends it when the answer that is under way has left; at once when none is.
    void close_when_idle();
    // A request has begun and is not answered.
    bool busy() const noexcept;

    // For endpoints: the whole answer to the present request.
    void respond(http::Response response);
    // For streamed answers: the head, whole lines with their ends (none: the head alone leaves), the end.
    // Each write waits for the last.
    void begin_lines(const http::Fields& fields);
    void write_lines(std::string_view lines);
    void end_lines();
    std::size_t unsent_line_bytes() const noexcept { return lines_.size(); }
    // The endpoint has room again for the body that it reads piece by piece.
    void resume_body();

    ConnectionHost& host() noexcept { return host_; }
    const http::Request& request() const noexcept { return parser_.request(); }
    const Settings& settings() const noexcept { return *settings_; }

private:
    enum class Phase : std::uint8_t { head, body, answering, leaving, gone };

    bool attach();
    AcceptedSocket release();
    void read_at_once();
    void read();
    void take_bytes();
    void on_read(const boost::system::error_code& ec, std::string_view bytes);
    void process();
    void head_complete();
    void body_progress();
    void dispatch();
    void stream();
    void stream_if_unfinished(StreamPlan plan);
    void open(StreamPlan plan);
    void refuse_stream(Refused why, bool has_credential);
    void become(std::string head, Callback<void(AcceptedSocket)> then);
    void authorise_post();
    void refuse(const http::Refusal& refusal);
    void write(std::string bytes, Callback<void()> then);
    void flush_lines();
    void answered();
    void leave();
    void wait(std::chrono::milliseconds limit);
    void stop_waiting();
    void on_timeout();
    http::Reply reply() const;

    ConnectionHost& host_;
    HubContext& context_;
    // Shared: as they stood when the connection and the request began, whatever a reload does meanwhile.
    const std::shared_ptr<const Settings> first_settings_;
    std::shared_ptr<const Settings> settings_;
    AcceptedSocket fresh_;                                // until Asio is to wait for it
    std::optional<boost::asio::ip::tcp::socket> socket_;  // from then on
    std::optional<boost::asio::steady_timer> timer_;      // from its first wait on
    std::uint64_t address_;
    http::Listener kind_;
    http::RequestParser parser_;
    http::Route route_;
    std::optional<Credential> credential_;
    std::string input_;
    std::string body_;
    std::string output_;
    std::string lines_;
    std::shared_ptr<NdjsonSession> ndjson_;  // shared: its appends come back to it, or find it gone
    std::size_t left_over_ = 0;              // bytes thrown away while leaving
    Phase phase_ = Phase::head;
    bool timed_ = false;  // a time-out was set, or found needless
    bool reading_ = false;
    bool writing_ = false;
    bool close_after_ = false;
    bool lines_open_ = false;
    bool lines_ended_ = false;
    bool body_complete_ = false;
};

}  // namespace tidings
