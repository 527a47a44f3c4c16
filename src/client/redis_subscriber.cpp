#include "client/redis_settings.hpp"
#include "client/subscriber_core.hpp"

#include <tidings/redis.hpp>

namespace tidings {

using detail::SubscriberCore;
using detail::SubscriptionState;

std::string_view name_of(MissedCause cause) noexcept {
    switch (cause) {
        case MissedCause::unknown_id: return "unknown_id";
        case MissedCause::trimmed: return "trimmed";
        case MissedCause::store_reset: return "store_reset";
        case MissedCause::retention_off: return "retention_off";
        case MissedCause::store_away: break;
    }
    return "store_away";
}

namespace {

bool wait_until_live(SubscriptionState& state, std::chrono::milliseconds timeout) {
    std::unique_lock lock{state.mutex};
    state.changed.wait_for(lock, timeout, [&] { return state.live || state.ended; });
    return state.live;
}

}  // namespace

// ---- Subscription

Subscription::Subscription() noexcept = default;
Subscription::Subscription(std::weak_ptr<SubscriberCore> core, std::shared_ptr<SubscriptionState> state)
    : core_{std::move(core)}, state_{std::move(state)} {}
Subscription::Subscription(Subscription&&) noexcept = default;
Subscription& Subscription::operator=(Subscription&& other) noexcept {
    if (this == &other) return *this;
    cancel();
    core_ = std::move(other.core_);
    state_ = std::move(other.state_);
    return *this;
}
Subscription::~Subscription() { cancel(); }

void Subscription::cancel() noexcept {
    const auto core = core_.lock();
    if (core && state_) core->cancel_and_wait(state_);
}

bool Subscription::wait_live(std::chrono::milliseconds timeout) const {
    return state_ && wait_until_live(*state_, timeout);
}

// ---- EventStream

EventStream::EventStream(std::weak_ptr<SubscriberCore> core, std::shared_ptr<SubscriptionState> state,
                         const EventStreamOptions& options)
    : core_{std::move(core)}, state_{std::move(state)}, idle_{options.idle} {
    if (!options.stop.stop_possible()) return;
    const auto stop_both = [where = core_, what = std::weak_ptr{state_}] {
        const auto held = where.lock();
        const auto stopped = what.lock();
        if (held && stopped) held->cancel_soon(stopped);
    };
    on_stop_ = std::make_unique<std::stop_callback<std::function<void()>>>(options.stop, stop_both);
}

EventStream::EventStream(EventStream&&) noexcept = default;
EventStream& EventStream::operator=(EventStream&& other) noexcept {
    if (this == &other) return *this;
    stop();
    core_ = std::move(other.core_);
    state_ = std::move(other.state_);
    idle_ = other.idle_;
    on_stop_ = std::move(other.on_stop_);
    current_ = std::move(other.current_);
    return *this;
}
EventStream::~EventStream() { stop(); }

void EventStream::stop() noexcept {
    const auto core = core_.lock();
    if (core && state_) core->cancel_soon(state_);
}

Result<SubscriberEvent> EventStream::next(std::chrono::milliseconds timeout) {
    const auto core = core_.lock();
    if (!core) return Error{Errc::cancelled, "the subscriber ended"};
    return core->take(state_, timeout);
}

void EventStream::next(std::function<void(Result<SubscriberEvent>)> done) {
    if (const auto core = core_.lock()) return core->take_later(state_, std::move(done));
    done(Error{Errc::cancelled, "the subscriber ended"});
}

bool EventStream::wait_live(std::chrono::milliseconds timeout) const {
    return state_ && wait_until_live(*state_, timeout);
}

EventStream::Iterator EventStream::begin() {
    advance();
    return Iterator{this};
}

void EventStream::advance() {
    current_.reset();
    const auto core = core_.lock();
    if (!core) return;
    auto next = core->take(state_, idle_.count() > 0 ? std::optional{idle_} : std::nullopt);
    if (next) current_ = *std::move(next);
}

// ---- RedisSubscriber

Result<RedisSubscriber> RedisSubscriber::create(RedisSubscriberOptions options) {
    if (!options.registry) {
        return Error{Errc::invalid_field, "a subscriber needs a registry: it names the types that may come"};
    }
    if (options.queue_events == 0 || options.queue_bytes == 0 || options.missed_events == 0) {
        return Error{Errc::invalid_field, "the subscriber's queues have room for nothing"};
    }
    auto store = redis_options(options.redis, options.registry, options.log);
    if (!store) return store.error();
    store->use = RedisStoreOptions::Use::subscriber;
    auto core = std::make_shared<SubscriberCore>(std::move(options), make_redis_store(*std::move(store)));
    core->start();
    return RedisSubscriber{std::move(core)};
}

RedisSubscriber::RedisSubscriber(std::shared_ptr<SubscriberCore> core) : core_{std::move(core)} {}
RedisSubscriber::RedisSubscriber(RedisSubscriber&&) noexcept = default;
RedisSubscriber& RedisSubscriber::operator=(RedisSubscriber&& other) noexcept {
    if (this == &other) return *this;
    if (core_) core_->end();
    core_ = std::move(other.core_);
    return *this;
}
RedisSubscriber::~RedisSubscriber() {
    if (core_) core_->end();
}

Subscription RedisSubscriber::subscribe(const UserId& user, const CategoryFilter& categories,
                                        SubscriberCallbacks callbacks, SubscribeFrom from) {
    if (!callbacks.event) callbacks.event = [](const SubscriberEvent&) {};
    return {core_, core_->subscribe(user, categories, std::move(callbacks), from)};
}

EventStream RedisSubscriber::events(const UserId& user, const CategoryFilter& categories,
                                    const EventStreamOptions& options) {
    return {core_, core_->subscribe(user, categories, {}, options.from), options};
}

MissedEvents RedisSubscriber::missed_events(const UserId& user, std::string_view last_event_id,
                                            const CategoryFilter& categories) {
    return core_->missed(user, last_event_id, categories);
}
void RedisSubscriber::missed_events(const UserId& user, std::string_view last_event_id,
                                    const CategoryFilter& categories,
                                    std::function<void(MissedEvents)> done) {
    core_->missed(user, last_event_id, categories, std::move(done));
}

RedisSubscriber::Counters RedisSubscriber::counters() const { return core_->counters(); }

}  // namespace tidings
