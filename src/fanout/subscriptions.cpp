#include "fanout/subscriptions.hpp"

#include "base/assert.hpp"

#include <boost/container/small_vector.hpp>

#include <functional>
#include <string>

namespace tidings {
namespace {

constexpr std::string_view user_prefix = "user:";
constexpr std::string_view topic_prefix = "topic:";

// A user and a topic of one name lie in one chain, where the kind tells them apart.
std::size_t hash_of(std::string_view bytes) noexcept { return std::hash<std::string_view>{}(bytes); }

std::string_view bytes_of(std::span<const AudienceIndex> numbers) noexcept {
    return {reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes()};
}

}  // namespace

SubscriptionTable::SubscriptionTable() { rows_.emplace_back(); }

SubscriptionIndex SubscriptionTable::hold(std::vector<Audience> audiences) {
    TIDINGS_ASSERT(!audiences.empty());
    boost::container::small_vector<AudienceIndex, 8> numbers;
    for (const auto& audience : audiences) numbers.push_back(intern(audience));
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    const bool alone = numbers.size() == 1;
    if (!alone && (numbers.size() > 2 || numbers[0] != broadcast_row)) {
        return intern_set({numbers.data(), numbers.size()});
    }
    for (const AudienceIndex number : numbers) ++rows_[number].uses;
    return (alone ? form_alone : form_with_broadcast) | numbers.back();
}

SubscriptionIndex SubscriptionTable::intern_set(std::span<const AudienceIndex> numbers) {
    const std::string_view key = bytes_of(numbers);
    const auto link_of = [this](std::uint32_t set) -> std::uint32_t& { return sets_[set].link; };
    const auto const_link_of = [this](std::uint32_t set) { return sets_[set].link; };
    const auto key_of = [this](std::uint32_t set) {
        return bytes_.at(sets_[set].numbers, sets_[set].count * sizeof(AudienceIndex));
    };
    const std::uint32_t known =
        by_numbers_.find(hash_of(key), const_link_of, [&](std::uint32_t set) { return key_of(set) == key; });
    if (known != chain_end) {
        ++sets_[known].uses;
        return form_set | known;
    }
    for (const AudienceIndex number : numbers) ++rows_[number].uses;
    std::uint32_t index = free_set_;
    if (index == chain_end) {
        index = static_cast<std::uint32_t>(sets_.size());
        sets_.emplace_back();
    } else {
        free_set_ = sets_[index].link;
    }
    TIDINGS_ASSERT((index & form) == 0);
    sets_[index] = {bytes_.put(key), static_cast<std::uint32_t>(numbers.size()), 1, chain_end};
    by_numbers_.insert(index, link_of, [&](std::uint32_t set) { return hash_of(key_of(set)); });
    return form_set | index;
}

void SubscriptionTable::release(SubscriptionIndex index) {
    if ((index & form) != form_set) {
        for (const AudienceIndex number : numbers(index)) {
            TIDINGS_ASSERT(rows_[number].uses > 0);
            if (--rows_[number].uses == 0) forget(number);
        }
        return;
    }
    Set& set = sets_[index];
    TIDINGS_ASSERT(set.uses > 0);
    if (--set.uses > 0) return;
    for (const AudienceIndex number : numbers(index)) {
        if (--rows_[number].uses == 0) forget(number);
    }
    by_numbers_.erase(
        index, [this](std::uint32_t other) -> std::uint32_t& { return sets_[other].link; },
        [this](std::uint32_t other) {
            return hash_of(bytes_.at(sets_[other].numbers, sets_[other].count * sizeof(AudienceIndex)));
        });
    bytes_.remove(set.numbers, set.count * sizeof(AudienceIndex));
    set = {};
    set.link = free_set_;
    free_set_ = index;
}

AudienceIndex SubscriptionTable::find(std::string_view audience_text) const noexcept {
    if (audience_text.starts_with(user_prefix)) {
        return find({Audience::Kind::user, audience_text.substr(user_prefix.size())});
    }
    if (audience_text.starts_with(topic_prefix)) {
        return find({Audience::Kind::topic, audience_text.substr(topic_prefix.size())});
    }
    return rows_[broadcast_row].uses > 0 && audience_text == Audience::broadcast().text() ? broadcast_row
                                                                                          : no_audience;
}

AudienceIndex SubscriptionTable::find(Name name) const noexcept {
    const std::uint32_t found = by_name_.find(
        hash_of(name.text), [this](std::uint32_t row) { return rows_[row].link; },
        [&](std::uint32_t row) {
            const Name other = name_of(row);
            return other.kind == name.kind && other.text == name.text;
        });
    return found == chain_end ? no_audience : found;
}

bool SubscriptionTable::has(SubscriptionIndex index, AudienceIndex audience) const noexcept {
    if ((index & form) != form_set) {
        return audience == (index & ~form) ||
               (audience == broadcast_row && (index & form) == form_with_broadcast);
    }
    const Numbers its = numbers(index);
    return std::binary_search(its.begin(), its.end(), audience);
}

std::vector<Audience> SubscriptionTable::audiences(SubscriptionIndex index) const {
    std::vector<Audience> result;
    for (const AudienceIndex number : numbers(index)) {
        const Name name = name_of(number);
        result.push_back({name.kind, std::string{name.text}});
    }
    return result;
}

void SubscriptionTable::join(SubscriptionIndex index, Member member) {
    for (const AudienceIndex number : numbers(index)) {
        Row& row = rows_[number];
        if (row.crowd == Crowd::none) {
            row.only = member;
            row.crowd = Crowd::one;
            continue;
        }
        if (row.crowd == Crowd::one) {
            std::uint32_t crowd = static_cast<std::uint32_t>(crowds_.size());
            if (free_crowds_.empty()) {
                crowds_.emplace_back();
            } else {
                crowd = free_crowds_.back();
                free_crowds_.pop_back();
            }
            crowds_[crowd].list.push_back(row.only);
            row.only = {crowd, 0};
            row.crowd = Crowd::many;
        }
        auto& list = crowds_[row.only.handle].list;
        // By a quarter: an audience of all streams is as large as any table here.
        if (list.size() == list.capacity()) list.reserve(list.size() + list.size() / 4 + 2);
        list.push_back(member);
    }
}

// Nobody is left in its list.
void SubscriptionTable::disperse(Row& row) {
    crowds_[row.only.handle] = {};
    free_crowds_.push_back(row.only.handle);
    row.only = {};
    row.crowd = Crowd::none;
}

bool SubscriptionTable::finished(SubscriptionIndex index) const noexcept {
    const Numbers its = numbers(index);
    return std::all_of(its.begin(), its.end(),
                       [&](AudienceIndex number) { return rows_[number].state == TopicState::closed; });
}

SubscriptionTable::Numbers SubscriptionTable::numbers(SubscriptionIndex index) const noexcept {
    if ((index & form) == form_alone) return {{index & ~form, 0}, 1};
    if ((index & form) == form_with_broadcast) return {{broadcast_row, index & ~form}, 2};
    const Set& set = sets_[index];
    const auto bytes = bytes_.at(set.numbers, set.count * sizeof(AudienceIndex));
    return {{}, set.count, reinterpret_cast<const AudienceIndex*>(bytes.data())};
}

SubscriptionTable::Name SubscriptionTable::name_of(AudienceIndex index) const noexcept {
    const Row& row = rows_[index];
    if (row.kind == Audience::Kind::broadcast) return {row.kind, {}};
    return {row.kind, bytes_.at(row.name, row.name_bytes)};
}

AudienceIndex SubscriptionTable::intern(const Audience& audience) {
    if (audience.kind == Audience::Kind::broadcast) return broadcast_row;
    const AudienceIndex known = find(Name{audience.kind, audience.name});
    if (known != no_audience) return known;
    AudienceIndex index = free_row_;
    if (index == no_audience) {
        index = static_cast<AudienceIndex>(rows_.size());
        rows_.emplace_back();
    } else {
        free_row_ = rows_[index].link;
    }
    TIDINGS_ASSERT((index & form) == 0 && audience.name.size() <= 0xffff);
    Row& row = rows_[index];
    row = Row{};
    row.kind = audience.kind;
    row.name = bytes_.put(audience.name);
    row.name_bytes = static_cast<std::uint16_t>(audience.name.size());
    by_name_.insert(
        index, [this](std::uint32_t other) -> std::uint32_t& { return rows_[other].link; },
        [this](std::uint32_t other) { return hash_of(name_of(other).text); });
    return index;
}

void SubscriptionTable::forget(AudienceIndex index) {
    Row& row = rows_[index];
    if (row.crowd == Crowd::many) disperse(row);
    if (index == broadcast_row) {
        row = Row{};
        return;
    }
    by_name_.erase(
        index, [this](std::uint32_t other) -> std::uint32_t& { return rows_[other].link; },
        [this](std::uint32_t other) { return hash_of(name_of(other).text); });
    bytes_.remove(row.name, row.name_bytes);
    row = Row{};
    row.link = free_row_;
    free_row_ = index;
}

std::size_t SubscriptionTable::memory_bytes() const noexcept {
    std::size_t bytes = rows_.memory_bytes() + by_name_.memory_bytes() + sets_.memory_bytes() +
                        by_numbers_.memory_bytes() + bytes_.memory_bytes() +
                        crowds_.capacity() * sizeof(Members) +
                        free_crowds_.capacity() * sizeof(std::uint32_t);
    for (const auto& crowd : crowds_) bytes += crowd.list.capacity() * sizeof(Member);
    return bytes;
}

}  // namespace tidings
