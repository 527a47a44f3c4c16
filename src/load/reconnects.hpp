#pragma once
// Runs whose streams come back.

#include "load/session.hpp"

#include <deque>
#include <utility>

namespace tidings::load {

// Streams keep their ids, and what a server refuses or ends comes again a little later.
class ReconnectingSession : public Session {
public:
    ReconnectingSession(const Plan& plan, const Control& control) : Session{plan, control, Reading::exact} {}

protected:
    // It has every event up to this one.
    bool has_all(std::uint32_t stream, std::uint64_t sequence) const {
        return streams_.last_sequence(stream) >= sequence && streams_.is_whole(stream);
    }

    void ended(std::uint32_t stream, std::int64_t now) override {
        refused_.emplace_back(now + retry_ns, stream);
    }
    void start_refused_again(std::int64_t now) {
        for (; !refused_.empty() && refused_.front().first <= now; refused_.pop_front()) {
            const auto stream = refused_.front().second;
            if (streams_.is_idle(stream)) streams_.start(stream, now);
        }
    }
    void answered(const Stamp& stamp, Accepted accepted, std::int64_t now) override {
        Session::answered(stamp, accepted, now);
        if (accepted == Accepted::yes) acknowledged_ = std::max(acknowledged_, stamp.sequence);
    }

    std::uint64_t acknowledged_ = 0;

private:
    static constexpr std::int64_t retry_ns = 100'000'000;
    std::deque<std::pair<std::int64_t, std::uint32_t>> refused_;
};

}  // namespace tidings::load
