// How a connection answers: whole responses, streamed lines, and what comes after the last of them.

#include "http/redact.hpp"
#include "server/connection.hpp"
#include "server/counters.hpp"
#include "server/ndjson_session.hpp"
#include "sse/frame.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <charconv>
#include <utility>

namespace tidings {
namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds leaving_time_max{2'000};

void append_chunk(std::string& target, std::string_view text) {
    std::array<char, 16> size{};
    const char* end = std::to_chars(size.data(), size.data() + size.size(), text.size(), 16).ptr;
    target.append(size.data(), static_cast<std::size_t>(end - size.data()))
        .append("\r\n")
        .append(text)
        .append("\r\n");
}

}  // namespace

http::Reply Connection::reply() const {
    const auto now = std::chrono::floor<std::chrono::seconds>(context_.now());
    auto reply = http::Reply::to(parser_.request(), now);
    if (close_after_) reply.connection = http::Connection::close;
    return reply;
}

void Connection::respond(http::Response response) {
    if (phase_ == Phase::gone) return;
    phase_ = Phase::answering;
    stop_waiting();
    ++host_.counters().answers[static_cast<std::size_t>(response.status)];
    const auto& request = parser_.request();
    context_.say(LogLevel::debug, "request",
                 {{"method", request.method_text},
                  {"target", http::redacted_target(request.target)},
                  {"status", std::to_string(response.status)}});
    output_ = http::serialise(response, reply());
    write(std::move(output_), [this] { answered(); });
}

void Connection::write(std::string bytes, Callback<void()> then) {
    // Shared because Asio's handlers are copied; the bytes must stand until they have left.
    struct Pending {
        std::string bytes;
        Callback<void()> then;
    };
    if (!attach()) return;
    auto pending = std::make_shared<Pending>(Pending{std::move(bytes), std::move(then)});
    writing_ = true;
    wait(settings_->config.limits.body_timeout);
    asio::async_write(*socket_, asio::buffer(pending->bytes),
                      [self = shared_from_this(), pending](const boost::system::error_code& ec, std::size_t) {
                          self->writing_ = false;
                          if (self->phase_ == Phase::gone) return;
                          if (ec) return self->close();
                          pending->then();
                      });
}

// The answer has left: on to the next request, or the end.
void Connection::answered() {
    ndjson_.reset();
    if (close_after_ || phase_ == Phase::gone) {
        return leave();
    }
    parser_.next();
    phase_ = Phase::head;
    lines_open_ = lines_ended_ = false;
    wait(settings_->config.limits.idle_timeout);
    if (input_.empty()) {
        read();
    } else {
        process();
    }
}

// RFC 9112 9.6: closing while bytes of the client are unread resets the connection, and the reset may
// overtake the answer. So the client is told the end and what it still sends is thrown away, for a while.
void Connection::leave() {
    boost::system::error_code ec;
    if (!attach()) return;
    socket_->shutdown(asio::ip::tcp::socket::shutdown_send, ec);
    if (ec || phase_ == Phase::gone) return close();
    phase_ = Phase::leaving;
    input_.clear();
    wait(leaving_time_max);
    read();
}

void Connection::begin_lines(const http::Fields& fields) {
    if (lines_open_ || phase_ == Phase::gone) return;
    lines_open_ = true;
    ++host_.counters().answers[200];
    lines_ += http::unsized_head(reply(), fields);
}

void Connection::write_lines(std::string_view lines) {
    if (phase_ == Phase::gone) return;
    if (lines.empty() || parser_.request().version != http::Version::http_1_1) {
        lines_ += lines;
    } else {
        append_chunk(lines_, lines);
    }
    flush_lines();
}

void Connection::end_lines() {
    if (phase_ == Phase::gone) return;
    lines_ended_ = true;
    if (parser_.request().version == http::Version::http_1_1) {
        lines_ += Frame::last_chunk()->chunk();
    } else {
        close_after_ = true;
    }
    flush_lines();
}

void Connection::flush_lines() {
    if (writing_ || phase_ == Phase::gone) return;
    if (lines_.empty()) {
        if (lines_ended_) answered();
        return;
    }
    write(std::exchange(lines_, {}), [this] {
        flush_lines();
        if (phase_ == Phase::body) resume_body();
    });
}

}  // namespace tidings
