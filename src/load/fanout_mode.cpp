#include "load/modes.hpp"
#include "load/session.hpp"

#include <random>

namespace tidings::load {
namespace {

// Every event goes to every stream.
class Fanout : public Session {
public:
    Fanout(const Plan& plan, const Control& control, Audience audience = Audience::everybody)
        : Session{plan, control, Reading::fast, audience} {}

    Result<Report> run() {
        if (const auto connected = connect_all(); !connected) return connected.error();
        if (plan_.warmup_seconds > 0) {
            say("warming up");
            publish_and_settle(plan_.warmup_seconds);
        }
        if (interrupted()) return Error{Errc::cancelled, "interrupted before anything was measured"};
        say("measuring");
        ledger_.begin_measuring();
        streams_.counts().reads = streams_.counts().bytes = 0;
        report_.before = usage();
        publish_and_settle(plan_.seconds);
        report_.after = usage();
        const std::int64_t end =
            ledger_.last_delivery() > report_.before.wall ? ledger_.last_delivery() : report_.after.wall;
        report_.seconds = static_cast<double>(end - report_.before.wall) / 1e9;
        publisher_.finish();
        turn_until(1, Wait::sleep, [&] { return publisher_.unanswered() == 0; });
        if (!plan_.pids.empty()) mark("after_broadcast");
        fill_report();
        return std::move(report_);
    }

private:
    void tick(std::int64_t now) override { publish_due(now); }
};

// Every event goes to the user of one stream that is drawn for it.
class Targeted final : public Fanout {
public:
    Targeted(const Plan& plan, const Control& control) : Fanout{plan, control, Audience::one} {}

private:
    std::uint32_t stream_of(std::uint64_t) override {
        // The first ones may be readers that stall.
        return std::uniform_int_distribution<std::uint32_t>{
            static_cast<std::uint32_t>(plan_.stalled),
            static_cast<std::uint32_t>(plan_.streams - 1)}(random_);
    }
    std::mt19937_64 random_{1};
};

}  // namespace

Result<Report> run_fanout(const Plan& plan, const Control& control) { return Fanout{plan, control}.run(); }

Result<Report> run_targeted(const Plan& plan, const Control& control) {
    return Targeted{plan, control}.run();
}

}  // namespace tidings::load
