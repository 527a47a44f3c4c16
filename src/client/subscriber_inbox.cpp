// What the store tells a RedisSubscriber, taken from the store's thread to the subscriber's.

#include "client/redis_settings.hpp"
#include "client/subscriber_core.hpp"

namespace tidings::detail {
namespace {

constexpr std::size_t inbox_events = 8192;
constexpr std::size_t inbox_bytes_max = 16 * 1024 * 1024;

}  // namespace

std::size_t bytes_of(const Entry& entry) {
    return sizeof(Entry) + entry.type.size() + entry.category.size() + entry.data.size() + entry.key.size() +
           entry.audience.name.size();
}

void SubscriberCore::entries(std::span<const Entry> batch) {
    for (const auto& entry : batch) receive(entry, bytes_of(entry));
}
void SubscriberCore::broken(LinkBreak kind) { receive(kind, 0); }
void SubscriberCore::away(const Error& why) {
    log_line(options_.log, LogLevel::warning, "Redis is away; subscriptions wait for it",
             {{"error", why.message()}});
}
void SubscriberCore::back() {
    log_line(options_.log, LogLevel::info, "Redis is back", {});
    loop_.post([this] { run_retries(); });
}

// A thread that is held up by a callback costs bounded memory: what does not fit is read from the logs later.
void SubscriberCore::receive(Inbound what, std::size_t bytes) {
    const std::lock_guard lock{inbox_mutex_};
    if (inbox_.size() >= inbox_events || inbox_bytes_ + bytes > inbox_bytes_max) {
        auto kind = LinkBreak::plain;
        for (const auto& each : inbox_) {
            const auto* entry = std::get_if<Entry>(&each);
            if (entry == nullptr && std::get<LinkBreak>(each) == LinkBreak::foreign_lost)
                kind = LinkBreak::foreign_lost;
            if (entry != nullptr && !entry->retained) ++inbox_dropped_[entry->audience.text()];
        }
        inbox_.clear();
        inbox_bytes_ = 0;
        inbox_.emplace_back(kind);
    }
    inbox_.push_back(std::move(what));
    inbox_bytes_ += bytes;
    if (!std::exchange(inbox_posted_, true)) loop_.post([this] { take_inbox(); });
}

void SubscriberCore::take_inbox() {
    std::vector<Inbound> inbox;
    std::map<std::string, std::uint64_t> dropped;
    {
        const std::lock_guard lock{inbox_mutex_};
        inbox.swap(inbox_);
        dropped.swap(inbox_dropped_);
        inbox_bytes_ = 0;
        inbox_posted_ = false;
    }
    for (const auto& each : inbox) {
        if (const auto* entry = std::get_if<Entry>(&each)) {
            take_entry(*entry);
        } else {
            take_break(std::get<LinkBreak>(each), dropped);
            dropped.clear();
        }
    }
}

void SubscriberCore::take_entry(const Entry& entry) {
    // Copies, because a callback may cancel.
    std::vector<State> readers;
    if (entry.audience.kind == Audience::Kind::user) {
        const auto at = by_user_.find(entry.audience.name);
        if (at == by_user_.end()) return;
        for (auto* state : at->second) readers.push_back(subscriptions_.at(state->id));
    } else if (entry.audience.kind == Audience::Kind::broadcast) {
        for (const auto& [id, state] : subscriptions_) readers.push_back(state);
    }
    for (const auto& state : readers) {
        if (state->over) continue;
        state->follower.heard(entry);
        give(state);
    }
}

void SubscriberCore::take_break(LinkBreak kind, const std::map<std::string, std::uint64_t>& dropped) {
    const auto subscriptions = subscriptions_;
    for (const auto& [id, state] : subscriptions) {
        if (state->over) continue;
        std::optional<Gap> lost;
        if (kind == LinkBreak::foreign_lost) lost = Gap{GapReason::foreign, {}, {}};
        std::uint64_t count = 0;
        for (const auto& log : state->logs) {
            const auto at = dropped.find(log.text());
            if (at != dropped.end()) count += at->second;
        }
        if (count > 0) lost = Gap{GapReason::overflow, count, {}};
        ++state->epoch;
        {
            const std::lock_guard lock{state->mutex};
            state->live = false;
        }
        perform(state, state->follower.broken(std::move(lost)));
    }
}

}  // namespace tidings::detail
