#include "load/publisher.hpp"

#include "client/publish_batch.hpp"
#include "load/tokens.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <utility>

namespace tidings::load {
namespace {

constexpr std::size_t receive_bytes = 256 * 1024;
constexpr std::string_view accepted_line = "\"status\":20";

}  // namespace

Publisher::Publisher(const Plan& plan, Poller& poller, PublishWatcher& watcher)
    : plan_{plan},
      poller_{poller},
      watcher_{watcher},
      body_{plan.publish.body},
      connections_(plan.publish.connections),
      buffer_(receive_bytes) {}

Result<void> Publisher::connect() {
    const Plan::Publish& how = plan_.publish;
    const auto to = address_of(how.to);
    if (!to) return to.error();
    to_ = *to;
    std::string token;
    if (!plan_.key.empty()) {
        auto minted = mint(plan_.key, how.user, how.claims, std::chrono::system_clock::now());
        if (!minted) return minted.error();
        token = std::move(*minted);
    }
    head_ = how.method + " " + how.path + " HTTP/1.1\r\nHost: " + how.to.host + ":" +
            std::to_string(how.to.port) +
            "\r\nContent-Type: " + (ndjson() ? "application/x-ndjson" : how.content_type) + "\r\n";
    for (const auto& [name, value] : how.headers)
        head_ += name + ": " + TextTemplate{value}.text({.user = how.user, .token = token}) + "\r\n";
    for (std::uint32_t index = 0; index < connections_.size(); ++index) {
        if (const auto connected = connect(index); !connected) return connected;
    }
    return {};
}

Result<void> Publisher::connect(std::uint32_t index) {
    auto socket = connect_now(to_);
    if (!socket) return socket.error();
    Connection& connection = connections_[index];
    connection = Connection{};
    connection.socket = std::move(*socket);
    poller_.watch(connection.socket.number(), Owner::publisher, index, EPOLLIN);
    return {};
}

bool Publisher::ready() const {
    for (std::size_t i = 0; i < connections_.size(); ++i) {
        const Connection& connection = connections_[(next_ + i) % connections_.size()];
        if (connection.socket && connection.in_flight.size() < window()) return true;
    }
    return false;
}

void Publisher::publish(const Stamp& stamp, std::uint64_t n, std::string_view user) {
    while (!connections_[next_].socket || connections_[next_].in_flight.size() >= window())
        next_ = (next_ + 1) % connections_.size();
    Connection& connection = connections_[next_];
    next_ = (next_ + 1) % connections_.size();

    payload_.clear();
    append_payload(payload_, stamp, plan_.event_bytes);
    stamp_text_ = '~';
    append_stamp(stamp_text_, stamp);
    // Where the event's text is a field, the padding is what makes the data of the asked size.
    const std::string_view padding = std::string_view{payload_}.substr(
        payload_.find('x') == std::string::npos ? payload_.size() : payload_.find('x'));
    const Slots slots{.user = user,
                      .payload = payload_,
                      .stamp = stamp_text_,
                      .pad = padding.substr(0, padding.empty() ? 0 : padding.size() - 2),
                      .n = n};
    if (ndjson() || arrays()) {
        body_.append(connection.lines, slots);
        end_line(connection, stamp);
    } else {
        text_.clear();
        body_.append(text_, slots);
        append_request(connection, text_);
    }
    connection.in_flight.push_back(stamp);
    ++unanswered_;
}

void Publisher::append_request(Connection& connection, std::string_view body) {
    connection.out += head_;
    connection.out += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    connection.out += body;
}

void Publisher::end_line(Connection& connection, const Stamp& stamp) {
    if (ndjson()) {
        connection.lines += '\n';
        return;
    }
    connection.lines += ',';
    if (connection.elements++ == 0) connection.gathers_since = stamp.time;
    if (connection.elements == plan_.publish.array) append_array(connection);
}

void Publisher::append_array(Connection& connection) {
    connection.lines.back() = ']';  // where the last element's comma was
    append_request(connection, "[" + connection.lines);
    connection.array_sizes.push_back(std::exchange(connection.elements, 0));
    connection.lines.clear();
}

void Publisher::append_chunk(Connection& connection) {
    if (!std::exchange(connection.in_request, true))
        connection.out += head_ + "Transfer-Encoding: chunked\r\n\r\n";
    char size[24];
    std::snprintf(size, sizeof size, "%zx\r\n", connection.lines.size());
    connection.out += size + connection.lines + "\r\n";
    connection.lines.clear();
}

void Publisher::flush() {
    const auto gather_ns = static_cast<std::int64_t>(plan_.publish.array_milliseconds * 1e6);
    const std::int64_t due_before = arrays() ? monotonic_ns() - gather_ns : 0;
    for (std::uint32_t index = 0; index < connections_.size(); ++index) {
        Connection& connection = connections_[index];
        if (connection.elements > 0 && connection.gathers_since <= due_before) append_array(connection);
        if (ndjson() && !connection.lines.empty()) append_chunk(connection);
        if (!connection.out.empty()) send(index);
    }
}

void Publisher::finish() {
    for (Connection& connection : connections_) {
        if (connection.in_request) connection.out += "0\r\n\r\n";
        connection.in_request = false;
    }
    flush();
}

void Publisher::send(std::uint32_t index) {
    Connection& connection = connections_[index];
    if (!connection.socket) return;
    const auto sent =
        ::send(connection.socket.number(), connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    // What is left goes with the next turn's flush(), which is soon: nothing sleeps here while measuring.
    if (sent > 0) connection.out.erase(0, static_cast<std::size_t>(sent));
    if (sent < 0 && errno != EAGAIN && errno != EINTR) lose(index, std::strerror(errno));
}

void Publisher::lose(std::uint32_t index, std::string_view why) {
    Connection& connection = connections_[index];
    connection.socket.close();
    const auto now = monotonic_ns();
    while (!connection.in_flight.empty()) answer(connection, Accepted::no, why, now);
    if (const auto again = connect(index); !again && first_failure_.empty())
        first_failure_ = again.error().detail;
}

void Publisher::on_event(std::uint32_t index) {
    Connection& connection = connections_[index];
    const auto got = ::recv(connection.socket.number(), buffer_.data(), buffer_.size(), 0);
    if (got <= 0) {
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        lose(index, got == 0 ? "the server closed the publisher's connection" : std::strerror(errno));
        return;
    }
    struct Sink {
        Publisher& publisher;
        Connection& connection;
        std::int64_t now;
        void body(std::string_view bytes) { publisher.read_lines(connection, bytes, now); }
        void complete(int status) { publisher.complete(connection, status, now); }
    };
    const std::string_view bytes{buffer_.data(), static_cast<std::size_t>(got)};
    if (!connection.answers.feed(bytes, Sink{*this, connection, monotonic_ns()})) {
        lose(index, "the server's answer is not HTTP/1.1");
    } else if (connection.answers.closes() && connection.in_flight.empty()) {
        // Some servers keep no connection. What is sent on this one now would find nobody.
        lose(index, "the server closed the publisher's connection");
    }
}

void Publisher::read_lines(Connection& connection, std::string_view bytes, std::int64_t now) {
    constexpr std::size_t kept_bytes = 4096;  // an answer is needed only to say what was wrong
    const bool lines = ndjson() && connection.answers.status() == 200;
    if (!lines) {
        if (connection.body.size() < kept_bytes) connection.body += bytes;
        return;
    }
    while (!bytes.empty()) {
        const auto end = bytes.find('\n');
        connection.body += bytes.substr(0, end);
        if (end == std::string_view::npos) return;
        bytes.remove_prefix(end + 1);
        const bool good = connection.body.find(accepted_line) != std::string::npos;
        answer(connection, good ? Accepted::yes : Accepted::no, connection.body, now);
        connection.body.clear();
    }
}

void Publisher::complete(Connection& connection, int status, std::int64_t now) {
    const bool good = status >= 200 && status < 300;
    const std::string why =
        good && !ndjson() ? std::string{} : std::to_string(status) + " " + problem_text(connection.body);
    connection.body.clear();
    if (!ndjson()) {
        std::size_t events = 1;
        if (arrays() && !connection.array_sizes.empty()) {
            events = connection.array_sizes.front();
            connection.array_sizes.pop_front();
        }
        for (; events > 0; --events) answer(connection, good ? Accepted::yes : Accepted::no, why, now);
        return;
    }
    // The request is over. What it did not answer was not taken.
    connection.in_request = false;
    while (!connection.in_flight.empty()) answer(connection, Accepted::no, why, now);
}

void Publisher::answer(Connection& connection, Accepted accepted, std::string_view why, std::int64_t now) {
    if (connection.in_flight.empty()) return;
    const Stamp stamp = connection.in_flight.front();
    connection.in_flight.pop_front();
    --unanswered_;
    if (accepted == Accepted::no && first_failure_.empty()) first_failure_ = why;
    watcher_.answered(stamp, accepted, now);
}

}  // namespace tidings::load
