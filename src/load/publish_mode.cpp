#include "load/modes.hpp"
#include "load/session.hpp"

namespace tidings::load {
namespace {

// Events go in as fast as they are answered, or at a rate; nobody listens.
class Publish final : public Session {
public:
    Publish(const Plan& plan, const Control& control) : Session{plan, control, Reading::fast} {
        const TextTemplate user{plan.user};
        const std::size_t users = std::max<std::size_t>(plan.streams, 1);
        for (std::size_t n = 0; n < users; ++n) users_.push_back(user.text({.n = n}));
    }

    Result<Report> run() {
        if (const auto connected = publisher_.connect(); !connected) return connected.error();
        if (plan_.warmup_seconds > 0) go_on_for(plan_.warmup_seconds);
        say("measuring");
        report_.latency.clear();
        accepted_ = refused_ = 0;
        report_.before = usage();
        go_on_for(plan_.seconds);
        report_.after = usage();
        report_.seconds = static_cast<double>(report_.after.wall - report_.before.wall) / 1e9;
        report_.published_per_run = accepted_;
        report_.publish_failed = refused_;
        report_.unpublished = schedule_.left(report_.after.wall);
        report_.first_publish_failure = publisher_.first_failure();
        publisher_.finish();
        turn_until(1, Wait::sleep, [&] { return publisher_.unanswered() == 0; });
        return std::move(report_);
    }

private:
    void go_on_for(double seconds) {
        const auto now = monotonic_ns();
        if (plan_.rate > 0) schedule_ = {plan_.rate, now, now + static_cast<std::int64_t>(seconds * 1e9)};
        running_ = true;
        turn_for(seconds, Wait::poll);
        running_ = false;
        turn_until(plan_.drain_seconds, Wait::poll, [&] { return publisher_.unanswered() == 0; });
    }

    void tick(std::int64_t now) override {
        if (running_) publish_more(now);
        publisher_.flush();
    }

    void publish_more(std::int64_t now) {
        // Half of the lines at a time: a line for each answer would be a chunk and a write for each line.
        const bool lines = plan_.publish.batch > 1;
        const std::size_t window = plan_.publish.batch * plan_.publish.connections;
        if (lines && plan_.rate == 0 && publisher_.unanswered() > window / 2) return;
        std::int64_t due = now;
        while (publisher_.ready() && (plan_.rate == 0 || schedule_.take(now, due))) {
            const std::size_t n = sequence_ % users_.size();
            publisher_.publish({++sequence_, due}, n, users_[n]);
        }
    }

    void answered(const Stamp& stamp, Accepted accepted, std::int64_t now) override {
        ++(accepted == Accepted::yes ? accepted_ : refused_);
        report_.latency.record(now - stamp.time);
    }

    std::vector<std::string> users_;
    OpenLoop schedule_;
    std::uint64_t sequence_ = 0, accepted_ = 0, refused_ = 0;
    bool running_ = false;
};

}  // namespace

Result<Report> run_publish(const Plan& plan, const Control& control) { return Publish{plan, control}.run(); }

}  // namespace tidings::load
