#include "load/modes.hpp"
#include "load/session.hpp"

namespace tidings::load {
namespace {

// Every event goes to every stream.
class Fanout final : public Session {
public:
    Fanout(const Plan& plan, const Control& control) : Session{plan, control, Reading::fast} {}

    Result<Report> run() {
        if (const auto connected = connect_all(); !connected) return connected.error();
        if (plan_.warmup_seconds > 0) {
            say("warming up");
            publish_and_settle(plan_.warmup_seconds);
        }
        say("measuring");
        ledger_.begin_measuring();
        streams_.counts() = {};
        report_.before = usage();
        publish_and_settle(plan_.seconds);
        report_.after = usage();
        report_.seconds = static_cast<double>(ledger_.last_delivery() - report_.before.wall) / 1e9;
        publisher_.finish();
        turn_until(1, Wait::sleep, [&] { return publisher_.unanswered() == 0; });
        if (!plan_.pids.empty()) mark("after_broadcast");
        fill_report();
        return std::move(report_);
    }

private:
    void tick(std::int64_t now) override { publish_due(now); }
};

}  // namespace

Result<Report> run_fanout(const Plan& plan, const Control& control) { return Fanout{plan, control}.run(); }

}  // namespace tidings::load
