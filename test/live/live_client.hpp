#pragma once
// Clients of a hub over raw sockets, which see what a browser hides: how a stream ended, what had no id.

#include <tidings/sse_decoder.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidings::test {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Response {
    int status = 0;  // 0: there was no answer
    std::string head;
    std::string body;

    // The value of a field, whatever its case; none: absent.
    std::optional<std::string> field(std::string_view name) const;
};

enum class Received : std::uint8_t { bytes, nothing_yet, fin, reset };

// A blocking TCP connection to the loopback. Owns its descriptor; used by one thread at a time.
class RawSocket {
public:
    // `receive_buffer`: the kernel's, in bytes; 0 leaves its default.
    explicit RawSocket(std::uint16_t port, int receive_buffer = 0);
    RawSocket(RawSocket&& other) noexcept;
    RawSocket& operator=(RawSocket&&) = delete;
    ~RawSocket();

    bool connected() const noexcept { return descriptor_ >= 0; }
    int descriptor() const noexcept { return descriptor_; }
    bool send(std::string_view bytes);
    // Appends at most `bytes_max` to `out`; waits at most `limit` for the first.
    Received receive(std::string& out, std::chrono::milliseconds limit, std::size_t bytes_max = 65'536);
    void finish_sending();  // FIN
    void close();           // as a client that goes away
    void reset();           // RST

private:
    int descriptor_ = -1;
};

// Requests one after the other on a kept connection; connects again where the server has closed it.
class HttpClient {
public:
    explicit HttpClient(std::uint16_t port, std::string token = {});

    // A lost connection is answered with status 0; nothing is repeated.
    Response request(std::string_view method, std::string_view target, std::string_view body = {},
                     const Fields& fields = {});
    Response get(std::string_view target, const Fields& fields = {}) {
        return request("GET", target, {}, fields);
    }
    Response post(std::string_view target, std::string_view body, const Fields& fields = {});
    // POST /api/v1/events of one object: the id that a 201 gives, or "" (and `last` tells why).
    std::string publish(std::string_view json);
    const Response& last() const noexcept { return last_; }

private:
    bool read_answer(Response& answer, std::string_view method);

    std::uint16_t port_;
    std::string token_;
    std::optional<RawSocket> socket_;
    std::string input_;
    Response last_;
};

// {"type":…,<audience>,"data":{"n":n,"from":from}}, for example with `audience` R"("user_id":"ann")".
std::string item_json(std::string_view type, std::string_view audience, std::uint64_t n,
                      std::string_view from = {}, std::string_view pad = {});
// Audiences as item_json() takes them.
std::string to_user(std::string_view user);
std::string to_topic(std::string_view topic);
inline constexpr std::string_view to_everybody = R"("broadcast":true)";

// A sample of /metrics as it stands there, for example "tidings_streams"; -1: it is not there.
double metric(std::uint16_t operations_port, std::string_view sample);

// How a stream ended, as its client can tell.
enum class StreamFinish : std::uint8_t {
    open,   // it did not
    clean,  // the last chunk came
    fin,    // the connection was closed without it (on HTTP/1.0: closed)
    reset   // RST
};
std::string_view name_of(StreamFinish finish);

struct StreamAsk {
    std::string token{};   // as Authorization: Bearer; empty: none
    std::string query{};   // without "?"
    std::string cursor{};  // as Last-Event-ID; empty: none
    Fields fields{};       // further ones
    std::string_view version = "HTTP/1.1";
    int receive_buffer = 0;
};

// One event as it stood in the stream.
struct StreamEvent {
    std::string type;
    std::string data;
    std::string id;  // what a client returns with after it: its own, or an earlier one's
    bool control() const { return type.starts_with("tidings."); }
};

// GET /api/v1/events over one connection. Reads only when asked to. Used by one thread at a time. Keeps every
// event and every byte of the stream, so it is for streams that a test can hold in memory.
class LiveStream final : private SseListener {
public:
    LiveStream(std::uint16_t port, const StreamAsk& ask);

    int status() const noexcept { return answer_.status; }       // 0: no head came
    const Response& answer() const noexcept { return answer_; }  // the head; a body only of a non-stream
    const std::vector<StreamEvent>& events() const noexcept { return events_; }
    const std::vector<std::string>& comments() const noexcept { return comments_; }
    const std::vector<std::chrono::milliseconds>& retries() const noexcept { return retries_; }
    const std::string& text() const noexcept { return text_; }  // the stream without its chunks
    const std::string& last_id() const noexcept { return decoder_.last_event_id(); }
    StreamFinish finish() const noexcept { return finish_; }

    // Reads what comes within `limit`, at most `bytes_max`; false when the stream is over.
    bool read(std::chrono::milliseconds limit, std::size_t bytes_max = 65'536);
    // Reads until `done` holds, the stream is over, or patience ends; whether it holds.
    bool read_until(const std::function<bool()>& done,
                    std::chrono::milliseconds limit = std::chrono::seconds{90});
    bool read_until_event(std::string_view type, std::size_t count = 1);
    bool read_until_live() { return read_until_event("tidings.caught_up"); }
    // Reads until the stream is over; how.
    StreamFinish read_to_end();
    void cut() {
        socket_.close();
        finish_ = StreamFinish::reset;
    }  // the client goes away

    std::size_t count(std::string_view type) const;
    // The events that are not the hub's own.
    std::vector<StreamEvent> items() const;
    RawSocket& socket() noexcept { return socket_; }
    // Bytes behind the stream's last chunk.
    const std::string& leftover() const noexcept { return input_; }

private:
    void event(const SseEvent& event) override;
    void retry(std::chrono::milliseconds delay) override { retries_.push_back(delay); }
    void comment(std::string_view text) override { comments_.emplace_back(text); }
    void take_input();
    void take_chunks();
    void take_text(std::string_view text);

    RawSocket socket_;
    Response answer_;
    bool chunked_ = false;
    std::string input_;
    std::string text_;
    SseDecoder decoder_;
    std::vector<StreamEvent> events_;
    std::vector<std::string> comments_;
    std::vector<std::chrono::milliseconds> retries_;
    StreamFinish finish_ = StreamFinish::open;
};

// The whole number under `name` in a JSON object of ours, or -1.
std::int64_t number_in(std::string_view json, std::string_view name);
// The string under `name`, or "".
std::string string_in(std::string_view json, std::string_view name);

}  // namespace tidings::test
