#include "broker/broker.hpp"

#include "event/conflation_key.hpp"
#include "fanout/control_events.hpp"

#include <cstdlib>
#include <optional>

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
    const auto* type = registry.find(entry.type);
    if (type != nullptr) item.slow_reader = type->slow_reader;
    // An entry may be older than the registry, or another system's.
    const auto index = type != nullptr && type->category == entry.category
                           ? std::optional{type->category_index}
                           : registry.category_index(entry.category);
    item.category = index ? CategoryMask{1} << *index : CategoryMask{0};
    if (type != nullptr && type->slow_reader == SlowReader::conflate && !entry.foreign) {
        // Another system's event may come late, behind one that it must not take the place of. One of ours
        // may have been stored by a publisher that has no registry.
        const auto key = conflation_key(type, entry.key, entry.data, limits_);
        if (!key.empty()) item.identity = std::make_shared<const std::string>(entry.type + '\n' + key);
    }
    const bool names_itself = entry.retained && !entry.id().nil();
    item.frame = frame_of(entry, names_itself ? WithId::yes : WithId::no);
    if (entry.foreign && entry.retained && item.frame) {
        const auto late = names_itself ? frame_of(entry, WithId::no) : item.frame;
        item.foreign = std::make_shared<const ForeignEvent>(ForeignEvent{entry.position, late});
    }
    return item;
}

FramePtr Broker::frame_of(const Entry& entry, WithId with_id) const {
    auto frame = Frame::encode(EventParts{entry.id(), entry.type, entry.data}, with_id, limits_);
    if (frame) return std::move(*frame);
    if (log_)
        log_(LogLevel::error, "an event could not be encoded",
             {{"type", entry.type}, {"error", frame.error().message()}});
    return nullptr;
}

// In the inboxes' order: what was handed in before is delivered first.
void Broker::broken(LinkBreak kind) {
#ifdef TIDINGS_BREAK_REREAD  // only in the program that the chaos checker must find to be wrong
    if (std::getenv("TIDINGS_BREAK_RULE") != nullptr) return;
#endif
    auto live = std::make_shared<LiveBatch>();
    live->broken = true;
    live->foreign_lost = kind == LinkBreak::foreign_lost;
    const LiveBatchPtr shared = std::move(live);
    for (Inbox* inbox : inboxes_) inbox->push(shared);
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
