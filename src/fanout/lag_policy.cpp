#include "fanout/lag_policy.hpp"

#include <algorithm>

namespace tidings {

LagDecision decide_lag(std::span<const Unsent> unsent, std::size_t bytes_max,
                       std::size_t events_max) noexcept {
    std::size_t bytes = 0;
    for (const auto& event : unsent) bytes += event.bytes;
    if (unsent.size() <= events_max && bytes <= bytes_max) return {};
    // The newest of a key must not be lost as long as a log can give it.
    const bool resumes = std::any_of(unsent.begin(), unsent.end(), [](const Unsent& event) {
        return event.slow_reader == SlowReader::resume ||
               (event.slow_reader == SlowReader::conflate && event.retained);
    });
    LagDecision decision;
    if (resumes) {
        decision.kind = LagDecision::Kind::resume;
        decision.count = static_cast<std::uint64_t>(
            std::count_if(unsent.begin(), unsent.end(), [](const Unsent& event) { return !event.retained; }));
        return decision;
    }
    decision.kind = LagDecision::Kind::drop;
    std::size_t left = unsent.size();
    for (const auto& event : unsent) {
        decision.next = event.index;
        if (left <= events_max && bytes <= bytes_max) return decision;
        bytes -= event.bytes;
        --left;
        ++decision.count;
        decision.next = event.index + 1;
    }
    return decision;
}

}  // namespace tidings
