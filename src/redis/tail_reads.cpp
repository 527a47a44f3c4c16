#include "redis/tail_reads.hpp"

#include <cstdint>
#include <utility>

namespace tidings::redis {

void TailReads::subscribed(Audience audience) {
    if (fresh_.size() + waiting_.size() < waiting_max) fresh_.push_back(std::move(audience));
}

void TailReads::bound(Position position, Milliseconds now) {
    // Other systems' entries of the bound's own millisecond may lie before it and come later.
    const auto earlier = position.milliseconds > 0 ? position.milliseconds - 1 : 0;
    const Position after{position.term, earlier, ~std::uint64_t{0}};
    for (auto& audience : std::exchange(fresh_, {})) {
        waiting_.push_back({{std::move(audience), after}, now + wait});
    }
}

std::vector<TailReads::Read> TailReads::due(Milliseconds now) {
    std::vector<Read> reads;
    for (; !waiting_.empty() && waiting_.front().at <= now; waiting_.pop_front()) {
        reads.push_back(std::move(waiting_.front().read));
    }
    return reads;
}

void TailReads::clear() noexcept {
    fresh_.clear();
    waiting_.clear();
}

}  // namespace tidings::redis
