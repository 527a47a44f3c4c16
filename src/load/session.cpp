#include "load/session.hpp"

#include <algorithm>

namespace tidings::load {
namespace {

constexpr int sleep_ms = 1;
constexpr int rest_ms = 100;
constexpr unsigned events_between_ticks = 32;
constexpr double connect_patience_seconds = 10;  // without a single stream more
constexpr double live_seconds = 0.3;             // a server may say its head before the stream is live
constexpr double linger_seconds = 0.1;           // for what comes twice

}  // namespace

OpenLoop::OpenLoop(double rate, std::int64_t start, std::int64_t end)
    : interval_{1e9 / rate}, start_{start}, end_{end} {}

bool OpenLoop::take(std::int64_t now, std::int64_t& due) {
    if (interval_ == 0) return false;
    const auto next = due_at(taken_);
    if (next > now || next >= end_) return false;
    due = next;
    ++taken_;
    return true;
}

std::uint64_t OpenLoop::left(std::int64_t now) const {
    std::uint64_t left = 0;
    while (interval_ != 0 && due_at(taken_ + left) < std::min(now, end_)) ++left;
    return left;
}

Session::Session(const Plan& plan, const Control& control, Reading reading, Audience audience)
    : plan_{plan},
      control_{control},
      streams_{plan, poller_, *this, reading},
      publisher_{plan, poller_, *this},
      ledger_{plan.streams - plan.stalled, audience} {
    report_.mode = plan.mode;
    report_.streams = plan.streams;
    report_.has_server = !plan.pids.empty();
    streams_.count_in(&ledger_);
}

void Session::answered(const Stamp& stamp, Accepted accepted, std::int64_t) {
    if (accepted == Accepted::no) ledger_.failed(stamp.sequence);
}

void Session::turn(Wait wait) {
    tick(monotonic_ns());
    unsigned count = 0;
    for (const epoll_event& event : poller_.wait(wait == Wait::rest    ? rest_ms
                                                 : wait == Wait::sleep ? sleep_ms
                                                                       : 0)) {
        const auto index = Poller::index_of(event);
        if (Poller::owner_of(event) == Owner::stream) {
            streams_.on_event(index, event.events);
        } else {
            publisher_.on_event(index);
        }
        if (++count % events_between_ticks == 0) tick(monotonic_ns());
    }
}

Result<void> Session::connect_all() {
    if (const auto prepared = streams_.prepare(); !prepared) return prepared;
    if (!plan_.publish.body.empty()) {
        if (const auto connected = publisher_.connect(); !connected) return connected;
    }
    if (!plan_.pids.empty()) mark("before");
    const Usage before = usage();
    std::uint32_t next = 0;
    std::int64_t changed = before.wall, said = before.wall;
    std::size_t open = 0;
    while (streams_.open() < streams_.size()) {
        while (next < streams_.size() && streams_.opening() < plan_.connect_concurrency)
            streams_.start(next++, monotonic_ns());
        turn(Wait::poll);
        if (interrupted()) return Error{Errc::cancelled, "interrupted while connecting"};
        if (streams_.counts().refused + streams_.counts().ended > 0) {
            return refusal();
        }
        const auto now = monotonic_ns();
        if (streams_.open() != open) changed = now;
        open = streams_.open();
        if (now - changed > static_cast<std::int64_t>(connect_patience_seconds * 1e9))
            return Error{Errc::connection_failed, "only " + std::to_string(open) + " streams were opened"};
        if (now - said > 1'000'000'000) {
            say(std::to_string(open) + " of " + std::to_string(streams_.size()) + " streams are open");
            said = now;
        }
    }
    const Usage after = usage();
    report_.connects = streams_.size();
    report_.connect_seconds = static_cast<double>(after.wall - before.wall) / 1e9;
    report_.connect_server_seconds = static_cast<double>(after.server - before.server) / 1e9;
    turn_for(live_seconds, Wait::sleep);
    if (!plan_.pids.empty()) mark("connected");
    return {};
}

Error Session::refusal() const {
    const auto& why = streams_.first_refusal();
    const Errc code = why.status == 401 || why.status == 403   ? Errc::forbidden
                      : why.status == 429 || why.status == 503 ? Errc::too_many_requests
                                                               : Errc::connection_failed;
    const std::size_t open = streams_.open();
    return {code, "a stream was refused after " + std::to_string(open) + " were open: " +
                      (streams_.counts().refused == 0 ? "the server ended one" : why.sentence())};
}

void Session::publish_due(std::int64_t now) {
    if (publishing_) {
        const auto publish = [&](std::int64_t due) {
            const Stamp stamp = ledger_.next(due);
            const std::uint32_t n = stream_of(stamp.sequence);
            publisher_.publish(stamp, n, streams_.user_of(n));
        };
        if (plan_.rate > 0) {
            std::int64_t due = 0;
            while (publisher_.ready() && open_loop_.take(now, due)) publish(due);
        } else {
            while (publisher_.ready() && ledger_.unsettled() < plan_.outstanding) publish(now);
        }
    }
    publisher_.flush();
}

void Session::begin_publishing(double seconds) {
    const auto now = monotonic_ns();
    if (plan_.rate > 0)
        open_loop_ = OpenLoop{plan_.rate, now, now + static_cast<std::int64_t>(seconds * 1e9)};
    publishing_ = true;
}

void Session::end_publishing() {
    publishing_ = false;
    report_.unpublished = open_loop_.left(monotonic_ns());
}

void Session::publish_and_settle(double seconds) {
    begin_publishing(seconds);
    turn_until(seconds, Wait::poll, [this] { return all_ended(); });
    end_publishing();
    settle();
}

void Session::settle() {
    // Also after an interruption, though not for long: what is under way is not lost.
    const double seconds = interrupted() ? std::min(plan_.drain_seconds, 2.0) : plan_.drain_seconds;
    const auto end = monotonic_ns() + static_cast<std::int64_t>(seconds * 1e9);
    while (monotonic_ns() < end && !all_ended() && (publisher_.unanswered() > 0 || !ledger_.settled()))
        turn(Wait::poll);
}

void Session::fill_report() {
    turn_for(linger_seconds, Wait::poll);
    const Streams::Counts& counts = streams_.counts();
    report_.deliveries = ledger_.totals();
    report_.latency = ledger_.latencies();
    report_.last_latency = ledger_.last_latencies();
    report_.reads = counts.reads;
    report_.bytes = counts.bytes;
    report_.refused = counts.refused;
    report_.ended = counts.ended;
    if (counts.refused > 0) report_.first_refusal = streams_.first_refusal().sentence();
    report_.first_publish_failure = publisher_.first_failure();
}

}  // namespace tidings::load
