#pragma once
// Between the store and the shards: appends go in, frames come out, in position order.

#include "fanout/live_item.hpp"
#include "net/inbox.hpp"
#include "net/snapshot.hpp"
#include "store/store.hpp"

#include <tidings/log.hpp>
#include <tidings/registry.hpp>

#include <atomic>
#include <memory>
#include <vector>

namespace tidings {

// Listens to the store. Appending and handing to every shard's inbox is one serialised step of the store's,
// in position order; each entry is encoded once, there. Publishing may be called from any thread. Outlives
// the store.
class Broker final : public StoreListener {
public:
    Broker(Snapshot<Registry>& registry, const Limits& limits, LogSink log)
        : registry_{registry}, limits_{limits}, log_{std::move(log)} {}

    // Before the store is opened. Inboxes outlive the store.
    void attach(Inbox* inbox) { inboxes_.push_back(inbox); }

    // What the store tells.
    void entries(std::span<const Entry> batch) override;
    void broken(LinkBreak kind) override;
    void away(const Error& why) override;
    void back() override;
    void term_changed(const TermTable& terms) override;

    bool store_away() const noexcept { return away_.load(std::memory_order_relaxed); }
    std::uint64_t published() const noexcept { return published_.load(std::memory_order_relaxed); }

private:
    LiveItem live_item(const Entry& entry, const Registry& registry) const;
    FramePtr frame_of(const Entry& entry, WithId with_id) const;

    Snapshot<Registry>& registry_;
    const Limits limits_;
    LogSink log_;
    std::vector<Inbox*> inboxes_;
    std::atomic<bool> away_{false};
    std::atomic<std::uint64_t> published_{0};
};

}  // namespace tidings
