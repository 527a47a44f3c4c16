#include "base/json.hpp"
#include "client/redis_settings.hpp"
#include "event/conflation_key.hpp"
#include "event/time_text.hpp"
#include "event/type_name.hpp"
#include "store/idempotency.hpp"

#include <tidings/redis.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

namespace tidings {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t batch_events = 512;
constexpr std::chrono::milliseconds give_up_max{100'000};  // Redis remembers tokens for 120 s
constexpr std::size_t item_overhead = 1024;                // of what waits in the store, above its texts

std::size_t bytes_of(const EventDraft& draft) {
    return sizeof(EventDraft) + draft.type.size() + draft.audience.name.size() + draft.data.size() +
           draft.key.size() + draft.idempotency_key.size();
}

bool has_no_user(const EventDraft& draft) {
    return draft.audience.kind == Audience::Kind::user && draft.audience.name.empty();
}

Timestamp now() {
    return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

}  // namespace

// The queue, guarded by the mutex, and the worker that hands it to the store, which sends. `json_` is the
// worker's; answers come on the store's thread.
struct RedisPublisher::Impl {
    Impl(RedisPublisherOptions options, RedisStoreOptions store)
        : options_{std::move(options)},
          limits_{store.limits},
          store_{make_redis_store(std::move(store))},
          json_{limits_},
          worker_{[this] { work(); }} {}

    ~Impl() {
        {
            std::unique_lock lock{mutex_};
            stopping_ = true;
            wake_.notify_all();
            idle_.wait_for(lock, options_.shutdown, [this] { return counters_.waiting == 0; });
            expired_ = true;
            wake_.notify_all();
        }
        worker_.join();
        store_->close();  // answers everything that is left
    }

    void queue(EventDraft draft, bool given_time) noexcept {
        try {
            if (has_no_user(draft)) {
                const std::lock_guard lock{mutex_};
                ++counters_.skipped;
                wake_.notify_one();
                return;
            }
            const std::size_t bytes = bytes_of(draft);
            const std::lock_guard lock{mutex_};
            if (counters_.waiting >= options_.queue_events || bytes > options_.queue_bytes - queued_bytes_) {
                ++counters_.dropped;
            } else {
                queue_.push_back({std::move(draft), bytes, given_time});
                queued_bytes_ += bytes;
                ++counters_.queued;
                ++counters_.waiting;
            }
            wake_.notify_one();
        } catch (...) {
            lost_.fetch_add(1, std::memory_order_relaxed);
        }
    }

    bool flush(std::chrono::milliseconds timeout) {
        std::unique_lock lock{mutex_};
        const auto target = counters_.queued;
        return idle_.wait_for(lock, timeout, [&] { return oldest_unfinished() >= target; });
    }

    void flush(std::chrono::milliseconds timeout, std::function<void(bool)> done) {
        const std::lock_guard lock{mutex_};
        flushes_.push_back({counters_.queued, Clock::now() + timeout, std::move(done)});
        wake_.notify_one();
    }

    Counters counters() const noexcept {
        const std::lock_guard lock{mutex_};
        Counters counters = counters_;
        counters.dropped += lost_.load(std::memory_order_relaxed);
        return counters;
    }

    const RedisPublisherOptions options_;
    std::atomic<std::uint64_t> lost_{0};  // no memory to queue

private:
    struct Queued {
        EventDraft draft;
        std::size_t bytes = 0;
        bool given_time = false;
    };
    struct Flush {
        std::uint64_t target = 0;
        Clock::time_point deadline;
        std::function<void(bool)> done;
    };
    // What was handed to the store in one go: events [first, first + events), counted as they were queued.
    struct Batch {
        std::uint64_t first = 0;
        std::size_t bytes = 0;
        std::vector<std::string> types;  // of the items that the store has, for the log
    };

    // How many were queued before the oldest that is neither sent nor failed. Under the lock.
    std::uint64_t oldest_unfinished() const {
        if (!under_way_.empty()) return *under_way_.begin();
        return counters_.queued - queue_.size();
    }

    void work() {
        const auto opened = store_->open(nullptr);
        if (!opened)
            log(LogLevel::error, "the publisher cannot use Redis", {{"error", opened.error().message()}});
        while (auto taken = take()) {
            report();
            finish_flushes();
            if (!taken->empty()) deliver(std::move(*taken));
        }
        report();
        give_up();
        end_flushes();
    }

    void give_up() {
        std::size_t left = 0;
        {
            const std::lock_guard lock{mutex_};
            left = queue_.size();
            counters_.failed += left;
            counters_.waiting -= left;
            queue_.clear();
        }
        if (left == 0) return;
        log(LogLevel::error, "fail-open: events were not published",
            {{"count", std::to_string(left)}, {"error", "the publisher ended"}});
    }

    // What is queued, at most a batch; nothing when something else is to be done; none when it is time to
    // end.
    std::optional<std::vector<Queued>> take() {
        std::unique_lock lock{mutex_};
        const auto due = [this] {
            return expired_ || (stopping_ && counters_.waiting == 0) || !queue_.empty() || flush_is_due() ||
                   counters_.skipped != reported_skipped_;
        };
        while (!due()) {
            if (const auto deadline = next_deadline()) {
                wake_.wait_until(lock, *deadline);
            } else {
                wake_.wait(lock);
            }
        }
        if (expired_ || (stopping_ && counters_.waiting == 0)) return std::nullopt;
        std::vector<Queued> taken;
        if (queue_.empty()) return taken;
        under_way_.insert(counters_.queued - queue_.size());
        while (!queue_.empty() && taken.size() < batch_events) {
            taken.push_back(std::move(queue_.front()));
            queue_.pop_front();
        }
        return taken;
    }

    void deliver(std::vector<Queued> taken) {
        Batch batch;
        batch.first = number_;
        number_ += taken.size();
        std::vector<AppendItem> items;
        for (Queued& queued : taken) {
            batch.bytes += queued.bytes;
            auto item = prepare(std::move(queued.draft), queued.given_time);
            if (item) {
                batch.types.push_back(item->type);
                items.push_back(*std::move(item));
            } else {
                fail(refused_type_, item.error().message());
            }
        }
        if (items.empty()) return finish(batch);
        store_->append(std::move(items), [this, batch = std::move(batch)](const AppendResults& results) {
            settle(batch, results);
        });
    }

    Result<AppendItem> prepare(EventDraft draft, bool given_time) {
        refused_type_ = draft.type;
        if (auto usable = check_type_name(draft.type, limits_); !usable) return usable.error();
        if (draft.data.size() > limits_.event_bytes) {
            return Error{Errc::event_too_large,
                         "the data has more than " + std::to_string(limits_.event_bytes) + " bytes"};
        }
        auto data = json_.minified(draft.data);
        if (!data) return data.error();
        if (!data->starts_with('{')) return Error{Errc::invalid_field, "the data is not a JSON object"};
        const auto* registry = options_.registry.get();
        if (registry != nullptr) {
            if (auto checked = registry->check_data(draft.type, *data); !checked) return checked.error();
        }
        const auto* type = registry != nullptr ? registry->find(draft.type) : nullptr;
        if (registry != nullptr && !draft.key.empty()) {
            const auto usable = check_given_key(type, draft.type, draft.key, limits_);
            if (!usable) return usable.error();
        }
        AppendItem item;
        item.audience = std::move(draft.audience);
        item.type = std::move(draft.type);
        item.data = *std::move(data);
        item.key = std::move(draft.key);
        item.occurred_at = *draft.occurred_at;
        if (type != nullptr) item.category = type->category;
        item.retain = type == nullptr || type->retain;
        if (!draft.idempotency_key.empty() && item.retain) {
            const auto plain =
                check_plain_text(draft.idempotency_key, limits_.idempotency_key_bytes, "the idempotency key");
            if (!plain) return plain.error();
            const std::string time = given_time ? time_text(item.occurred_at) : std::string{};
            item.idempotency = idempotency_of("", item, draft.idempotency_key, time);
        }
        if (type != nullptr) item.key = conflation_key(type, item.key, item.data, limits_);
        return item;
    }

    // The store's answer, on its thread.
    void settle(const Batch& batch, const AppendResults& results) {
        std::size_t failed = 0;
        std::string why;
        for (std::size_t i = 0; i < results.size(); ++i) {
            const auto& result = results[i];
            if (result) {
                count(&Counters::sent);
                continue;
            }
            const auto code = result.error().code;
            const bool itself = code != Errc::store_unavailable && code != Errc::outcome_unknown &&
                                code != Errc::cancelled && code != Errc::store_full;
            if (itself) {
                fail(batch.types[i], result.error().message());
                continue;
            }
            count(&Counters::failed);
            ++failed;
            why = result.error().message();
        }
        // Redis' own trouble is one line for the batch.
        if (failed > 0) {
            log(LogLevel::error, "fail-open: events were not published",
                {{"count", std::to_string(failed)}, {"error", why}});
        }
        finish(batch);
    }

    void finish(const Batch& batch) {
        const std::lock_guard lock{mutex_};
        queued_bytes_ -= batch.bytes;
        under_way_.erase(batch.first);
        idle_.notify_all();
        wake_.notify_one();
    }

    void count(std::uint64_t Counters::* counter) {
        const std::lock_guard lock{mutex_};
        ++(counters_.*counter);
        --counters_.waiting;
    }

    void fail(const std::string& type, const std::string& why) {
        count(&Counters::failed);
        log(LogLevel::error, "fail-open: an event was not published", {{"type", type}, {"error", why}});
    }

    // ---- flushes that somebody waits for without a thread

    bool flush_is_due() const {
        const auto oldest = oldest_unfinished();
        const auto moment = Clock::now();
        return std::any_of(flushes_.begin(), flushes_.end(), [&](const Flush& flush) {
            return flush.target <= oldest || flush.deadline <= moment;
        });
    }

    std::optional<Clock::time_point> next_deadline() const {
        std::optional<Clock::time_point> next;
        for (const auto& flush : flushes_) next = std::min(next.value_or(flush.deadline), flush.deadline);
        return next;
    }

    void finish_flushes() {
        std::vector<std::pair<std::function<void(bool)>, bool>> over;
        {
            const std::lock_guard lock{mutex_};
            const auto moment = Clock::now();
            const auto oldest = oldest_unfinished();
            std::erase_if(flushes_, [&](Flush& flush) {
                const bool whole = flush.target <= oldest;
                if (!whole && flush.deadline > moment) return false;
                over.emplace_back(std::move(flush.done), whole);
                return true;
            });
        }
        for (auto& [done, whole] : over) answer(done, whole);
    }

    void end_flushes() {
        finish_flushes();
        std::vector<Flush> left;
        {
            const std::lock_guard lock{mutex_};
            left = std::exchange(flushes_, {});
        }
        for (const auto& flush : left) answer(flush.done, false);
    }

    void answer(const std::function<void(bool)>& done, bool whole) noexcept {
        try {
            done(whole);
        } catch (...) {  // an embedder's callback must not end the worker
            log(LogLevel::error, "a callback of flush threw", {});
        }
    }

    void report() {
        const auto found = counters();
        if (found.dropped != reported_dropped_) {
            log(LogLevel::error, "fail-open: events were dropped, the queue is full",
                {{"count", std::to_string(found.dropped - reported_dropped_)},
                 {"total", std::to_string(found.dropped)}});
            reported_dropped_ = found.dropped;
        }
        if (found.skipped != reported_skipped_) {
            log(LogLevel::warning, "events for no user were skipped",
                {{"count", std::to_string(found.skipped - reported_skipped_)}});
            reported_skipped_ = found.skipped;
        }
    }

    void log(LogLevel level, std::string_view text, std::initializer_list<LogField> fields) noexcept {
        log_line(options_.log, level, text, fields);
    }

    const Limits limits_;
    const std::unique_ptr<Store> store_;
    JsonReader json_;
    std::string refused_type_;  // of the item that is being prepared
    std::uint64_t number_ = 0;  // of the next event that is handed to the store
    std::uint64_t reported_dropped_ = 0;
    std::uint64_t reported_skipped_ = 0;

    mutable std::mutex mutex_;
    std::condition_variable wake_;  // the worker has something to do
    std::condition_variable idle_;  // something was finished
    std::deque<Queued> queue_;
    std::size_t queued_bytes_ = 0;       // of what is waiting, with the store or not
    std::set<std::uint64_t> under_way_;  // the first event of each batch that the store has
    std::vector<Flush> flushes_;
    Counters counters_{};
    bool stopping_ = false;  // nothing more will be queued
    bool expired_ = false;   // what is left now has failed
    std::thread worker_;     // last, so that it finds everything else made
};

Result<RedisPublisher> RedisPublisher::create(RedisPublisherOptions options) {
    auto store = redis_options(options.redis, options.registry, options.log);
    if (!store) return store.error();
    if (options.give_up_after <= std::chrono::milliseconds{0} || options.give_up_after > give_up_max) {
        return Error{Errc::invalid_field, "give_up_after lies between 1 ms and 100 s"};
    }
    if (options.queue_events == 0 || options.queue_bytes == 0) {
        return Error{Errc::invalid_field, "the publisher's queue has room for nothing"};
    }
    // The store never hears anything, so it needs no types.
    store->registry = [none = std::make_shared<const Registry>()] { return none; };
    store->use = RedisStoreOptions::Use::publisher;
    store->store.publish_wait = options.give_up_after;
    store->limits.append_queue = options.queue_events;
    store->limits.append_queue_bytes = 2 * options.queue_bytes + options.queue_events * item_overhead;
    return RedisPublisher{std::make_unique<Impl>(std::move(options), *std::move(store))};
}

RedisPublisher::RedisPublisher(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
RedisPublisher::RedisPublisher(RedisPublisher&&) noexcept = default;
RedisPublisher& RedisPublisher::operator=(RedisPublisher&&) noexcept = default;
RedisPublisher::~RedisPublisher() = default;

namespace {

// The draft for another audience, with its time.
EventDraft readdressed(const EventDraft& draft, Audience audience) {
    EventDraft copy{draft.type,        std::move(audience), draft.data,
                    draft.occurred_at, draft.key,           draft.idempotency_key};
    if (!copy.occurred_at) copy.occurred_at = now();
    return copy;
}

}  // namespace

void RedisPublisher::publish(const EventDraft& draft) noexcept {
    try {
        impl_->queue(readdressed(draft, draft.audience), draft.occurred_at.has_value());
    } catch (...) {  // no memory for the copy
        impl_->lost_.fetch_add(1, std::memory_order_relaxed);
    }
}

void RedisPublisher::publish_to_user(const UserId& user, const EventDraft& draft) noexcept {
    try {
        impl_->queue(readdressed(draft, Audience::user(user)), draft.occurred_at.has_value());
    } catch (...) {
        impl_->lost_.fetch_add(1, std::memory_order_relaxed);
    }
}

void RedisPublisher::broadcast(const EventDraft& draft) noexcept {
    try {
        impl_->queue(readdressed(draft, Audience::broadcast()), draft.occurred_at.has_value());
    } catch (...) {
        impl_->lost_.fetch_add(1, std::memory_order_relaxed);
    }
}

bool RedisPublisher::flush(std::chrono::milliseconds timeout) { return impl_->flush(timeout); }
void RedisPublisher::flush(std::chrono::milliseconds timeout, std::function<void(bool)> done) {
    impl_->flush(timeout, std::move(done));
}
RedisPublisher::Counters RedisPublisher::counters() const noexcept { return impl_->counters(); }

}  // namespace tidings
