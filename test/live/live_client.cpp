#include "live/live_client.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdlib>

#include "base/json.hpp"
#include "live/eventually.hpp"

namespace tidings::test {
namespace {

bool same_letters(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

void take_head(std::string& input, std::size_t end, Response& answer) {
    answer.head = input.substr(0, end + 2);
    answer.status = std::atoi(answer.head.substr(answer.head.find(' ') + 1, 3).c_str());
    input.erase(0, end + 4);
}

// Takes one whole chunk from the front of `input`. None: not all of it is there.
std::optional<std::string> next_chunk(std::string& input) {
    const auto line = input.find("\r\n");
    if (line == std::string::npos) return std::nullopt;
    const std::size_t size = std::strtoul(input.substr(0, line).c_str(), nullptr, 16);
    if (input.size() < line + 2 + size + 2) return std::nullopt;
    std::string text = input.substr(line + 2, size);
    input.erase(0, line + 2 + size + 2);
    return text;
}

std::string head_of(std::string_view method, std::string_view target, std::string_view version,
                    const Fields& fields, std::string_view token) {
    std::string head{method};
    head.append(" ").append(target).append(" ").append(version).append("\r\nHost: localhost\r\n");
    if (!token.empty()) head.append("Authorization: Bearer ").append(token).append("\r\n");
    for (const auto& [name, value] : fields) head.append(name).append(": ").append(value).append("\r\n");
    return head;
}

}  // namespace

std::optional<std::string> Response::field(std::string_view name) const {
    std::size_t at = head.find("\r\n");
    while (at != std::string::npos && at + 2 < head.size()) {
        const auto end = head.find("\r\n", at + 2);
        const std::string line = head.substr(at + 2, end - at - 2);
        const auto colon = line.find(':');
        if (colon != std::string::npos && same_letters(std::string_view{line}.substr(0, colon), name)) {
            const auto value = line.find_first_not_of(' ', colon + 1);
            return value == std::string::npos ? "" : line.substr(value);
        }
        at = end;
    }
    return std::nullopt;
}

// ---- RawSocket

RawSocket::RawSocket(std::uint16_t port, int receive_buffer)
    : descriptor_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    if (receive_buffer > 0) {
        ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    const int on = 1;
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) close();
}

RawSocket::RawSocket(RawSocket&& other) noexcept : descriptor_{std::exchange(other.descriptor_, -1)} {}

RawSocket::~RawSocket() { close(); }

bool RawSocket::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

Received RawSocket::receive(std::string& out, std::chrono::milliseconds limit, std::size_t bytes_max) {
    if (descriptor_ < 0) return Received::reset;
    pollfd ready{descriptor_, POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(limit.count())) <= 0) return Received::nothing_yet;
    const std::size_t before = out.size();
    out.resize(before + bytes_max);
    const auto count = ::recv(descriptor_, out.data() + before, bytes_max, MSG_DONTWAIT);
    const int error = errno;
    out.resize(before + static_cast<std::size_t>(std::max<decltype(count)>(count, 0)));
    if (count > 0) return Received::bytes;
    if (count == 0) return Received::fin;
    return error == EAGAIN || error == EINTR ? Received::nothing_yet : Received::reset;
}

void RawSocket::finish_sending() { ::shutdown(descriptor_, SHUT_WR); }

void RawSocket::close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

void RawSocket::reset() {
    const linger now{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
}

// ---- HttpClient

HttpClient::HttpClient(std::uint16_t port, std::string token) : port_{port}, token_{std::move(token)} {}

Response HttpClient::post(std::string_view target, std::string_view body, const Fields& fields) {
    return request("POST", target, body, fields);
}

Response HttpClient::request(std::string_view method, std::string_view target, std::string_view body,
                             const Fields& fields) {
    if (!socket_ || !socket_->connected()) {
        input_.clear();
        socket_.emplace(port_);
    }
    std::string bytes = head_of(method, target, "HTTP/1.1", fields, token_);
    const bool typed = std::any_of(fields.begin(), fields.end(), [](const auto& field) {
        return same_letters(field.first, "Content-Type");
    });
    if (method == "POST") {
        if (!typed) bytes += "Content-Type: application/json\r\n";
        bytes += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    }
    bytes.append("\r\n").append(body);
    Response answer;
    if (!socket_->send(bytes) || !read_answer(answer, method)) {
        answer = {};
        socket_->close();
    } else if (const auto connection = answer.field("Connection"); connection && *connection == "close") {
        socket_->close();
    }
    last_ = answer;
    return answer;
}

bool HttpClient::read_answer(Response& answer, std::string_view method) {
    const auto until = std::chrono::steady_clock::now() + patience;
    bool open = true;
    while (std::chrono::steady_clock::now() < until) {
        if (const auto end = input_.find("\r\n\r\n"); answer.status == 0 && end != std::string::npos) {
            take_head(input_, end, answer);
            if (answer.status == 100) answer = {};
            continue;
        }
        if (answer.status != 0) {
            const auto length = answer.field("Content-Length");
            const bool chunked = answer.field("Transfer-Encoding").has_value();
            if (method == "HEAD" || answer.status == 204 || answer.status == 304) return true;
            const std::size_t size = length ? std::strtoul(length->c_str(), nullptr, 10) : 0;
            if (length && input_.size() >= size) {
                answer.body = input_.substr(0, size);
                input_.erase(0, size);
                return true;
            }
            for (auto chunk = chunked ? next_chunk(input_) : std::nullopt; chunk;
                 chunk = next_chunk(input_)) {
                if (chunk->empty()) return true;
                answer.body += *chunk;
            }
            if (!open && !length && !chunked) {
                answer.body = std::exchange(input_, {});
                return true;
            }
        }
        if (!open) return false;
        const auto got = socket_->receive(input_, std::chrono::milliseconds{100});
        open = got == Received::bytes || got == Received::nothing_yet;
    }
    return false;
}

std::string HttpClient::publish(std::string_view json) {
    const auto answer = post("/api/v1/events", json);
    return answer.status == 201 ? string_in(answer.body, "id") : "";
}

std::string to_user(std::string_view user) { return "\"user_id\":\"" + std::string{user} + "\""; }
std::string to_topic(std::string_view topic) { return "\"topic\":\"" + std::string{topic} + "\""; }

std::string item_json(std::string_view type, std::string_view audience, std::uint64_t n,
                      std::string_view from, std::string_view pad) {
    std::string json = "{\"type\":\"" + std::string{type} + "\"," + std::string{audience};
    json += ",\"data\":{\"n\":" + std::to_string(n) + ",\"from\":" + (from.empty() ? "null" : quoted(from));
    return json + ",\"pad\":" + (pad.empty() ? "null" : quoted(pad)) + "}}";
}

double metric(std::uint16_t operations_port, std::string_view sample) {
    const auto answer = HttpClient{operations_port}.get("/metrics");
    const std::string line = "\n" + std::string{sample} + " ";
    const auto at = answer.body.find(line);
    return at == std::string::npos ? -1 : std::strtod(answer.body.c_str() + at + line.size(), nullptr);
}

// ---- LiveStream

std::string_view name_of(StreamFinish finish) {
    constexpr std::array<std::string_view, 4> names{"open", "clean", "fin", "reset"};
    return names[static_cast<std::size_t>(finish)];
}

LiveStream::LiveStream(std::uint16_t port, const StreamAsk& ask) : socket_{port, ask.receive_buffer} {
    Fields fields = ask.fields;
    if (!ask.cursor.empty()) fields.emplace_back("Last-Event-ID", ask.cursor);
    const std::string target = "/api/v1/events" + (ask.query.empty() ? "" : "?" + ask.query);
    if (!socket_.send(head_of("GET", target, ask.version, fields, ask.token) + "\r\n")) return;
    read_until([this] { return answer_.status != 0; });
}

bool LiveStream::read(std::chrono::milliseconds limit, std::size_t bytes_max) {
    if (finish_ != StreamFinish::open) return false;
    const auto got = socket_.receive(input_, limit, bytes_max);
    if (got == Received::bytes) take_input();
    if (finish_ == StreamFinish::open && got == Received::fin) finish_ = StreamFinish::fin;
    if (finish_ == StreamFinish::open && got == Received::reset) finish_ = StreamFinish::reset;
    return finish_ == StreamFinish::open;
}

bool LiveStream::read_until(const std::function<bool()>& done, std::chrono::milliseconds limit) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!done()) {
        if (std::chrono::steady_clock::now() >= until) return false;
        if (!read(std::chrono::milliseconds{20})) return done();
    }
    return true;
}

bool LiveStream::read_until_event(std::string_view type, std::size_t wanted) {
    std::size_t seen = 0;
    std::size_t found = 0;
    return read_until([&] {
        for (; seen < events_.size(); ++seen) found += events_[seen].type == type;
        return found >= wanted;
    });
}

StreamFinish LiveStream::read_to_end() {
    read_until([this] { return finish_ != StreamFinish::open; });
    return finish_;
}

void LiveStream::take_input() {
    if (answer_.status == 0) {
        const auto end = input_.find("\r\n\r\n");
        if (end == std::string::npos) return;
        take_head(input_, end, answer_);
        chunked_ = answer_.field("Transfer-Encoding").has_value();
    }
    if (answer_.status != 200) {
        answer_.body.append(std::exchange(input_, {}));
    } else if (chunked_) {
        take_chunks();
    } else {
        take_text(std::exchange(input_, {}));
    }
}

void LiveStream::take_chunks() {
    while (const auto chunk = next_chunk(input_)) {
        if (chunk->empty()) {
            finish_ = StreamFinish::clean;
            return;
        }
        take_text(*chunk);
    }
}

void LiveStream::take_text(std::string_view text) {
    text_ += text;
    decoder_.feed(text, *this);
}

void LiveStream::event(const SseEvent& event) {
    events_.push_back({event.type, event.data, event.last_event_id});
}

std::size_t LiveStream::count(std::string_view type) const {
    return static_cast<std::size_t>(
        std::count_if(events_.begin(), events_.end(), [&](const auto& event) { return event.type == type; }));
}

std::vector<StreamEvent> LiveStream::items() const {
    std::vector<StreamEvent> found;
    std::copy_if(events_.begin(), events_.end(), std::back_inserter(found),
                 [](const auto& event) { return !event.control(); });
    return found;
}

// ---- JSON of ours, whose members have no white space between them

std::int64_t number_in(std::string_view json, std::string_view name) {
    const auto at = json.find("\"" + std::string{name} + "\":");
    if (at == std::string_view::npos) return -1;
    return std::strtoll(std::string{json.substr(at + name.size() + 3, 20)}.c_str(), nullptr, 10);
}

std::string string_in(std::string_view json, std::string_view name) {
    const std::string before = "\"" + std::string{name} + "\":\"";
    const auto at = json.find(before);
    if (at == std::string_view::npos) return "";
    const auto from = at + before.size();
    return std::string{json.substr(from, json.find('"', from) - from)};
}

}  // namespace tidings::test
