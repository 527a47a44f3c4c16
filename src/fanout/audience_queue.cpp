#include "fanout/audience_queue.hpp"

#include <algorithm>

namespace tidings {
namespace {

constexpr std::size_t places_kept = 256;  // of an audience that has left the queue

}  // namespace

Position prefix_before(const RingItem& item) noexcept {
    if (item.foreign) return {};
    return item.retained ? item.position.before() : item.position;
}

void AudienceQueue::push(AudienceIndex audience, std::uint64_t place, const RingItem& item) {
    if (audience >= slots_.size()) slots_.resize(audience + 1, none);
    std::uint32_t& slot = slots_[audience];
    if (slot == none) {
        if (free_.empty()) {
            free_.push_back(static_cast<std::uint32_t>(news_.size()));
            news_.emplace_back();
        }
        slot = free_.back();
        free_.pop_back();
        news_[slot].audience = audience;
        news_[slot].before = prefix_before(item);
        order_.push_back(slot);
    }
    auto& news = news_[slot];
    if (news.visited > 0 && news.again > place) {
        news.again = place;
        news.before_again = prefix_before(item);
    }
    news.places.push_back(place);
    news.plain = news.plain && item.retained && !item.foreign && !item.closes;
}

void AudienceQueue::finish_front() {
    const std::uint32_t slot = order_[next_++];
    auto& news = news_[slot];
    if (news.again <= news.places.back()) {
        news.places.erase(news.places.begin(),
                          std::lower_bound(news.places.begin(), news.places.end(), news.again));
        news.before = news.before_again;
        news.visited = 0;
        news.again = ~std::uint64_t{0};
        order_.push_back(slot);
    } else {
        retire(slot);
    }
    if (!empty() && next_ < order_.size() / 2) return;
    order_.erase(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(next_));
    next_ = 0;
}

void AudienceQueue::retire(std::uint32_t slot) {
    auto& news = news_[slot];
    slots_[news.audience] = none;
    auto places = std::move(news.places);
    news = {};
    if (places.capacity() <= places_kept) {
        places.clear();
        news.places = std::move(places);
    }
    free_.push_back(slot);
}

void AudienceQueue::restart(AudienceIndex audience) noexcept {
    if (empty() || front().audience != audience) return;
    front().visited = 0;
    front().again = ~std::uint64_t{0};
}

void AudienceQueue::clear() {
    for (; next_ < order_.size(); ++next_) retire(order_[next_]);
    order_.clear();
    next_ = 0;
}

std::size_t AudienceQueue::memory_bytes() const noexcept {
    std::size_t bytes = (slots_.capacity() + free_.capacity() + order_.capacity()) * sizeof(std::uint32_t) +
                        news_.capacity() * sizeof(AudienceNews);
    for (const auto& news : news_) bytes += news.places.capacity() * sizeof(std::uint64_t);
    return bytes;
}

}  // namespace tidings
