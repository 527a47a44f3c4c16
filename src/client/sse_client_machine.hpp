#pragma once
// What a client of a stream does next. Pure: no socket, no clock.

#include "base/clock.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>

namespace tidings {

struct SseClientSettings {
    std::chrono::milliseconds retry{3'000};          // until the server names another
    std::chrono::milliseconds back_off_max{30'000};  // between attempts that fail one after another
    std::chrono::milliseconds silence{45'000};       // three heartbeats: then the path is dead
    std::chrono::milliseconds answer{15'000};        // for a connection, and then for the head of the answer
    std::string last_event_id{};                     // to begin with
};

// The life of one client: connect, ask, listen, and after every end but a finished one come back with the id
// of the last event that was received. Owned by its shell, on that shell's thread; all it holds is a handful
// of words.
class SseClientMachine {
public:
    struct Start {};
    struct Connected {};
    struct Unreachable {};  // no connection
    struct Head {           // of the answer
        unsigned status = 0;
        enum class Body : std::uint8_t { event_stream, other } body = Body::event_stream;
        std::chrono::milliseconds retry_after{0};
    };
    struct Received {};  // bytes, be it only a heartbeat
    struct Id {          // the last event id after an event
        std::string text;
    };
    struct Retry {
        std::chrono::milliseconds time;
    };
    struct Ended {};     // cleanly or not: what it means the server says on the return
    struct TimedOut {};  // the time of the last action was up
    struct Stop {};
    struct Expired {};  // the time that its owner gives the whole
    using Input = std::variant<Start, Connected, Unreachable, Head, Received, Id, Retry, Ended, TimedOut,
                               Stop, Expired>;

    // Each but Done and None lasts at most `time`; then the shell says TimedOut.
    enum class Do : std::uint8_t {
        none,     // go on as you are
        connect,  // close what is open, then connect
        ask,      // send the request with last_event_id()
        listen,   // read; the time starts anew
        wait,     // close what is open
        done      // close what is open; see outcome()
    };
    struct Action {
        Do what = Do::none;
        std::chrono::milliseconds time{0};
        bool operator==(const Action&) const = default;
    };

    enum class Outcome : std::uint8_t {
        running,
        finished,     // 204: the stream is over for good
        unreachable,  // the first connection could not be made
        refused,      // 401 or 403
        rejected,     // another answer that will not change; see status()
        timed_out,    // the whole time was up
        stopped
    };

    SseClientMachine(SseClientSettings settings, RandomSource random);

    Action step(const Input& input);
    const std::string& last_event_id() const noexcept { return last_event_id_; }
    Outcome outcome() const noexcept { return outcome_; }
    unsigned status() const noexcept { return status_; }  // of the last answer; 0: none
    std::uint64_t connections() const noexcept { return connections_; }

private:
    enum class State : std::uint8_t { idle, connecting, asking, listening, waiting, done };

    Action on(const Start&);
    Action on(const Connected&);
    Action on(const Unreachable&);
    Action on(const Head& head);
    Action on(const Received&);
    Action on(const Id& id);
    Action on(const Retry& retry);
    Action on(const Ended&);
    Action on(const TimedOut&);
    Action on(const Stop&);
    Action on(const Expired&);
    Action connect();
    Action come_back();
    Action fail(std::chrono::milliseconds at_least);
    Action finish(Outcome outcome);
    std::chrono::milliseconds jittered(std::chrono::milliseconds wait);

    SseClientSettings settings_;
    RandomSource random_;
    State state_ = State::idle;
    Outcome outcome_ = Outcome::running;
    std::string last_event_id_;
    unsigned status_ = 0;
    unsigned failures_ = 0;  // since the last answer 200
    std::uint64_t connections_ = 0;
};

}  // namespace tidings
