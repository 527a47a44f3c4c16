#include "load/modes.hpp"
#include "load/session.hpp"

namespace tidings::load {
namespace {

// Streams that are there, and what they cost at rest, after a broadcast, and after all have come again.
class Idle final : public Session {
public:
    Idle(const Plan& plan, const Control& control) : Session{plan, control, Reading::fast} {}

    Result<Report> run() {
        if (const auto connected = connect_all(); !connected) return connected.error();
        say("holding");
        streams_.counts() = {};
        report_.before = usage();
        turn_for(plan_.seconds, Wait::poll);
        report_.after = usage();
        report_.seconds = static_cast<double>(report_.after.wall - report_.before.wall) / 1e9;
        mark("held");
        if (plan_.broadcasts > 0 && !plan_.publish.body.empty()) broadcast();
        if (plan_.churn_rounds > 0) churn();
        fill_report();
        if (plan_.broadcasts == 0) report_.deliveries.reset();
        return std::move(report_);
    }

private:
    void tick(std::int64_t) override { publisher_.flush(); }

    void broadcast() {
        for (std::size_t i = 0; i < plan_.broadcasts && !interrupted(); ++i) {
            publisher_.publish(ledger_.next(monotonic_ns()), 0, streams_.user_of(0));
            turn_until(plan_.drain_seconds, Wait::poll,
                       [&] { return publisher_.unanswered() == 0 && ledger_.settled(); });
        }
        publisher_.finish();
        mark("after_broadcast");
    }

    void churn() {
        for (std::size_t round = 0; round < plan_.churn_rounds && !interrupted(); ++round) {
            for (std::uint32_t i = 0; i < streams_.size(); ++i) streams_.drop(i);
            std::uint32_t next = 0;
            turn_until(plan_.drain_seconds + static_cast<double>(streams_.size()) / 1000, Wait::poll, [&] {
                while (next < streams_.size() && streams_.opening() < plan_.connect_concurrency)
                    streams_.start(next++, monotonic_ns());
                return streams_.open() == streams_.size();
            });
        }
        turn_for(1, Wait::sleep);
        mark("after_churn");
    }
};

}  // namespace

Result<Report> run_idle(const Plan& plan, const Control& control) { return Idle{plan, control}.run(); }

}  // namespace tidings::load
