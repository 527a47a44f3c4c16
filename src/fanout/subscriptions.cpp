#include "fanout/subscriptions.hpp"

#include "base/assert.hpp"

#include <algorithm>

namespace tidings {
namespace {

// The numbers' bytes, as a key.
std::string_view key_of(std::span<const AudienceIndex> numbers) noexcept {
    return {reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes()};
}

}  // namespace

SubscriptionIndex SubscriptionTable::hold(std::vector<Audience> audiences) {
    TIDINGS_ASSERT(!audiences.empty());
    boost::container::small_vector<AudienceIndex, 3> numbers;
    for (const auto& audience : audiences) numbers.push_back(intern(audience));
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    if (const auto known = by_set_.find(key_of(numbers)); known != by_set_.end()) {
        ++sets_[known->second].uses;
        return known->second;
    }
    SubscriptionIndex index = static_cast<SubscriptionIndex>(sets_.size());
    if (free_sets_.empty()) {
        sets_.emplace_back();
    } else {
        index = free_sets_.back();
        free_sets_.pop_back();
    }
    for (const AudienceIndex number : numbers) ++rows_[number].uses;
    by_set_.emplace(std::string{key_of(numbers)}, index);
    sets_[index] = {std::move(numbers), 1};
    return index;
}

void SubscriptionTable::release(SubscriptionIndex index) {
    auto& set = sets_[index];
    TIDINGS_ASSERT(set.uses > 0);
    if (--set.uses > 0) return;
    for (const AudienceIndex number : audiences_of(index)) {
        if (--rows_[number].uses == 0) forget(number);
    }
    by_set_.erase(by_set_.find(key_of(set.numbers)));
    set = {};
    free_sets_.push_back(index);
}

AudienceIndex SubscriptionTable::find(std::string_view audience_text) const noexcept {
    const auto known = by_text_.find(audience_text);
    return known == by_text_.end() ? no_audience : known->second;
}

bool SubscriptionTable::has(SubscriptionIndex index, AudienceIndex audience) const noexcept {
    const auto numbers = audiences_of(index);
    return std::binary_search(numbers.begin(), numbers.end(), audience);
}

std::vector<Audience> SubscriptionTable::audiences(SubscriptionIndex index) const {
    std::vector<Audience> result;
    for (const AudienceIndex number : audiences_of(index))
        result.push_back(*Audience::parse(rows_[number].text));
    return result;
}

void SubscriptionTable::join(SubscriptionIndex index, Member member) {
    for (const AudienceIndex number : audiences_of(index)) rows_[number].members.push_back(member);
}

bool SubscriptionTable::finished(SubscriptionIndex index) const noexcept {
    const auto numbers = audiences_of(index);
    return std::all_of(numbers.begin(), numbers.end(),
                       [&](AudienceIndex number) { return rows_[number].state == TopicState::closed; });
}

std::span<const AudienceIndex> SubscriptionTable::audiences_of(SubscriptionIndex index) const noexcept {
    return sets_[index].numbers;
}

AudienceIndex SubscriptionTable::intern(const Audience& audience) {
    std::string text = audience.text();
    if (const auto known = by_text_.find(text); known != by_text_.end()) return known->second;
    AudienceIndex index = static_cast<AudienceIndex>(rows_.size());
    if (free_rows_.empty()) {
        rows_.emplace_back();
    } else {
        index = free_rows_.back();
        free_rows_.pop_back();
    }
    rows_[index] = {};
    rows_[index].text = text;
    by_text_.emplace(std::move(text), index);
    return index;
}

void SubscriptionTable::forget(AudienceIndex index) {
    by_text_.erase(rows_[index].text);
    rows_[index] = {};
    free_rows_.push_back(index);
}

}  // namespace tidings
