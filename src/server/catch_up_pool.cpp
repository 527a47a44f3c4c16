#include "server/catch_up_pool.hpp"

#include <utility>

namespace tidings {
namespace {

constexpr std::chrono::milliseconds store_retry{250};  // while the store is away

// Nothing is answered at once as long as it lives: who is served meanwhile comes from within the reactor.
class Pause {
public:
    explicit Pause(std::optional<StreamHandle>& at_once)
        : at_once_{at_once}, kept_{std::exchange(at_once, std::nullopt)} {}
    ~Pause() { at_once_ = kept_; }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

private:
    std::optional<StreamHandle>& at_once_;
    const std::optional<StreamHandle> kept_;
};

}  // namespace

CatchUpPool::CatchUpPool(Store& store, StreamReactor& reactor, Snapshot<Registry>& registry,
                         const Limits& limits, LoopHooks hooks)
    : store_{store}, reactor_{reactor}, registry_{registry}, limits_{limits}, hooks_{std::move(hooks)} {}

void CatchUpPool::begin(StreamHandle handle, CatchUpRequest request) {
    queue_.push_back({handle, std::move(request)});
    admit();
}

void CatchUpPool::begin_at_once(StreamHandle handle, CatchUpRequest request) {
    thread_ = std::this_thread::get_id();
    at_once_ = handle;
    begin(handle, std::move(request));
    at_once_.reset();
}

// Goes on with what a store has answered, on the loop: now if it is this stream's moment, else in its turn.
template <class Work>
void CatchUpPool::answer(StreamHandle handle, Work work) {
    if (on_loop() && at_once_ == handle) return work();
    hooks_.post(std::move(work));
}

void CatchUpPool::admit() {
    // A stream that is through at once asks again from within.
    if (std::exchange(admitting_, true)) return;
    while (!queue_.empty() && active_.size() < limits_.catching_up) {
        Waiting next = std::move(queue_.front());
        queue_.pop_front();
        if (reactor_.state(next.handle) != StreamState::catching_up) continue;
        ++counters_.started;
        auto active = std::make_unique<Active>(Active{
            next.handle, CatchUp{std::move(next.request), registry_.take(), limits_}, reactor_.hold()});
        const auto first = active->machine.start();
        active_.insert_or_assign(key_of(next.handle), std::move(active));
        // One that fell behind is watched already.
        if (reactor_.watched(next.handle)) {
            perform(next.handle, first);
        } else {
            watch(next.handle);
        }
    }
    admitting_ = false;
}

// Its hold begins when live entries of all its audiences arrive for certain.
void CatchUpPool::watch(StreamHandle handle) {
    if (find(handle) == nullptr) return;
    auto audiences = reactor_.audiences_of(handle);
    store_.watch(audiences, [this, handle, audiences](const Result<void>& done) mutable {
        answer(handle, [this, handle, audiences = std::move(audiences), watched = done.has_value()] {
            if (watched && !reactor_.note_watched(handle)) return store_.unwatch(audiences);
            Active* active = find(handle);
            if (active == nullptr) return;
            if (watched) return perform(handle, active->machine.start());
            ++counters_.retried;
            hooks_.later(store_retry, [this, handle] { watch(handle); });
        });
    });
}

CatchUpPool::Active* CatchUpPool::find(StreamHandle handle) {
    const auto at = active_.find(key_of(handle));
    return at == active_.end() ? nullptr : at->second.get();
}

bool CatchUpPool::asks_store(StreamHandle handle) const {
    const auto at = active_.find(key_of(handle));
    return at != active_.end() && !at->second->sending;
}

void CatchUpPool::perform(StreamHandle handle, CatchUp::Action action) {
    Active* active = find(handle);
    if (active == nullptr) return;
    using Kind = CatchUp::Action::Kind;
    switch (action.kind) {
        case Kind::ask_bound: active->hold = reactor_.hold(); return ask_bound(handle);
        case Kind::find: return search(handle, std::move(action));
        case Kind::read: return read(handle, std::move(action.read));
        case Kind::send: {
            const Pause pause{at_once_};
            active->sending = true;
            const bool left = reactor_.write(handle, std::move(action.frames), action.prefix);
            if (left) sent(handle);
            return;  // otherwise drained() or forget() comes
        }
        case Kind::go_live: return go_live(handle, std::move(action));
        case Kind::finish: {
            const Pause pause{at_once_};
            reactor_.note_closed(active->machine.closed());
            done(handle);
            return reactor_.finish(handle, std::move(action.frames));
        }
    }
}

void CatchUpPool::ask_bound(StreamHandle handle) {
    bound([this, handle](const Result<Bound>& bound) {
        Active* active = find(handle);
        if (active == nullptr) return;
        if (bound) return perform(handle, active->machine.on_bound(*bound));
        ++counters_.retried;
        hooks_.later(store_retry, [this, handle] { ask_bound(handle); });
    });
}

void CatchUpPool::bound(Callback<void(const Result<Bound>&)> done) {
    bound_waiters_.push_back(std::move(done));
    if (!bound_in_flight_) send_bound_request();
}

// One in flight; whoever asks meanwhile waits for the next, since the one under way may be older than their
// hold.
void CatchUpPool::send_bound_request() {
    bound_in_flight_ = true;
    ++counters_.bounds;
    // Shared because std::function-like posts must own the waiters until the answer is back on the loop.
    auto waiters = std::make_shared<BoundWaiters>(std::move(bound_waiters_));
    bound_waiters_.clear();
    store_.bound([this, waiters](Result<Bound> bound) {
        if (on_loop() && at_once_) return take_bound(*waiters, bound);
        hooks_.post([this, waiters, bound = std::move(bound)] { take_bound(*waiters, bound); });
    });
}

void CatchUpPool::take_bound(BoundWaiters& waiters, const Result<Bound>& bound) {
    {
        const Pause pause{at_once_};
        // Everything at or before the bound was handed to the inbox before this answer.
        hooks_.take_inbox();
    }
    bound_in_flight_ = false;
    for (auto& waiter : waiters) waiter(bound);
    if (!bound_waiters_.empty() && !bound_in_flight_) send_bound_request();
}

void CatchUpPool::read(StreamHandle handle, ReadRequest request) {
    ++counters_.pages;
    store_.read(std::move(request), [this, handle](Result<std::vector<LogPage>> pages) {
        answer(handle, [this, handle, pages = std::move(pages)]() mutable {
            Active* reader = find(handle);
            if (reader == nullptr) return;
            if (!pages) return read_failed(handle);
            perform(handle, reader->machine.on_pages(std::move(*pages)));
        });
    });
}

void CatchUpPool::search(StreamHandle handle, CatchUp::Action action) {
    std::vector<Audience> logs;
    for (auto& log : action.read.logs) logs.push_back(std::move(log.audience));
    store_.find(std::move(logs), action.id, [this, handle](Result<std::optional<Position>> found) {
        answer(handle, [this, handle, found = std::move(found)] {
            Active* seeker = find(handle);
            if (seeker == nullptr) return;
            if (!found) return read_failed(handle);
            perform(handle, seeker->machine.on_found(*found));
        });
    });
}

// The term may have changed meanwhile, so a new bound comes first.
void CatchUpPool::read_failed(StreamHandle handle) {
    ++counters_.retried;
    hooks_.later(store_retry, [this, handle] {
        if (Active* reader = find(handle)) perform(handle, reader->machine.on_read_failed());
    });
}

void CatchUpPool::sent(StreamHandle handle) {
    // A stream may also have room again after a heartbeat, while its machine waits for pages.
    Active* sender = find(handle);
    if (sender == nullptr || !std::exchange(sender->sending, false)) return;
    // Through the loop, so that one long replay lets others have their turn.
    hooks_.post([this, handle] {
        if (Active* active = find(handle)) perform(handle, active->machine.on_sent());
    });
}

void CatchUpPool::drained(StreamHandle handle) { sent(handle); }

void CatchUpPool::go_live(StreamHandle handle, CatchUp::Action action) {
    const Pause pause{at_once_};
    Active* active = find(handle);
    reactor_.note_closed(active->machine.closed());
    if (!reactor_.go_live(handle, active->hold, std::move(action.frames), action.prefix)) {
        active = find(handle);
        if (active != nullptr) perform(handle, active->machine.on_hold_lost());
        return;
    }
    done(handle);
}

void CatchUpPool::done(StreamHandle handle) {
    if (Active* active = find(handle)) {
        ++counters_.finished;
        counters_.replayed += active->machine.replayed();
        counters_.gaps += active->machine.gaps();
        active_.erase(key_of(handle));
    }
    admit();
}

std::vector<StreamHandle> CatchUpPool::note_foreign_lost() {
    std::vector<StreamHandle> told;
    for (auto& [key, active] : active_) {
        active->machine.on_foreign_lost();
        told.push_back(active->handle);
    }
    for (auto& waiting : queue_) {
        waiting.request.foreign_lost = true;
        told.push_back(waiting.handle);
    }
    return told;
}

void CatchUpPool::forget(StreamHandle handle) {
    if (active_.erase(key_of(handle)) > 0) return admit();
    // Else those who come and go while the store is away would pile up.
    if (queue_.empty() || ++gone_ * 2 < queue_.size()) return;
    gone_ = 0;
    std::erase_if(queue_, [this](const Waiting& waiting) {
        return reactor_.state(waiting.handle) != StreamState::catching_up;
    });
}

}  // namespace tidings
