#pragma once
// Where the master is: asking Sentinels, and hearing from one that it has moved.

#include "redis/redis_url.hpp"
#include "redis/resp.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tidings::redis {

// What the shell says to both machines below, and what they say to it.
struct SentinelInput {
    struct Connected {};
    struct Failed {  // no connection, or it ended
        std::string why;
    };
    struct Reply {
        Value value;
    };
    struct Tick {};
    using Any = std::variant<Connected, Failed, Reply, Tick>;
};

struct SentinelAction {
    enum class Do : std::uint8_t {
        none,
        connect,  // close what is open, then connect to `endpoint`, a Sentinel
        write,    // `bytes`
        close,    // close what is open and wait for wake_at()
        found,    // close what is open; the master is `endpoint`
        failed,   // close what is open; `why`
        moved     // the master is `endpoint` now; what is open stays so
    } what = Do::none;
    Endpoint endpoint{};
    std::string bytes{};
    std::string why{};
};

// Asks one Sentinel after the other for the master of one name. Kept between searches: the one that answered
// is asked first the next time, and those that it knows are asked too. Owned by its shell, on that shell's
// thread.
class SentinelSearch {
public:
    using Time = std::chrono::milliseconds;
    static constexpr std::size_t sentinels_max = 64;

    explicit SentinelSearch(const RedisUrl& url);

    // A new search.
    SentinelAction start(Time now);
    void stop() noexcept {
        running_ = false;
        wake_at_.reset();
    }
    SentinelAction step(Time now, const SentinelInput::Any& input);
    std::optional<Time> wake_at() const noexcept { return wake_at_; }
    // In the order in which they would be asked.
    const std::vector<Endpoint>& sentinels() const noexcept { return sentinels_; }

private:
    SentinelAction on(const SentinelInput::Connected&);
    SentinelAction on(const SentinelInput::Failed& failed);
    SentinelAction on(const SentinelInput::Reply& reply);
    SentinelAction on(const SentinelInput::Tick&);
    SentinelAction ask_next();
    SentinelAction said(std::string what);
    void learn(const Value& others);

    RedisUrl url_;
    std::vector<Endpoint> sentinels_;
    std::size_t asked_ = 0;    // the one that is being asked
    std::size_t replies_ = 0;  // of it, so far
    bool running_ = false;
    Endpoint found_;
    std::string heard_;  // what each said, for the error
    Time now_{0};
    std::optional<Time> wake_at_;
};

// Stays subscribed to "+switch-master" on one Sentinel, so that a link to a master that was demoted while it
// was cut off can be broken at once. Owned by its shell, on that shell's thread.
class SentinelWatch {
public:
    using Time = std::chrono::milliseconds;

    explicit SentinelWatch(const RedisUrl& url);

    // Watches through one of `sentinels`, in this order; `master` is where the link goes.
    SentinelAction start(Time now, std::vector<Endpoint> sentinels, Endpoint master);
    SentinelAction step(Time now, const SentinelInput::Any& input);
    void stop() noexcept { wake_at_.reset(); }
    std::optional<Time> wake_at() const noexcept { return wake_at_; }

private:
    enum class State : std::uint8_t { connecting, listening, asked_for_life, waiting };

    SentinelAction on(const SentinelInput::Connected&);
    SentinelAction on(const SentinelInput::Failed&);
    SentinelAction on(const SentinelInput::Reply& reply);
    SentinelAction on(const SentinelInput::Tick&);
    SentinelAction connect();
    SentinelAction try_another();
    SentinelAction moved_to(Endpoint endpoint);

    RedisUrl url_;
    std::vector<Endpoint> sentinels_;
    Endpoint master_;
    State state_ = State::waiting;
    std::size_t chosen_ = 0;
    std::size_t replies_ = 0;
    Time now_{0};
    std::optional<Time> wake_at_;
};

// "mymaster 127.0.0.1 6379 127.0.0.1 6380", the message of "+switch-master": where `master` is now; none if
// it is of another master, or nothing of the kind.
std::optional<Endpoint> parse_switch_master(std::string_view message, std::string_view master);

}  // namespace tidings::redis
