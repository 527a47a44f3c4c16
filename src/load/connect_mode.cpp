#include "load/modes.hpp"
#include "load/session.hpp"

namespace tidings::load {
namespace {

// Streams that come and go: each is reset at its first byte.
class Connect final : public Session {
public:
    Connect(const Plan& plan, const Control& control) : Session{plan, control, Reading::fast} {
        streams_.count_in(nullptr);
    }

    Result<Report> run() {
        if (const auto prepared = streams_.prepare(); !prepared) return prepared.error();
        running_ = true;
        if (plan_.warmup_seconds > 0) turn_for(plan_.warmup_seconds, Wait::poll);
        if (streams_.counts().opened == 0 && streams_.counts().refused > 0) return refusal();
        say("connecting");
        streams_.counts() = {};
        report_.latency.clear();
        report_.before = usage();
        turn_for(plan_.seconds, Wait::poll);
        report_.after = usage();
        report_.connects = streams_.counts().opened;
        running_ = false;
        report_.seconds = static_cast<double>(report_.after.wall - report_.before.wall) / 1e9;
        report_.connect_seconds = report_.seconds;
        report_.connect_server_seconds =
            static_cast<double>(report_.after.server - report_.before.server) / 1e9;
        report_.refused = streams_.counts().refused;
        report_.ended = streams_.counts().ended;
        if (report_.refused > 0) report_.first_refusal = streams_.first_refusal().sentence();
        return std::move(report_);
    }

private:
    void tick(std::int64_t now) override {
        if (!running_) return;
        const std::size_t at_once = std::min(plan_.connect_concurrency, streams_.size());
        while (streams_.opening() < at_once && !refused_now_) {
            while (!streams_.is_idle(next_)) advance();
            streams_.start(next_, now);
            advance();
        }
        refused_now_ = false;
    }
    void opened(std::uint32_t stream, std::int64_t now) override {
        report_.latency.record(now - streams_.started(stream));
        streams_.drop(stream);
    }
    // Without a pause a server that is not there would be asked in an endless loop.
    void ended(std::uint32_t, std::int64_t) override { refused_now_ = true; }
    void advance() { next_ = static_cast<std::uint32_t>((next_ + 1) % streams_.size()); }

    std::uint32_t next_ = 0;
    bool running_ = false;
    bool refused_now_ = false;
};

}  // namespace

Result<Report> run_connect(const Plan& plan, const Control& control) { return Connect{plan, control}.run(); }

}  // namespace tidings::load
