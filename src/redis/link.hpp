#pragma once
// The life of one link to a Redis server: connect, introduce oneself, be of use, break, come back.

#include "redis/redis_url.hpp"
#include "redis/reply_error.hpp"
#include "redis/resp.hpp"

#include <tidings/log.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <variant>

namespace tidings::redis {

// What a server says of itself when a link is made.
struct ServerInfo {
    std::string run_id{};             // changes with each start of the server
    std::string version{};            // "7.0.15"
    std::string role{};               // "master"
    std::string address{};            // "host:port" as the link was made
    std::string fsync{"unknown"};     // "always", "everysec", "no"; "off" without appendonly; or "unknown"
    std::string eviction{"unknown"};  // maxmemory-policy; "unknown" where CONFIG is not permitted
    bool promoted = false;            // it was a replica before (master_replid2 is set)
    bool operator==(const ServerInfo&) const = default;
};

// Reads what INFO answers; fields that are missing stay empty.
struct InfoText {
    std::string run_id{}, version{}, role{}, mode{};
    bool loading = false;
    bool promoted = false;

    static InfoText parse(std::string_view text);
};

struct LinkTimes {
    std::chrono::milliseconds find{5'000};       // all Sentinels together
    std::chrono::milliseconds connect{3'000};    // with the name's resolution and TLS
    std::chrono::milliseconds introduce{5'000};  // until all of the introduction is answered
    std::chrono::milliseconds idle{5'000};       // of silence, then PING
    std::chrono::milliseconds pong{5'000};       // of silence after PING, then it is broken
    std::chrono::milliseconds back_off_min{100};
    std::chrono::milliseconds back_off_max{5'000};
    std::chrono::milliseconds slow_min{5'000};  // where a person has to do something first
    std::chrono::milliseconds slow_max{30'000};
    std::chrono::milliseconds settled{10'000};  // ready for so long: the back-off begins anew
};

struct RedisLinkOptions {
    RedisUrl url{};
    std::string client_name{"tidings"};  // for CLIENT LIST; no blanks
    enum class Use : std::uint8_t {
        commands,   // each command is answered in order
        subscriber  // SUBSCRIBE and what it brings
    } use = Use::commands;
    LinkTimes times{};
    ReplyLimits replies{};
    std::size_t output_bytes_max = 64 * 1024 * 1024;  // given to send() and not written yet
    std::uint64_t seed = 0;                           // of the jitter; 0: the shell draws one
};

// The machine. Owned by its shell, on that shell's thread. Every step says the present time, in milliseconds
// of any clock that does not go back. After each step the shell looks at wake_at() and steps Tick then.
class RedisLink {
public:
    using Time = std::chrono::milliseconds;

    struct Start {};
    struct Found {  // the Sentinels' answer
        Endpoint endpoint;
    };
    struct Connected {};  // and, over TLS, the peer is verified
    // No connection, or it ended, or its bytes are not understood.
    struct Failed {
        std::string why;
        // Of a cause that stays until a person acts, such as a certificate that does not verify.
        enum class Cause : std::uint8_t { passing, lasting } cause = Cause::passing;
    };
    struct Reply {  // to what the machine wrote, in order
        Value value;
    };
    struct Received {};  // any bytes: it lives
    struct Tick {};
    struct Hurry {};  // the cause may have gone: tried now and not when the back-off is over
    struct Stop {};
    using Input = std::variant<Start, Found, Connected, Failed, Reply, Received, Tick, Hurry, Stop>;

    enum class Do : std::uint8_t {
        none,
        find,     // ask the Sentinels for the master, then Found or Failed
        connect,  // to `endpoint`, then Connected or Failed
        write,    // `bytes`; `replies` of them come back as Reply
        ready,    // the link may be used; see server()
        close     // close what is open and wait for wake_at(); `lost` if it was ready
    };
    struct LogLine {
        LogLevel level = LogLevel::info;
        std::string text{};
    };
    struct Action {
        Do what = Do::none;
        Endpoint endpoint{};
        std::string bytes{};
        std::size_t replies = 0;
        std::optional<LogLine> log{};
    };

    explicit RedisLink(RedisLinkOptions options);

    Action step(Time now, const Input& input);
    // When to step Tick; none: not at all.
    std::optional<Time> wake_at() const noexcept { return wake_at_; }
    bool is_ready() const noexcept { return state_ == State::ready; }
    const ServerInfo& server() const noexcept { return server_; }
    // Why the link was closed last; empty at first.
    const std::string& cause() const noexcept { return cause_; }

private:
    enum class State : std::uint8_t { idle, finding, connecting, introducing, ready, waiting, stopped };
    enum class Question : std::uint8_t { auth, select, name, info, append_only, append_fsync, policy };
    enum class Pace : std::uint8_t { fast, slow };

    Action on(const Start&);
    Action on(const Found& found);
    Action on(const Connected&);
    Action on(const Failed& failed);
    Action on(const Reply& reply);
    Action on(const Received&);
    Action on(const Tick&);
    Action on(const Hurry&);
    Action on(const Stop&);

    Action begin();
    Action connect(Endpoint endpoint);
    Action answered(Question question, const Value& value);
    Action refused(const ReplyError& error);
    Action learned(const InfoText& info);
    void configured(Question question, const Value& value);
    Action become_ready();
    Action lose(std::string why, Pace pace);
    std::string what_timed_out() const;
    Time jittered(Time wait);

    RedisLinkOptions options_;
    std::mt19937_64 random_;
    Time now_{0};
    State state_ = State::idle;
    std::optional<Time> wake_at_;
    Endpoint endpoint_;
    std::deque<Question> questions_;  // not answered yet
    bool append_only_ = false;
    bool append_only_known_ = false;
    ServerInfo server_;
    Time ready_since_{0};
    Time heard_at_{0};
    bool pinged_ = false;
    unsigned failures_ = 0;  // since the link was last ready for `settled`
    std::string cause_;
    std::string logged_cause_;  // one line for each change; empty: all is well
};

}  // namespace tidings::redis
