#include "load/modes.hpp"
#include "load/session.hpp"

namespace tidings::load {
namespace {

// One stream after another comes back with the same id, reads what it has missed and goes.
class Resume final : public Session {
public:
    Resume(const Plan& plan, const Control& control) : Session{plan, control, Reading::exact} {
        streams_.count_in(nullptr);
    }

    Result<Report> run() {
        if (const auto prepared = streams_.prepare(); !prepared) return prepared.error();
        for (std::uint32_t i = 0; i < streams_.size(); ++i) streams_.set_last_id(i, plan_.last_event_id);
        // The first ones find caches that are cold.
        for (std::size_t i = 0; i < plan_.count / warmup_share; ++i) {
            if (const auto done = one(i); !done) return done.error();
        }
        report_.replay_latency.clear();
        report_.before = usage();
        for (std::size_t i = 0; i < plan_.count && !interrupted(); ++i) {
            if (const auto done = one(i); !done) return done.error();
            ++report_.resumes;
        }
        report_.after = usage();
        report_.seconds = static_cast<double>(report_.after.wall - report_.before.wall) / 1e9;
        return std::move(report_);
    }

private:
    static constexpr std::size_t warmup_share = 10;

    Result<void> one(std::size_t i) {
        const auto stream = static_cast<std::uint32_t>(i % streams_.size());
        done_ = false;
        streams_.set_last_id(stream, plan_.last_event_id);
        streams_.start(stream, monotonic_ns());
        if (!turn_until(plan_.drain_seconds, Wait::poll, [this] { return done_ || lost_; }) || lost_) {
            return Error{Errc::connection_failed, "a stream came back with " +
                                                      std::to_string(streams_.events_of(stream)) + " of " +
                                                      std::to_string(plan_.expect_events) + " events; " +
                                                      streams_.first_refusal().sentence()};
        }
        streams_.drop(stream);
        return {};
    }

    void opened(std::uint32_t stream, std::int64_t now) override { received(stream, now); }
    void received(std::uint32_t stream, std::int64_t now) override {
        if (done_ || streams_.events_of(stream) < plan_.expect_events) return;
        report_.replay_latency.record(now - streams_.started(stream));
        done_ = true;
    }
    void ended(std::uint32_t, std::int64_t) override { lost_ = true; }

    bool done_ = false, lost_ = false;
};

}  // namespace

Result<Report> run_resume(const Plan& plan, const Control& control) { return Resume{plan, control}.run(); }

}  // namespace tidings::load
