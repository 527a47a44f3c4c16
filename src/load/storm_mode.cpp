#include "load/modes.hpp"
#include "load/reconnects.hpp"

namespace tidings::load {
namespace {

// All streams are cut at one moment and come back with their ids, while events go on.
class Storm final : public ReconnectingSession {
public:
    using ReconnectingSession::ReconnectingSession;

    Result<Report> run() {
        if (const auto connected = connect_all(); !connected) return connected.error();
        // Everybody has an id before the measuring begins.
        if (plan_.warmup_seconds > 0) publish_and_settle(plan_.warmup_seconds);
        ledger_.begin_measuring();
        begin_publishing(plan_.seconds + patience_seconds);
        say("publishing");
        turn_for(plan_.seconds, Wait::poll);
        say("dropping all");
        for (std::uint32_t i = 0; i < streams_.size(); ++i) streams_.drop(i);
        report_.before = usage();
        const auto began = monotonic_ns();
        targets_.assign(streams_.size(), never);
        waiting_.assign(streams_.size(), true);
        left_ = streams_.size();
        storming_ = true;
        const bool all = turn_until(patience_seconds, Wait::poll, [this] { return left_ == 0; });
        if (all) report_.caught_up_seconds = static_cast<double>(last_ - began) / 1e9;
        report_.after = usage();
        turn_for(after_seconds, Wait::poll);
        end_publishing();
        report_.unpublished = 0;  // the schedule has no end of its own
        settle();
        report_.seconds = static_cast<double>(report_.after.wall - report_.before.wall) / 1e9;
        report_.connects = reopened_;
        report_.connect_seconds = static_cast<double>(last_opened_ - began) / 1e9;
        report_.connect_server_seconds =
            static_cast<double>(report_.after.server - report_.before.server) / 1e9;
        publisher_.finish();
        fill_report();
        return std::move(report_);
    }

private:
    const double patience_seconds = plan_.drain_seconds;  // for servers that lose events for good
    static constexpr double after_seconds = 1;

    void tick(std::int64_t now) override {
        publish_due(now);
        if (!storming_) return;
        start_refused_again(now);
        while (next_ < streams_.size() && streams_.opening() < plan_.connect_concurrency)
            streams_.start(next_++, now);
    }
    void opened(std::uint32_t stream, std::int64_t now) override {
        if (!storming_) return;
        ++reopened_;
        last_opened_ = now;
        targets_[stream] = acknowledged_;
        received(stream, now);
    }
    // It has caught up when it has what was published before it was open again: a target that moved on would
    // never be reached while a server is behind.
    void received(std::uint32_t stream, std::int64_t now) override {
        if (!storming_ || !waiting_[stream] || !has_all(stream, targets_[stream])) return;
        report_.replay_latency.record(now - streams_.started(stream));
        waiting_[stream] = false;
        --left_;
        last_ = now;
    }

    static constexpr std::uint64_t never = UINT64_MAX;  // not open yet

    bool storming_ = false;
    std::vector<std::uint64_t> targets_;
    std::vector<bool> waiting_;
    std::size_t left_ = 0;
    std::uint32_t next_ = 0;
    std::uint64_t reopened_ = 0;
    std::int64_t last_ = 0, last_opened_ = 0;
};

// Each stream is cut again and again, at its own times.
class Churn final : public ReconnectingSession {
public:
    using ReconnectingSession::ReconnectingSession;

    Result<Report> run() {
        if (const auto connected = connect_all(); !connected) return connected.error();
        if (plan_.warmup_seconds > 0) publish_and_settle(plan_.warmup_seconds);
        ledger_.begin_measuring();
        streams_.counts() = {};
        targets_.assign(streams_.size(), 0);
        const auto now = monotonic_ns();
        const auto every = static_cast<double>(every_);
        for (std::uint32_t i = 0; i < streams_.size(); ++i) {
            const double phase = every * i / static_cast<double>(streams_.size());
            to_drop_.emplace_back(now + static_cast<std::int64_t>(phase), i);
        }
        report_.before = usage();
        churning_ = true;
        begin_publishing(plan_.seconds);
        turn_for(plan_.seconds, Wait::poll);
        end_publishing();
        to_drop_.clear();
        turn_until(plan_.drain_seconds + plan_.offline_seconds, Wait::poll, [&] {
            return streams_.open() == streams_.size() && publisher_.unanswered() == 0 && ledger_.settled();
        });
        report_.after = usage();
        report_.seconds = static_cast<double>(report_.after.wall - report_.before.wall) / 1e9;
        report_.resumes = resumes_;
        publisher_.finish();
        fill_report();
        return std::move(report_);
    }

private:
    using Due = std::deque<std::pair<std::int64_t, std::uint32_t>>;

    void tick(std::int64_t now) override {
        publish_due(now);
        if (!churning_) return;
        start_refused_again(now);
        for (; !to_drop_.empty() && to_drop_.front().first <= now; to_drop_.pop_front()) {
            const auto stream = to_drop_.front().second;
            streams_.drop(stream);
            to_start_.emplace_back(now + static_cast<std::int64_t>(plan_.offline_seconds * 1e9), stream);
        }
        for (; !to_start_.empty() && to_start_.front().first <= now; to_start_.pop_front()) {
            const auto stream = to_start_.front().second;
            targets_[stream] = acknowledged_;
            streams_.start(stream, now);
        }
    }
    void opened(std::uint32_t stream, std::int64_t now) override {
        if (!churning_) return;
        ++resumes_;
        to_drop_.emplace_back(now + every_, stream);
        received(stream, now);
    }
    // From the reconnect to the last event that was missed by then.
    void received(std::uint32_t stream, std::int64_t now) override {
        if (!churning_ || targets_[stream] == 0 || !has_all(stream, targets_[stream])) return;
        report_.replay_latency.record(now - streams_.started(stream));
        targets_[stream] = 0;
    }

    bool churning_ = false;
    std::int64_t every_ = static_cast<std::int64_t>(plan_.every_seconds * 1e9);
    Due to_drop_, to_start_;
    std::vector<std::uint64_t> targets_;
    std::uint64_t resumes_ = 0;
};

}  // namespace

Result<Report> run_storm(const Plan& plan, const Control& control) { return Storm{plan, control}.run(); }
Result<Report> run_churn(const Plan& plan, const Control& control) { return Churn{plan, control}.run(); }

}  // namespace tidings::load
