#pragma once
// Publishing to Redis and reading from it without a hub, side by side with hubs and with the original system.

#include <tidings/config.hpp>
#include <tidings/event.hpp>
#include <tidings/log.hpp>
#include <tidings/publisher.hpp>
#include <tidings/registry.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tidings {

struct RedisPublisherOptions {
    // `url`, and what everybody on one Redis must agree on: prefix, retention, foreign_consumers.
    StoreConfig redis{};
    // With one, types and data are checked and categories filled in; without, any type goes, without
    // category.
    std::shared_ptr<const Registry> registry{};
    std::size_t queue_events = 10'000;  // not yet answered; beyond either bound new events are dropped
    std::size_t queue_bytes = 16 * 1024 * 1024;
    std::chrono::milliseconds give_up_after{60'000};  // attempts for one event end; at most 100 s
    std::chrono::milliseconds shutdown{2'000};        // how long destruction may go on delivering
    LogSink log{};                                    // called on threads of the publisher's
};

// A Publisher (see the concept) straight to Redis: publish() queues and returns at once, whatever Redis does.
// What is queued is stored and announced in order, in batches over one connection, each event's log entry and
// message in one step; batches are repeated after failures under a token that Redis remembers, so that
// nothing doubles. Memory is bounded by the queue; what does not fit is dropped, counted and logged (P-8). An
// event for a user without an id is skipped and counted. Owned by the embedder; every function may be called
// from any thread but the log sink's.
class RedisPublisher {
public:
    struct Counters {
        std::uint64_t queued = 0;   // accepted by publish()
        std::uint64_t sent = 0;     // stored by Redis, or known to it by their idempotency key
        std::uint64_t failed = 0;   // refused, not JSON, or given up
        std::uint64_t dropped = 0;  // the queue was full
        std::uint64_t skipped = 0;  // for no user
        std::uint64_t waiting = 0;  // queued, and neither sent nor failed yet
    };

    // Starts the threads; does not wait for Redis. Fails with Errc::invalid_field where an option is wrong.
    static Result<RedisPublisher> create(RedisPublisherOptions options);
    RedisPublisher(RedisPublisher&&) noexcept;
    RedisPublisher& operator=(RedisPublisher&&) noexcept;
    // Goes on delivering for at most options.shutdown, then counts and logs what is left as failed.
    ~RedisPublisher();

    void publish(const EventDraft& draft) noexcept;
    // The message's user_id is this user's too (the original leaves the event's own there).
    void publish_to_user(const UserId& user, const EventDraft& draft) noexcept;
    void broadcast(const EventDraft& draft) noexcept;

    // Waits until everything queued so far was sent or has failed. False: the time was up before.
    bool flush(std::chrono::milliseconds timeout);
    // The same without waiting: `done` comes once, on the publisher's thread (false: the time was up, or the
    // publisher ended), and must not block.
    void flush(std::chrono::milliseconds timeout, std::function<void(bool)> done);
    Counters counters() const noexcept;

private:
    struct Impl;
    explicit RedisPublisher(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

static_assert(Publisher<RedisPublisher>);

// What a subscription yields: events in order, and where some are missing a Gap in their place. An Event that
// no log keeps has the nil id if it is ours: it is no id to return with.
using SubscriberEvent = std::variant<Event, Gap>;

struct SubscriberCallbacks {
    // All come on the subscriber's thread, one after the other. One that blocks delays all subscriptions of
    // this subscriber (what it cannot take meanwhile it reads from the logs later); one that throws is
    // logged.
    std::function<void(const SubscriberEvent&)> event;
    std::function<void()> live{};               // each time from when on nothing passes unheard
    std::function<void(const Error&)> ended{};  // last of all, once: Errc::cancelled
};

struct SubscribeFrom {
    // Empty: what happens from now on. Else first what came after the event of this id; what an id that
    // cannot be continued from may have cost is told by a Gap first.
    std::string last_event_id{};
};

// Why `missed_events` may not have everything.
enum class MissedCause : std::uint8_t {
    unknown_id,     // no such event is retained; nothing is returned
    trimmed,        // what is retained is returned; events before it are gone
    store_reset,    // Redis lost events since, or is another one; what it still has after them is returned
    retention_off,  // nothing is retained, or not where that id comes from
    store_away      // Redis did not answer in time
};
std::string_view name_of(MissedCause cause) noexcept;

struct MissedEvents {
    std::vector<Event> events;           // oldest first
    std::optional<MissedCause> cause{};  // none: these are all
    bool more = false;                   // the bound was reached: ask again from the last one's id

    bool complete() const noexcept { return !cause && !more; }
};

struct RedisSubscriberOptions {
    StoreConfig redis{};  // as the hubs' and publishers'
    // The types that other systems' events may have, with their categories. Required.
    std::shared_ptr<const Registry> registry{};
    std::size_t queue_events = 1024;  // of one event stream; what does not fit is read from the log later
    std::size_t queue_bytes = 4 * 1024 * 1024;
    std::size_t missed_events = 10'000;         // one answer has at most so many, more or less a page
    std::chrono::milliseconds patience{5'000};  // of missed_events
    LogSink log{};                              // called on threads of the subscriber's
};

namespace detail {
class SubscriberCore;
struct SubscriptionState;
}  // namespace detail

// A subscription with callbacks. Owned by the embedder; may outlive its subscriber.
class Subscription {
public:
    Subscription() noexcept;
    Subscription(Subscription&&) noexcept;
    Subscription& operator=(Subscription&&) noexcept;
    ~Subscription();  // cancels

    // Calls `ended` with Errc::cancelled unless it has ended; afterwards no callback runs nor comes. Waits
    // for one that is running, unless it is called from there.
    void cancel() noexcept;
    // Until nothing passes unheard. False: the time was up, or it has ended.
    bool wait_live(std::chrono::milliseconds timeout) const;

private:
    friend class RedisSubscriber;
    Subscription(std::weak_ptr<detail::SubscriberCore> core,
                 std::shared_ptr<detail::SubscriptionState> state);
    std::weak_ptr<detail::SubscriberCore> core_;
    std::shared_ptr<detail::SubscriptionState> state_;
};

struct EventStreamOptions {
    SubscribeFrom from{};
    std::chrono::milliseconds idle{0};  // the range ends after so long without an event; 0: never
    std::stop_token stop{};             // ends it, as stop() does
};

// A subscription to take events from: one by one, or as a range.
//
//   for (const auto& item : subscriber.events(user)) { ... }
//
// One thread takes; any thread stops. A reader that is slow costs a bounded queue: behind it, events are read
// from the logs when there is room again. Owned by the embedder; may outlive its subscriber.
class EventStream {
public:
    EventStream(EventStream&&) noexcept;
    EventStream& operator=(EventStream&&) noexcept;
    ~EventStream();  // stops

    // The next one. Fails with Errc::timed_out, or Errc::cancelled: it was stopped, or its subscriber ended.
    Result<SubscriberEvent> next(std::chrono::milliseconds timeout);
    // The same without waiting: `done` comes once, on the subscriber's thread; one at a time.
    void next(std::function<void(Result<SubscriberEvent>)> done);
    void stop() noexcept;
    bool wait_live(std::chrono::milliseconds timeout) const;

    class Iterator {
    public:
        using iterator_concept = std::input_iterator_tag;
        using value_type = SubscriberEvent;
        using difference_type = std::ptrdiff_t;

        Iterator() = default;
        explicit Iterator(EventStream* stream) : stream_{stream} {}
        const SubscriberEvent& operator*() const { return *stream_->current_; }
        const SubscriberEvent* operator->() const { return &*stream_->current_; }
        Iterator& operator++() {
            stream_->advance();
            return *this;
        }
        void operator++(int) { stream_->advance(); }
        bool operator==(std::default_sentinel_t) const { return !stream_->current_; }

    private:
        EventStream* stream_ = nullptr;
    };
    // Waits for the first event.
    Iterator begin();
    std::default_sentinel_t end() const noexcept { return {}; }

private:
    friend class RedisSubscriber;
    EventStream(std::weak_ptr<detail::SubscriberCore> core, std::shared_ptr<detail::SubscriptionState> state,
                const EventStreamOptions& options);
    void advance();

    std::weak_ptr<detail::SubscriberCore> core_;
    std::shared_ptr<detail::SubscriptionState> state_;
    std::chrono::milliseconds idle_;
    std::unique_ptr<std::stop_callback<std::function<void()>>> on_stop_;
    std::optional<SubscriberEvent> current_;
};

// A Subscriber (see the concept): the events of users, and what is broadcast, straight from Redis, whoever
// wrote them. All its subscriptions share three connections (D21). After a break of a link each goes on where
// it was, from the logs; what they cannot give back is told by a Gap. Events of other systems come at least
// once if their producer retains them, and live only if it does not. Owned by the embedder; every function
// may be called from any thread; those that wait not from callbacks.
class RedisSubscriber {
public:
    // Starts the threads; does not wait for Redis. Fails with Errc::invalid_field where an option is wrong.
    static Result<RedisSubscriber> create(RedisSubscriberOptions options);
    RedisSubscriber(RedisSubscriber&&) noexcept;
    RedisSubscriber& operator=(RedisSubscriber&&) noexcept;
    // Ends every subscription (Errc::cancelled). Not from a callback.
    ~RedisSubscriber();

    // Names of categories are checked before anything is asked of Redis: CategoryFilter::parse(names,
    // registry).
    Subscription subscribe(const UserId& user, const CategoryFilter& categories,
                           SubscriberCallbacks callbacks, SubscribeFrom from = {});
    EventStream events(const UserId& user, const CategoryFilter& categories = {},
                       const EventStreamOptions& options = {});

    // What came after the event of this id, to the user and to everybody. Waits for at most
    // options.patience.
    MissedEvents missed_events(const UserId& user, std::string_view last_event_id,
                               const CategoryFilter& categories = {});
    // The same without waiting: `done` comes once, on the subscriber's thread.
    void missed_events(const UserId& user, std::string_view last_event_id, const CategoryFilter& categories,
                       std::function<void(MissedEvents)> done);

    struct Counters {
        std::uint64_t subscriptions = 0;  // now
        std::uint64_t events = 0;         // given to them
        std::uint64_t gaps = 0;
        std::uint64_t unreadable = 0;  // messages and entries that were passed over
        std::uint64_t reconnects = 0;  // links that were made again
    };
    Counters counters() const;

private:
    explicit RedisSubscriber(std::shared_ptr<detail::SubscriberCore> core);
    // Shared with handles, which may outlive it.
    std::shared_ptr<detail::SubscriberCore> core_;
};

// Structural typing: any type with these operations is a subscriber.
template <class S>
concept Subscriber = requires(S subscriber, const UserId& user, const CategoryFilter& categories,
                              SubscriberCallbacks callbacks, std::string_view id) {
    subscriber.subscribe(user, categories, callbacks);
    subscriber.events(user, categories);
    { subscriber.missed_events(user, id, categories) } -> std::same_as<MissedEvents>;
};

static_assert(Subscriber<RedisSubscriber>);

}  // namespace tidings
