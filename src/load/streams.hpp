#pragma once
// The receiving end: many streams on one thread.

#include "load/block_reader.hpp"
#include "load/ledger.hpp"
#include "load/plan.hpp"
#include "load/poller.hpp"
#include "load/stamp.hpp"
#include "load/text_template.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidings::load {

// What a run is told of its streams.
class StreamWatcher {
public:
    virtual ~StreamWatcher() = default;
    virtual void opened(std::uint32_t stream, std::int64_t now) = 0;
    // It was refused, or ended without having been dropped.
    virtual void ended(std::uint32_t stream, std::int64_t now) = 0;
    // Something came on an open stream; only with Reading::exact.
    virtual void received(std::uint32_t, std::int64_t) {}
};

// fast: finds stamps and nothing else. exact: counts whole events and keeps their ids.
enum class Reading : std::uint8_t { fast, exact };

// The streams of a run, each with the request of its user. Owned by a session, on its thread. A stream that
// reads fast costs about 100 bytes here.
class Streams {
public:
    struct Counts {
        std::uint64_t reads = 0;  // that gave something
        std::uint64_t bytes = 0;
        std::uint64_t opened = 0;
        std::uint64_t refused = 0;  // another status than 200, or no connection
        std::uint64_t ended = 0;    // by the server
    };

    Streams(const Plan& plan, Poller& poller, StreamWatcher& watcher, Reading reading);

    // Makes the tokens. Fails as mint() does, or where an address is none.
    Result<void> prepare();
    // Null: deliveries are not counted.
    void count_in(Ledger* ledger) { ledger_ = ledger; }

    void start(std::uint32_t stream, std::int64_t now);
    // Closes with a reset. Nothing is said to the watcher.
    void drop(std::uint32_t stream);
    void on_event(std::uint32_t stream, std::uint32_t events);

    std::size_t size() const noexcept { return streams_.size(); }
    std::size_t opening() const noexcept { return opening_; }
    std::size_t open() const noexcept { return open_; }
    bool is_open(std::uint32_t stream) const { return streams_[stream].state == State::open; }
    bool is_idle(std::uint32_t stream) const { return streams_[stream].state == State::idle; }
    std::int64_t started(std::uint32_t stream) const { return streams_[stream].started; }
    std::uint64_t last_sequence(std::uint32_t stream) const { return places_[stream].last; }
    bool is_whole(std::uint32_t stream) const { return places_[stream].holes.empty(); }
    // Events with a stamp that came since start(); only with Reading::exact.
    std::uint64_t events_of(std::uint32_t stream) const { return streams_[stream].events; }
    void set_last_id(std::uint32_t stream, const std::string& id) { blocks_[stream].set_last_id(id); }
    Counts& counts() noexcept { return counts_; }
    const Counts& counts() const noexcept { return counts_; }
    // Why the first stream was refused: the status, 0 where there was no answer, and the answer's body or the
    // error.
    struct Refusal {
        int status = 0;
        std::string text{};
        std::string sentence() const;
    };
    const Refusal& first_refusal() const noexcept { return first_refusal_; }
    const std::string& user_of(std::uint32_t stream) const { return users_[stream]; }

private:
    enum class State : std::uint8_t { idle, connecting, head, open };
    struct Stream {
        Descriptor socket{};
        State state = State::idle;
        bool reads = true;  // false: a reader that stalls
        StampTail tail{};
        std::int64_t started = 0;
        std::uint64_t events = 0;
    };

    void send_request(std::uint32_t stream);
    void read(std::uint32_t stream);
    void read_head(std::uint32_t stream, std::string_view bytes, std::int64_t now);
    void read_body(std::uint32_t stream, char* data, std::size_t size, std::int64_t now);
    void lose(std::uint32_t stream, Refusal why, std::int64_t now);
    void close(Stream& stream);

    const Plan& plan_;
    Poller& poller_;
    StreamWatcher& watcher_;
    Reading reading_;
    Ledger* ledger_ = nullptr;
    sockaddr_in to_{};
    std::vector<sockaddr_in> sources_;
    TextTemplate request_, request_without_id_;
    std::vector<Stream> streams_;
    std::vector<Ledger::Place> places_;
    std::vector<BlockReader> blocks_;                           // exact
    std::vector<std::pair<std::uint32_t, std::string>> heads_;  // of streams whose head has come in part
    std::vector<std::string> users_, tokens_;
    std::vector<char> buffer_;
    std::size_t opening_ = 0, open_ = 0;
    Counts counts_;
    Refusal first_refusal_;
};

}  // namespace tidings::load
