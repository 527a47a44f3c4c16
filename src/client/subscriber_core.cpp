#include "client/subscriber_core.hpp"

#include "base/assert.hpp"
#include "client/redis_settings.hpp"

#include <algorithm>
#include <future>

namespace tidings::detail {
namespace {

constexpr std::chrono::milliseconds store_retry{250};
constexpr std::size_t reads_at_once = 64;  // a thousand that catch up do not starve what is live (D13)

std::chrono::milliseconds checkpoint_period(const RetentionPolicy& retention) {
    const auto age = std::min(retention.user.age, retention.broadcast.age) / 4;
    return std::clamp<std::chrono::milliseconds>(std::chrono::duration_cast<std::chrono::milliseconds>(age),
                                                 std::chrono::seconds{1}, std::chrono::minutes{15});
}

}  // namespace

SubscriberCore::SubscriberCore(RedisSubscriberOptions options, std::unique_ptr<Store> store)
    : options_{std::move(options)}, store_{std::move(store)} {}

SubscriberCore::~SubscriberCore() = default;

void SubscriberCore::start() {
    loop_.post([this] {
        const auto opened = store_->open(this);
        if (!opened) {
            log_line(options_.log, LogLevel::error, "the subscriber cannot use Redis",
                     {{"error", opened.error().message()}});
        }
        loop_.every(checkpoint_period(options_.redis.retention), [this] { checkpoint(); });
    });
    thread_ = std::thread{[this] { loop_.run(); }};
    thread_id_ = thread_.get_id();
}

void SubscriberCore::end() {
    TIDINGS_ASSERT(!on_thread());
    std::promise<void> ended;
    {
        const std::lock_guard lock{mutex_};
        if (std::exchange(closed_, true)) return;
        loop_.post([&] {
            const Error why{Errc::cancelled, "the subscriber ended"};
            while (!subscriptions_.empty()) finish(State{subscriptions_.begin()->second}, why);
            while (!queries_.empty()) answer(queries_.begin()->first, MissedCause::store_away);
            ended.set_value();
        });
    }
    ended.get_future().wait();
    store_->close();
    loop_.post([this] { loop_.stop(); });
    thread_.join();
}

// False: it has ended, and nothing runs any more.
bool SubscriberCore::post(Callback<void()> work) {
    const std::lock_guard lock{mutex_};
    if (closed_) return false;
    loop_.post(std::move(work));
    return true;
}

// What an embedder's callback throws must not end the thread.
void SubscriberCore::guarded(const std::function<void()>& callback) noexcept {
    try {
        callback();
    } catch (const std::exception& error) {
        log_line(options_.log, LogLevel::error, "a callback of a subscription threw",
                 {{"error", error.what()}});
    } catch (...) {
        log_line(options_.log, LogLevel::error, "a callback of a subscription threw", {});
    }
}

// ---- from any thread

SubscriberCore::State SubscriberCore::subscribe(const UserId& user, const CategoryFilter& categories,
                                                SubscriberCallbacks callbacks, const SubscribeFrom& from) {
    FollowRequest request;
    request.logs = {Audience::user(user), Audience::broadcast()};
    request.cursor = from.last_event_id;
    request.foreign = store_->foreign();
    request.page_events = std::max<std::size_t>(1, std::min<std::size_t>(64, options_.queue_events));
    request.held_events = options_.queue_events;
    auto state = std::make_shared<SubscriptionState>(user, categories, std::move(request));
    state->callbacks = std::move(callbacks);
    if (!post([this, state] { begin(state); })) state->ended = Error{Errc::cancelled, "the subscriber ended"};
    return state;
}

void SubscriberCore::cancel_and_wait(const State& state) noexcept {
    const Error why{Errc::cancelled, "the subscription was cancelled"};
    if (on_thread()) return finish(state, why);
    // Without a thread to end it, the subscriber's own end does.
    post([this, state, why] { finish(state, why); });
    std::unique_lock lock{state->mutex};
    state->changed.wait(lock, [&] { return state->ended.has_value(); });
}

void SubscriberCore::cancel_soon(const State& state) noexcept {
    const Error why{Errc::cancelled, "the stream was stopped"};
    {
        const std::lock_guard lock{state->mutex};
        if (state->ended) return;
        state->ended = why;
        state->queue.clear();
        state->live = false;
        state->changed.notify_all();
    }
    post([this, state, why] { finish(state, why); });
}

// Under the state's lock; the queue is not empty.
SubscriberEvent SubscriberCore::pop(const State& state) {
    auto [event, bytes] = std::move(state->queue.front());
    state->queue.pop_front();
    state->bytes -= bytes;
    const bool room =
        state->queue.size() <= options_.queue_events / 2 && state->bytes <= options_.queue_bytes / 2;
    if (room && std::exchange(state->starved, false)) post([this, state] { this->room(state); });
    return std::move(event);
}

Result<SubscriberEvent> SubscriberCore::take(const State& state,
                                             std::optional<std::chrono::milliseconds> timeout) {
    std::unique_lock lock{state->mutex};
    const auto something = [&] { return state->ended || !state->queue.empty(); };
    if (timeout) {
        if (!state->changed.wait_for(lock, *timeout, something))
            return Error{Errc::timed_out, "no event came"};
    } else {
        state->changed.wait(lock, something);
    }
    if (state->ended) return *state->ended;
    return pop(state);
}

void SubscriberCore::take_later(const State& state, std::function<void(Result<SubscriberEvent>)> done) {
    std::optional<Result<SubscriberEvent>> answer;
    {
        const std::lock_guard lock{state->mutex};
        if (state->ended) {
            answer = Result<SubscriberEvent>{*state->ended};
        } else if (state->waiter) {
            answer =
                Result<SubscriberEvent>{Error{Errc::overloaded, "another call waits for the next event"}};
        } else if (!state->queue.empty()) {
            answer = Result<SubscriberEvent>{pop(state)};
        } else {
            state->waiter = std::move(done);
            return;
        }
    }
    const bool posted = post([this, done, answer]() mutable { guarded([&] { done(*std::move(answer)); }); });
    if (!posted) guarded([&] { done(Error{Errc::cancelled, "the subscriber ended"}); });
}

RedisSubscriber::Counters SubscriberCore::counters() const {
    const auto figures = store_->figures();
    return {count_.load(), events_.load(), gaps_.load(), figures.ignored_messages, figures.reconnects};
}

// ---- subscriptions, on the thread

SubscriberCore::State SubscriberCore::find(std::uint64_t id) const {
    const auto at = subscriptions_.find(id);
    return at == subscriptions_.end() ? nullptr : at->second;
}

void SubscriberCore::begin(const State& state) {
    if (state->over) return;
    state->id = next_id_++;
    subscriptions_.emplace(state->id, state);
    by_user_[state->user.text()].push_back(state.get());
    count_.store(subscriptions_.size());
    store_->watch(state->logs, [this, state](const Result<void>& watched) {
        loop_.post([this, state, good = watched.has_value()] {
            if (!good) return;  // the store was closed
            if (state->over) return store_->unwatch(state->logs);
            state->watched = true;
            perform(state, state->follower.start());
        });
    });
}

void SubscriberCore::finish(const State& state, const Error& why) noexcept {
    if (std::exchange(state->over, true)) return;
    if (state->watched) store_->unwatch(state->logs);
    const auto at = by_user_.find(state->user.text());
    if (at != by_user_.end()) {
        std::erase(at->second, state.get());
        if (at->second.empty()) by_user_.erase(at);
    }
    subscriptions_.erase(state->id);
    count_.store(subscriptions_.size());
    if (state->callbacks.ended) guarded([&] { state->callbacks.ended(why); });
    std::function<void(Result<SubscriberEvent>)> waiter;
    {
        const std::lock_guard lock{state->mutex};
        if (!state->ended) state->ended = why;
        state->live = false;
        state->queue.clear();
        waiter = std::exchange(state->waiter, {});
        state->changed.notify_all();
    }
    if (waiter) guarded([&] { waiter(why); });
}

void SubscriberCore::perform(const State& state, Follower::Action action) {
    give(state);
    if (state->over || state->follower.is_behind()) return;
    using Kind = Follower::Action::Kind;
    switch (action.kind) {
        case Kind::none: return;
        case Kind::ask_bound: return ask_bound(state);
        case Kind::live: return note_live(*state);
        case Kind::read: {
            state->to_read = std::move(action.read);
            const std::lock_guard lock{state->mutex};
            if (!has_room(*state)) {
                state->starved = true;
                return;
            }
            break;
        }
        case Kind::find: {
            std::vector<Audience> logs;
            for (auto& log : action.read.logs) logs.push_back(std::move(log.audience));
            store_->find(std::move(logs), action.id,
                         [this, state, epoch = state->epoch](const Result<std::optional<Position>>& found) {
                             loop_.post([this, state, epoch, found] {
                                 if (state->over || state->epoch != epoch) return;
                                 if (!found) return retry(state);
                                 perform(state, state->follower.on_found(*found));
                             });
                         });
            return;
        }
    }
    read_in_turn(state);
}

void SubscriberCore::ask_bound(const State& state) {
    state->to_read.reset();
    const auto epoch = ++state->epoch;
    store_->bound([this, state, epoch](const Result<Bound>& bound) {
        loop_.post([this, state, epoch, bound] {
            // Everything at or before the bound was handed over before this answer.
            take_inbox();
            if (state->over || state->epoch != epoch) return;
            if (!bound) return retry(state);
            perform(state, state->follower.on_bound(*bound));
        });
    });
}

void SubscriberCore::read_in_turn(const State& state) {
    reads_.push_back(state->id);
    start_reads();
}

void SubscriberCore::start_reads() {
    while (!reads_.empty() && reading_ < reads_at_once) {
        const auto state = find(reads_.front());
        reads_.pop_front();
        if (!state || !state->to_read) continue;
        ++reading_;
        auto request = *std::exchange(state->to_read, std::nullopt);
        store_->read(std::move(request),
                     [this, state, epoch = state->epoch](Result<std::vector<LogPage>> pages) {
                         loop_.post([this, state, epoch, pages = std::move(pages)]() mutable {
                             --reading_;
                             start_reads();
                             if (state->over || state->epoch != epoch) return;
                             if (!pages) return retry(state);
                             perform(state, state->follower.on_pages(*std::move(pages)));
                         });
                     });
    }
}

void SubscriberCore::retry(const State& state) {
    retrying_.emplace_back(state->id, state->epoch);
    if (std::exchange(retry_timer_, true)) return;
    loop_.later(store_retry, [this] {
        retry_timer_ = false;
        run_retries();
    });
}

void SubscriberCore::run_retries() {
    for (const auto& [id, epoch] : std::exchange(retrying_, {})) {
        const auto state = find(id);
        if (state && state->epoch == epoch) perform(state, state->follower.on_failed());
    }
}

// The reader has taken enough.
void SubscriberCore::room(const State& state) {
    if (state->over) return;
    if (state->follower.is_behind()) {
        const auto action = state->follower.resume();
        return perform(state, action);
    }
    if (state->to_read) read_in_turn(state);
}

void SubscriberCore::note_live(SubscriptionState& state) {
    {
        const std::lock_guard lock{state.mutex};
        state.live = true;
        state.changed.notify_all();
    }
    if (state.callbacks.live) guarded(state.callbacks.live);
}

// A quiet reader must not fall out of the logs that it would resume from.
void SubscriberCore::checkpoint() {
    if (subscriptions_.empty()) return;
    store_->bound([this](const Result<Bound>& bound) {
        loop_.post([this, bound] {
            take_inbox();
            if (!bound) return;
            for (const auto& [id, state] : subscriptions_) state->follower.checkpoint(*bound);
        });
    });
}

// ---- what a subscription gives

std::optional<Event> SubscriberCore::event_of(Entry entry, const CategoryFilter& categories) const {
    Event event;
    // An id of ours that stands in no log would resume at another event.
    if (entry.foreign || entry.retained) event.id = entry.id();
    event.category = std::move(entry.category);
    if (event.category.empty()) {  // published without a registry
        if (const auto* type = options_.registry->find(entry.type)) event.category = type->category;
    }
    if (!categories.matches(event.category)) return std::nullopt;
    event.type = std::move(entry.type);
    event.audience = std::move(entry.audience);
    event.data = std::move(entry.data);
    event.occurred_at = entry.occurred_at;
    event.key = std::move(entry.key);
    return event;
}

void SubscriberCore::give(const State& state) {
    auto items = state->follower.take();
    if (items.empty() || state->over) return;
    if (state->callbacks.event) {
        give_callbacks(*state, std::move(items));
    } else {
        give_queue(state, std::move(items));
    }
}

void SubscriberCore::give_callbacks(SubscriptionState& state, std::vector<Follower::Item> items) {
    for (auto& item : items) {
        if (state.over) return;  // cancelled by the callback before
        std::optional<SubscriberEvent> event;
        if (auto* entry = std::get_if<Entry>(&item)) {
            auto visible = event_of(std::move(*entry), state.categories);
            if (!visible) continue;
            ++events_;
            event = *std::move(visible);
        } else {
            ++gaps_;
            event = std::get<Gap>(item);
        }
        guarded([&] { state.callbacks.event(*event); });
    }
}

// Under the state's lock.
bool SubscriberCore::has_room(const SubscriptionState& state) const {
    return state.queue.size() < options_.queue_events && state.bytes < options_.queue_bytes;
}

void SubscriberCore::give_queue(const State& state, std::vector<Follower::Item> items) {
    std::function<void(Result<SubscriberEvent>)> waiter;
    std::optional<SubscriberEvent> next;
    {
        const std::lock_guard lock{state->mutex};
        if (state->ended) return;
        const bool live = state->follower.is_live();
        for (std::size_t i = 0; i < items.size(); ++i) {
            // While it reads a log it asks only when there is room, so a page always fits, more or less.
            if (live && !has_room(*state)) {
                state->follower.fall_behind(std::span{items}.subspan(i));
                state->starved = true;
                state->live = false;
                ++state->epoch;
                break;
            }
            if (auto* entry = std::get_if<Entry>(&items[i])) {
                const auto bytes = bytes_of(*entry);
                auto visible = event_of(std::move(*entry), state->categories);
                if (!visible) continue;
                ++events_;
                state->bytes += bytes;
                state->queue.emplace_back(*std::move(visible), bytes);
            } else {
                ++gaps_;
                state->queue.emplace_back(std::get<Gap>(items[i]), 0);
            }
        }
        if (state->waiter && !state->queue.empty()) {
            waiter = std::exchange(state->waiter, {});
            next = pop(state);
        }
        state->changed.notify_all();
    }
    if (waiter) guarded([&] { waiter(*std::move(next)); });
}

}  // namespace tidings::detail
