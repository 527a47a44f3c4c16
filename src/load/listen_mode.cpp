#include "load/modes.hpp"
#include "load/session.hpp"

namespace tidings::load {
namespace {

// Streams that count what another process publishes, one event after another, and rest in between: many such
// processes share a core. Says when every stream has one event more, and when the last one got it.
class Listen final : public Session {
public:
    Listen(const Plan& plan, const Control& control)
        : Session{plan, control, Reading::fast, Audience::everybody} {}

    Result<Report> run() {
        if (const auto connected = connect_all(); !connected) return connected.error();
        say("listening");
        streams_.counts() = {};
        report_.before = usage();
        turn_until(plan_.seconds, Wait::rest, [this] {
            if (ledger_.foreign() >= (complete_ + 1) * streams_.size()) {
                complete_ = ledger_.foreign() / streams_.size();
                say("all have " + std::to_string(complete_) + " at " +
                    std::to_string(ledger_.last_foreign()));
            }
            return false;
        });
        report_.after = usage();
        report_.seconds = static_cast<double>(report_.after.wall - report_.before.wall) / 1e9;
        fill_report();
        report_.latency = ledger_.foreign_latencies();
        return std::move(report_);
    }

private:
    std::uint64_t complete_ = 0;
};

}  // namespace

Result<Report> run_listen(const Plan& plan, const Control& control) { return Listen{plan, control}.run(); }

}  // namespace tidings::load
