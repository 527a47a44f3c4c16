#include "broker/broker.hpp"

#include "fanout/control_events.hpp"

namespace tidings {

void Broker::entries(std::span<const Entry> batch) {
    const auto registry = registry_.take();
    auto live = std::make_shared<LiveBatch>();
    live->items.reserve(batch.size());
    for (const auto& entry : batch) {
        auto item = live_item(entry, *registry);
        if (!item.frame) continue;
        live->bytes += item.frame->chunk().size();
        live->items.push_back(std::move(item));
    }
    published_.fetch_add(live->items.size(), std::memory_order_relaxed);
    if (live->items.empty()) return;
    const LiveBatchPtr shared = std::move(live);
    for (Inbox* inbox : inboxes_) inbox->push(shared);
}

LiveItem Broker::live_item(const Entry& entry, const Registry& registry) const {
    LiveItem item;
    item.position = entry.position;
    item.previous = entry.previous;
    item.audience = entry.audience.text();
    item.retained = entry.retained;
    item.closes = entry.closes;
    if (entry.closes) {
        item.frame = control::topic_closed(entry.audience.name);
        return item;
    }
    const auto index = registry.category_index(entry.category);
    item.category = index ? CategoryMask{1} << *index : CategoryMask{0};
    if (const auto* type = registry.find(entry.type)) item.slow_reader = type->slow_reader;
    auto frame = Frame::encode(
        {entry.id(), entry.type, entry.category, entry.audience, entry.data, entry.occurred_at, entry.key},
        entry.retained ? WithId::yes : WithId::no, limits_);
    if (frame) {
        item.frame = std::move(*frame);
    } else if (log_) {
        log_(LogLevel::error, "an event could not be encoded",
             {{"type", entry.type}, {"error", frame.error().message()}});
    }
    return item;
}

void Broker::away(const Error& why) {
    away_.store(true, std::memory_order_relaxed);
    if (log_) log_(LogLevel::error, "the store is away", {{"error", why.message()}});
}

void Broker::back() {
    away_.store(false, std::memory_order_relaxed);
    if (log_) log_(LogLevel::info, "the store is back", {});
}

void Broker::term_changed(const TermTable& terms) {
    if (log_)
        log_(LogLevel::info, "a term begins", {{"number", std::to_string(terms.running().name.number)}});
}

}  // namespace tidings
