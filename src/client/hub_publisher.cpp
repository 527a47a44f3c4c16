#include <tidings/hub_publisher.hpp>

#include "client/http_client.hpp"
#include "client/publish_batch.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

namespace tidings {
namespace {

using Clock = std::chrono::steady_clock;

// What a queued draft counts against the queue's bound.
std::size_t bytes_of(const EventDraft& draft) {
    return sizeof(EventDraft) + draft.type.size() + draft.audience.name.size() + draft.data.size() +
           draft.key.size() + draft.idempotency_key.size();
}

struct Prepared {
    std::string body;
    std::string type;  // for the log
};

}  // namespace

// The queue, guarded by the mutex, and the worker that empties it. `http_` and `random_` are the worker's.
struct HubPublisher::Impl {
    Impl(HubPublisherOptions options, Url url)
        : options_{std::move(options)},
          http_{std::move(url), {options_.connect_timeout, options_.answer_timeout}},
          worker_{[this] { work(); }} {}

    ~Impl() {
        {
            std::unique_lock lock{mutex_};
            stopping_ = true;
            wake_.notify_all();
            idle_.wait_for(lock, options_.shutdown, [this] { return worker_done_; });
            expired_ = true;
            wake_.notify_all();
        }
        http_.cancel();
        worker_.join();
    }

    void queue(EventDraft draft) noexcept {
        try {
            if (!draft.occurred_at) draft.occurred_at = now();
            const std::size_t bytes = bytes_of(draft);
            const std::lock_guard lock{mutex_};
            if (counters_.waiting >= options_.queue_events || bytes > options_.queue_bytes - queued_bytes_) {
                ++counters_.dropped;
            } else {
                queue_.push_back(std::move(draft));
                queued_bytes_ += bytes;
                ++counters_.queued;
                ++counters_.waiting;
            }
            wake_.notify_one();
        } catch (...) {
            lost_.fetch_add(1, std::memory_order_relaxed);
        }
    }

    static Timestamp now() {
        return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
    }

    bool flush(std::chrono::milliseconds timeout) {
        std::unique_lock lock{mutex_};
        return idle_.wait_for(lock, timeout, [this] { return counters_.waiting == 0; });
    }

    Counters counters() const noexcept {
        const std::lock_guard lock{mutex_};
        Counters counters = counters_;
        counters.dropped += lost_.load(std::memory_order_relaxed);
        return counters;
    }

    void work() {
        while (auto batch = take()) {
            report_dropped();
            deliver(std::move(*batch));
        }
        report_dropped();
        give_up(queue_.size(), "the publisher ended");
        const std::lock_guard lock{mutex_};
        queue_.clear();
        worker_done_ = true;
        idle_.notify_all();
    }

    // The next batch; none when it is time to end: everything was delivered, or the shutdown's time is over.
    std::optional<std::vector<EventDraft>> take() {
        std::unique_lock lock{mutex_};
        wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (queue_.empty() || expired_) return std::nullopt;
        std::vector<EventDraft> batch;
        std::size_t bytes = 0;
        while (!queue_.empty() && batch.size() < options_.batch_events) {
            const std::size_t next = bytes_of(queue_.front());
            if (!batch.empty() && bytes + next > options_.batch_bytes) break;
            bytes += next;
            batch.push_back(std::move(queue_.front()));
            queue_.pop_front();
        }
        batch_bytes_ = bytes;
        return batch;
    }

    // Sends until every item was sent, refused or given up.
    void deliver(std::vector<EventDraft> batch) {
        std::vector<Prepared> pending;
        std::size_t bytes = 0;
        std::swap(bytes, batch_bytes_);
        for (EventDraft& draft : batch) {
            if (draft.idempotency_key.empty()) draft.idempotency_key = random_key();
            if (auto body = publish_object(draft)) {
                pending.push_back({std::move(*body), std::move(draft.type)});
            } else {
                fail({"", std::move(draft.type)}, body.error().message());
            }
        }
        const auto give_up_at = Clock::now() + options_.give_up_after;
        auto back_off = options_.back_off_min;
        std::string why;
        while (!pending.empty()) {
            attempt(pending, why);
            if (pending.empty()) break;
            if (!pause(back_off, give_up_at)) break;
            back_off = std::min(back_off * 2, options_.back_off_max);
        }
        give_up(pending.size(), why);
        const std::lock_guard lock{mutex_};
        queued_bytes_ -= bytes;
        idle_.notify_all();
    }

    // One request with all that is pending; leaves what has to be repeated.
    void attempt(std::vector<Prepared>& pending, std::string& why) {
        const auto response = send(pending);
        if (!response) {
            note(response.error().message(), why);
            return;
        }
        const Fate fate = fate_of(response->status);
        if (fate == Fate::again) {
            note("the hub answered " + std::to_string(response->status) + ": " + problem_text(response->body),
                 why);
            return;
        }
        if (fate == Fate::refused) {
            refuse(pending, *response);
            return;
        }
        const auto answers = read_batch_answer(response->body, pending.size());
        if (!answers) {
            note(answers.error().message(), why);
            return;
        }
        std::vector<Prepared> again;
        for (std::size_t i = 0; i < pending.size(); ++i) {
            const ItemAnswer& answer = (*answers)[i];
            switch (fate_of(answer.status)) {
                case Fate::sent: count(&Counters::sent); break;
                case Fate::refused:
                    fail(pending[i], std::to_string(answer.status) + ": " + answer.detail);
                    break;
                case Fate::again:
                    why = std::to_string(answer.status) + ": " + answer.detail;
                    again.push_back(std::move(pending[i]));
                    break;
            }
        }
        pending = std::move(again);
        recovered(pending.empty());
    }

    // A whole batch was refused. Its items are tried alone, so that one of them does not take the others with
    // it.
    void refuse(std::vector<Prepared>& pending, const HttpResponse& response) {
        if (pending.size() == 1) {
            fail(pending.front(), std::to_string(response.status) + ": " + problem_text(response.body));
            pending.clear();
            return;
        }
        std::vector<Prepared> again;
        for (Prepared& item : pending) {
            std::vector<Prepared> alone;
            alone.push_back(std::move(item));
            std::string why;
            attempt(alone, why);
            if (!alone.empty()) again.push_back(std::move(alone.front()));
        }
        pending = std::move(again);
    }

    Result<HttpResponse> send(const std::vector<Prepared>& pending) {
        HttpRequest request;
        request.target = http_.url().base + "/events";
        request.repeatable = Repeatable::yes;
        request.fields.emplace_back("Content-Type", "application/json");
        try {
            const std::string token = options_.token_source ? options_.token_source() : options_.token;
            if (!token.empty()) request.fields.emplace_back("Authorization", "Bearer " + token);
        } catch (const std::exception& error) {
            return Error{Errc::unauthorized, std::string{"the token source failed: "} + error.what()};
        }
        request.body = "[";
        for (const Prepared& item : pending)
            request.body += (request.body.size() > 1 ? ",\n" : "") + item.body;
        request.body += "]";
        return http_.send(request);
    }

    // False: no further attempt.
    bool pause(std::chrono::milliseconds back_off, Clock::time_point give_up_at) {
        const auto half = std::max<std::int64_t>(back_off.count() / 2, 1);
        const std::chrono::milliseconds wait{
            half + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(half + 1))};
        const auto until = Clock::now() + wait;
        if (until > give_up_at) return false;
        std::unique_lock lock{mutex_};
        return !wake_.wait_until(lock, until, [this] { return expired_; });
    }

    std::string random_key() {
        constexpr std::string_view hex = "0123456789abcdef";
        std::string key;
        for (int half = 0; half < 2; ++half) {
            for (std::uint64_t bits = random_(), digit = 0; digit < 16; ++digit, bits >>= 4)
                key += hex[bits & 15];
        }
        return key;
    }

    void count(std::uint64_t Counters::* counter) {
        const std::lock_guard lock{mutex_};
        ++(counters_.*counter);
        --counters_.waiting;
    }

    void fail(const Prepared& item, const std::string& why) {
        count(&Counters::failed);
        log(LogLevel::error, "fail-open: an event was not published", {{"type", item.type}, {"error", why}});
    }

    void give_up(std::size_t events, const std::string& why) {
        if (events == 0) return;
        for (std::size_t i = 0; i < events; ++i) count(&Counters::failed);
        log(LogLevel::error, "fail-open: events were not published",
            {{"count", std::to_string(events)}, {"error", why}});
    }

    // A failure that will be repeated is logged when it begins, not each time.
    void note(const std::string& failure, std::string& why) {
        why = failure;
        if (!std::exchange(failing_, true)) {
            log(LogLevel::warning, "the hub does not take events; they wait in the queue",
                {{"error", failure}});
        }
    }

    void recovered(bool whole) {
        if (whole && std::exchange(failing_, false)) log(LogLevel::info, "the hub takes events again", {});
    }

    void report_dropped() {
        const std::uint64_t dropped = counters().dropped;
        if (dropped == reported_dropped_) return;
        log(LogLevel::error, "fail-open: events were dropped, the queue is full",
            {{"count", std::to_string(dropped - reported_dropped_)}, {"total", std::to_string(dropped)}});
        reported_dropped_ = dropped;
    }

    void log(LogLevel level, std::string_view text, std::initializer_list<LogField> fields) noexcept {
        try {
            if (options_.log) options_.log(level, text, fields);
        } catch (...) {  // an embedder's sink must not end the worker
            return;
        }
    }

    const HubPublisherOptions options_;
    HttpClient http_;
    std::mt19937_64 random_{std::random_device{}()};
    bool failing_ = false;
    std::uint64_t reported_dropped_ = 0;
    std::size_t batch_bytes_ = 0;

    mutable std::mutex mutex_;
    std::condition_variable wake_;  // something was queued, or it is time to end
    std::condition_variable idle_;  // something was finished
    std::deque<EventDraft> queue_;
    std::size_t queued_bytes_ = 0;  // of what is waiting, sent or not
    Counters counters_{};
    bool stopping_ = false;  // nothing more will be queued
    bool expired_ = false;   // what is left now has failed
    bool worker_done_ = false;
    std::atomic<std::uint64_t> lost_{0};  // no memory to queue
    std::thread worker_;                  // last, so that it finds everything else made
};

Result<HubPublisher> HubPublisher::create(HubPublisherOptions options) {
    auto url = Url::parse(options.url);
    if (!url) return url.error();
    options.batch_events = std::max<std::size_t>(options.batch_events, 1);
    return HubPublisher{std::make_unique<Impl>(std::move(options), std::move(*url))};
}

HubPublisher::HubPublisher(std::unique_ptr<Impl> impl) : impl_{std::move(impl)} {}
HubPublisher::HubPublisher(HubPublisher&&) noexcept = default;
HubPublisher& HubPublisher::operator=(HubPublisher&&) noexcept = default;
HubPublisher::~HubPublisher() = default;

void HubPublisher::publish(const EventDraft& draft) noexcept {
    try {
        impl_->queue(draft);
    } catch (...) {  // no memory for the copy
        impl_->lost_.fetch_add(1, std::memory_order_relaxed);
    }
}

void HubPublisher::publish_to_user(const UserId& user, const EventDraft& draft) noexcept {
    try {
        EventDraft copy = draft;
        copy.audience = Audience::user(user);
        impl_->queue(std::move(copy));
    } catch (...) {
        impl_->lost_.fetch_add(1, std::memory_order_relaxed);
    }
}

void HubPublisher::broadcast(const EventDraft& draft) noexcept {
    try {
        EventDraft copy = draft;
        copy.audience = Audience::broadcast();
        impl_->queue(std::move(copy));
    } catch (...) {
        impl_->lost_.fetch_add(1, std::memory_order_relaxed);
    }
}

bool HubPublisher::flush(std::chrono::milliseconds timeout) { return impl_->flush(timeout); }
HubPublisher::Counters HubPublisher::counters() const noexcept { return impl_->counters(); }

}  // namespace tidings
