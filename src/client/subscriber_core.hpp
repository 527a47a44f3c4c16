#pragma once
// What a RedisSubscriber is: one store, one thread on which all its subscriptions live, and their queues.

#include "client/follower.hpp"
#include "net/loop.hpp"
#include "store/store.hpp"

#include <tidings/redis.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

namespace tidings::detail {

// One subscription. Shared between the subscriber's thread and the handle, which may outlive the subscriber:
// what stands below the mutex belongs to both, the rest to the thread.
struct SubscriptionState {
    SubscriptionState(UserId who, CategoryFilter which, FollowRequest request)
        : user{std::move(who)},
          categories{std::move(which)},
          logs{request.logs},
          follower{std::move(request)} {}

    const UserId user;
    const CategoryFilter categories;
    const std::vector<Audience> logs;
    SubscriberCallbacks callbacks{};  // empty `event`: events are taken from the queue
    std::uint64_t id = 0;
    Follower follower;
    std::uint64_t epoch = 0;  // answers to what was asked before a break no longer count
    bool watched = false;
    bool over = false;
    std::optional<ReadRequest> to_read{};  // waits for room, or for its turn

    std::mutex mutex{};
    std::condition_variable changed{};
    std::deque<std::pair<SubscriberEvent, std::size_t>> queue{};  // with their bytes
    std::size_t bytes = 0;
    bool starved = false;  // the thread waits for room
    bool live = false;
    std::optional<Error> ended{};
    std::function<void(Result<SubscriberEvent>)> waiter{};  // takes the next one
};

// What an entry counts against the bound of a queue.
std::size_t bytes_of(const Entry& entry);

// Made shared: handles ask for it, and find it gone. Destroyed after end(), which its owner calls.
class SubscriberCore final : public StoreListener, public std::enable_shared_from_this<SubscriberCore> {
public:
    using State = std::shared_ptr<SubscriptionState>;

    SubscriberCore(RedisSubscriberOptions options, std::unique_ptr<Store> store);
    ~SubscriberCore();
    void start();
    void end();

    // From any thread.
    State subscribe(const UserId& user, const CategoryFilter& categories, SubscriberCallbacks callbacks,
                    const SubscribeFrom& from);
    void cancel_and_wait(const State& state) noexcept;
    void cancel_soon(const State& state) noexcept;
    Result<SubscriberEvent> take(const State& state, std::optional<std::chrono::milliseconds> timeout);
    void take_later(const State& state, std::function<void(Result<SubscriberEvent>)> done);
    MissedEvents missed(const UserId& user, std::string_view id, const CategoryFilter& categories);
    void missed(const UserId& user, std::string_view id, const CategoryFilter& categories,
                std::function<void(MissedEvents)> done);
    RedisSubscriber::Counters counters() const;

    // What the store tells, on its thread.
    void entries(std::span<const Entry> batch) override;
    void broken(LinkBreak kind) override;
    void away(const Error& why) override;
    void back() override;
    void term_changed(const TermTable&) override {}

private:
    struct Query {
        Query(FollowRequest request, CategoryFilter which, std::function<void(MissedEvents)> answer)
            : follower{std::move(request)}, categories{std::move(which)}, done{std::move(answer)} {}
        Follower follower;
        CategoryFilter categories;
        std::function<void(MissedEvents)> done;
        MissedEvents found{};
    };
    using Inbound = std::variant<Entry, LinkBreak>;

    bool post(Callback<void()> work);
    bool on_thread() const noexcept { return std::this_thread::get_id() == thread_id_; }
    void guarded(const std::function<void()>& callback) noexcept;

    void begin(const State& state);
    void finish(const State& state, const Error& why) noexcept;
    void perform(const State& state, Follower::Action action);
    void ask_bound(const State& state);
    void read_in_turn(const State& state);
    void start_reads();
    void retry(const State& state);
    void run_retries();
    bool has_room(const SubscriptionState& state) const;
    SubscriberEvent pop(const State& state);
    void give(const State& state);
    void give_callbacks(SubscriptionState& state, std::vector<Follower::Item> items);
    void give_queue(const State& state, std::vector<Follower::Item> items);
    void note_live(SubscriptionState& state);
    void room(const State& state);
    void checkpoint();
    std::optional<Event> event_of(Entry entry, const CategoryFilter& categories) const;

    void receive(Inbound what, std::size_t bytes);
    void take_inbox();
    void take_entry(const Entry& entry);
    void take_break(LinkBreak kind, const std::map<std::string, std::uint64_t>& dropped);
    State find(std::uint64_t id) const;

    void step(std::uint64_t query, Follower::Action action);
    void collect(std::uint64_t query);
    void answer(std::uint64_t query, std::optional<MissedCause> cause);

    const RedisSubscriberOptions options_;
    const std::unique_ptr<Store> store_;
    Loop loop_;

    // of the thread
    std::map<std::uint64_t, State> subscriptions_;
    boost::unordered_flat_map<std::string, std::vector<SubscriptionState*>> by_user_;
    std::map<std::uint64_t, std::unique_ptr<Query>> queries_;
    // Subscriptions that wait for the store to come back, as of which epoch.
    std::vector<std::pair<std::uint64_t, std::uint64_t>> retrying_;
    bool retry_timer_ = false;
    std::deque<std::uint64_t> reads_;  // subscriptions that wait for their turn to read
    std::size_t reading_ = 0;
    std::uint64_t next_id_ = 1;

    // between the store's thread and this one
    std::mutex inbox_mutex_;
    std::vector<Inbound> inbox_;
    std::size_t inbox_bytes_ = 0;
    bool inbox_posted_ = false;
    std::map<std::string, std::uint64_t> inbox_dropped_;  // unretained events, by audience

    mutable std::mutex mutex_;
    bool closed_ = false;
    std::atomic<std::uint64_t> count_{0}, events_{0}, gaps_{0};
    std::thread thread_;
    std::thread::id thread_id_;  // stays when the thread has ended
};

}  // namespace tidings::detail
