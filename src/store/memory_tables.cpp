#include "store/memory_tables.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

namespace tidings {
namespace {

constexpr std::uint64_t log_cost = 512;  // record, list node and hash slots, generously
constexpr std::uint64_t key_cost = 160;
constexpr std::uint64_t entry_cost = 256;  // the record beside its text

}  // namespace

KeptEntry::KeptEntry(const Entry& entry)
    : position_{entry.position},
      previous_{entry.previous},
      occurred_at_{entry.occurred_at},
      tag_{entry.tag},
      type_bytes_{static_cast<std::uint32_t>(entry.type.size())},
      category_bytes_{static_cast<std::uint32_t>(entry.category.size())},
      key_bytes_{static_cast<std::uint32_t>(entry.key.size())},
      data_bytes_{static_cast<std::uint32_t>(entry.data.size())},
      texts_{std::make_unique_for_overwrite<char[]>(entry.type.size() + entry.category.size() +
                                                    entry.key.size() + entry.data.size())} {
    char* at = texts_.get();
    for (const auto* text : {&entry.type, &entry.category, &entry.key, &entry.data}) {
        at = std::copy(text->begin(), text->end(), at);
    }
}

std::uint64_t KeptEntry::bytes() const noexcept {
    return entry_bytes(std::uint64_t{type_bytes_} + category_bytes_ + key_bytes_ + data_bytes_);
}

Entry KeptEntry::entry(const Audience& audience) const {
    Entry entry;
    entry.audience = audience;
    entry.position = position_;
    entry.tag = tag_;
    entry.previous = previous_;
    entry.occurred_at = occurred_at_;
    const char* at = texts_.get();
    const auto take = [&at](std::size_t bytes) { return std::string(std::exchange(at, at + bytes), bytes); };
    entry.type = take(type_bytes_);
    entry.category = take(category_bytes_);
    entry.key = take(key_bytes_);
    entry.data = take(data_bytes_);
    return entry;
}

std::size_t MemoryTables::DigestHash::operator()(const Digest& digest) const noexcept {
    std::size_t value = 0;
    std::memcpy(&value, digest.data(), sizeof value);
    return value;
}

std::size_t MemoryTables::AudienceHash::operator()(const Audience& audience) const noexcept {
    return std::hash<std::string>{}(audience.name) * 3 + static_cast<std::size_t>(audience.kind);
}

MemoryTables::Log& MemoryTables::log_of(const LogState& state) {
    if (recent_ == nullptr || recent_->state.number != state.number) recent_ = logs_.at(state.number).get();
    return *recent_;
}

std::optional<LogState> MemoryTables::find(const Audience& audience) {
    const auto name = names_.find(audience);
    if (name == names_.end()) return std::nullopt;
    recent_ = logs_.at(name->second).get();
    return recent_->state;
}

void MemoryTables::create(const Audience& audience, LogState& state) {
    state.number = next_number_++;
    auto log = std::make_unique<Log>();
    log->audience = audience;
    log->state = state;
    auto& order = order_of(audience.kind);
    log->place = order.insert(order.end(), state.number);
    names_.emplace(audience, state.number);
    recent_ = logs_.emplace(state.number, std::move(log)).first->second.get();
    bytes_ += log_cost;
}

void MemoryTables::save(const Audience& audience, const LogState& state) {
    auto& log = log_of(state);
    if (state.expires != log.state.expires) {
        auto& order = order_of(audience.kind);
        order.splice(order.end(), order, log.place);
    }
    log.state = state;
}

void MemoryTables::erase(const Audience& audience, const LogState& state) {
    order_of(audience.kind).erase(log_of(state).place);
    recent_ = nullptr;
    logs_.erase(state.number);
    names_.erase(audience);
    bytes_ -= log_cost;
}

void MemoryTables::add(const LogState& state, const Entry& entry) {
    log_of(state).entries.emplace_back(entry);
    bytes_ += entry_bytes(entry) + entry_cost;
    ++entries_;
}

LogTables::Removed MemoryTables::remove_oldest(const LogState& state) {
    auto& log = log_of(state);
    auto& oldest = log.entries.at(log.first);
    const Removed removed{oldest.position(), oldest.bytes()};
    oldest.forget();
    ++log.first;
    if (log.first * 2 > log.entries.size()) {
        log.entries.erase(log.entries.begin(), log.entries.begin() + static_cast<std::ptrdiff_t>(log.first));
        log.first = 0;
    }
    bytes_ -= removed.bytes + entry_cost;
    --entries_;
    return removed;
}

std::optional<KeyState> MemoryTables::find_key(const Digest& key) {
    const auto known = keys_.find(key);
    if (known == keys_.end()) return std::nullopt;
    return known->second;
}

void MemoryTables::save_key(const Digest& key, Audience::Kind kind, const KeyState& state) {
    const auto [at, is_new] = keys_.insert_or_assign(key, state);
    if (is_new) bytes_ += key_cost;
    key_order_[static_cast<std::size_t>(kind)].emplace_back(at->second.expires, key);
}

std::optional<std::pair<Audience, LogState>> MemoryTables::first_expired(Milliseconds clock) {
    for (const auto& order : order_) {
        if (order.empty()) continue;
        const auto& log = *logs_.at(order.front());
        if (expired(log.state, clock)) return std::pair{log.audience, log.state};
    }
    return std::nullopt;
}

bool MemoryTables::erase_expired_key(Milliseconds clock) {
    for (auto& order : key_order_) {
        if (order.empty() || order.front().first >= clock) continue;
        const auto [expires, key] = order.front();
        order.pop_front();
        // A key that was used anew after it had expired has a later place in the order.
        const auto known = keys_.find(key);
        if (known != keys_.end() && known->second.expires == expires) {
            keys_.erase(known);
            bytes_ -= key_cost;
        }
        return true;
    }
    return false;
}

std::span<const KeptEntry> MemoryTables::entries(const LogState& state) const {
    const auto& log = *logs_.at(state.number);
    return std::span{log.entries}.subspan(log.first);
}

}  // namespace tidings
