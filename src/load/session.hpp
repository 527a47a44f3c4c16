#pragma once
// What the kinds of runs share: the loop, connecting, pacing, waiting, the bill.

#include "load/ledger.hpp"
#include "load/plan.hpp"
#include "load/poller.hpp"
#include "load/publisher.hpp"
#include "load/report.hpp"
#include "load/run.hpp"
#include "load/streams.hpp"

#include <string>

namespace tidings::load {

// Times of events that do not depend on the server: the k-th is due at start + k / rate.
class OpenLoop {
public:
    OpenLoop() = default;
    OpenLoop(double rate, std::int64_t start, std::int64_t end);
    // Takes the next event if it is due; its time.
    bool take(std::int64_t now, std::int64_t& due);
    // Events that were due by then and have not been taken.
    std::uint64_t left(std::int64_t now) const;

private:
    std::int64_t due_at(std::uint64_t k) const {
        return start_ + static_cast<std::int64_t>(static_cast<double>(k) * interval_);
    }
    double interval_ = 0;
    std::int64_t start_ = 0, end_ = 0;
    std::uint64_t taken_ = 0;
};

// One run with its streams and publisher, on one thread. A kind of run derives from it and says what happens
// in tick(), opened(), ended() and received().
class Session : protected StreamWatcher, protected PublishWatcher {
public:
    Session(const Plan& plan, const Control& control, Reading reading,
            Audience audience = Audience::everybody);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

protected:
    ~Session() override = default;

    // Called before each look at the sockets and again in the middle of long ones.
    virtual void tick(std::int64_t) {}
    void opened(std::uint32_t, std::int64_t) override {}
    void ended(std::uint32_t, std::int64_t) override {}
    // The stream whose user and number fill an event's templates.
    virtual std::uint32_t stream_of(std::uint64_t sequence) {
        return static_cast<std::uint32_t>(sequence % streams_.size());
    }
    // A refused event is nobody's loss.
    void answered(const Stamp& stamp, Accepted accepted, std::int64_t now) override;

    enum class Wait : std::uint8_t { poll, sleep, rest };
    // One look at the sockets. Measured phases poll, so that the server's bill does not depend on how fast
    // this process wakes.
    void turn(Wait wait);
    // Turns until done() or `seconds` have passed. False: it was not done, or the run was interrupted.
    template <class Done>
    bool turn_until(double seconds, Wait wait, Done&& done) {
        const auto end = monotonic_ns() + static_cast<std::int64_t>(seconds * 1e9);
        while (!done()) {
            if (interrupted() || monotonic_ns() >= end) return false;
            turn(wait);
        }
        return true;
    }
    void turn_for(double seconds, Wait wait) {
        turn_until(seconds, wait, [] { return false; });
    }

    // Tokens, the publisher where there is one, all streams; and what connecting cost. Fails with
    // Errc::connection_failed where a stream is refused, and cancelled.
    Result<void> connect_all();
    // Publishes what is due, or what the closed loop allows. From tick() while publishing.
    void publish_due(std::int64_t now);
    void begin_publishing(double seconds);
    void end_publishing();
    // Waits until everything is with everybody, at most drain_seconds.
    void settle();
    // Publishes for so long and settles.
    void publish_and_settle(double seconds);

    // The server has ended every stream, so that nothing more will come.
    bool all_ended() const { return streams_.size() > 0 && streams_.open() == 0 && streams_.opening() == 0; }
    // Why connecting failed.
    Error refusal() const;
    bool interrupted() const { return control_.stop != nullptr && control_.stop->load(); }
    void say(const std::string& text) const {
        if (control_.say) control_.say(text);
    }
    Usage usage() const { return usage_now(plan_.pids); }
    void mark(const char* name) { report_.memory.push_back(memory_now(name, streams_.open(), plan_.pids)); }
    // What streams and ledger have counted since the measuring began.
    void fill_report();

    const Plan& plan_;
    const Control& control_;
    Poller poller_;
    Streams streams_;
    Publisher publisher_;
    Ledger ledger_;
    Report report_;

private:
    OpenLoop open_loop_;
    bool publishing_ = false;
};

}  // namespace tidings::load
