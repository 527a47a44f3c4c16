#pragma once
// Publishes to a hub over HTTP from the application whose events they are, and never disturbs it.

#include <tidings/event.hpp>
#include <tidings/log.hpp>
#include <tidings/publisher.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace tidings {

struct HubPublisherOptions {
    std::string url;                              // "http://127.0.0.1:8080"
    std::string token{};                          // a publisher credential; or
    std::function<std::string()> token_source{};  // asked before each request, on the publisher's thread
    std::size_t queue_events = 10'000;  // not yet answered; beyond either bound new events are dropped
    std::size_t queue_bytes = 16 * 1024 * 1024;
    std::size_t batch_events = 500;  // of one request
    std::size_t batch_bytes = 1024 * 1024;
    std::chrono::milliseconds connect_timeout{2'000};
    std::chrono::milliseconds answer_timeout{5'000};
    std::chrono::milliseconds back_off_min{100};  // between attempts, doubling, with jitter
    std::chrono::milliseconds back_off_max{5'000};
    std::chrono::milliseconds give_up_after{60'000};  // attempts for one event end; it is counted as failed
    std::chrono::milliseconds shutdown{2'000};        // how long destruction may go on delivering
    LogSink log{};                                    // called on the publisher's thread
};

// A Publisher (see the concept): publish() queues and returns at once, whatever the hub does. One thread of
// its own sends what is queued, in order, in batches, and repeats after failures under an idempotency key (a
// random one where the draft has none), so that nothing doubles. Memory is bounded by the queue; what does
// not fit is dropped, counted and logged (P-8). Owned by the embedder; every function may be called from any
// thread but the log sink's.
class HubPublisher {
public:
    struct Counters {
        std::uint64_t queued = 0;   // accepted by publish()
        std::uint64_t sent = 0;     // acknowledged by the hub
        std::uint64_t failed = 0;   // refused, not JSON, or given up
        std::uint64_t dropped = 0;  // the queue was full
        std::uint64_t waiting = 0;  // queued, and neither sent nor failed yet
    };

    // Starts the thread; does not connect yet. Fails with Errc::invalid_field if the URL is not a hub's.
    static Result<HubPublisher> create(HubPublisherOptions options);
    HubPublisher(HubPublisher&&) noexcept;
    HubPublisher& operator=(HubPublisher&&) noexcept;
    // Goes on delivering for at most options.shutdown, then counts and logs what is left as failed.
    ~HubPublisher();

    void publish(const EventDraft& draft) noexcept;
    void publish_to_user(const UserId& user, const EventDraft& draft) noexcept;
    void broadcast(const EventDraft& draft) noexcept;

    // Waits until everything queued so far was sent or has failed. False: the time was up before.
    bool flush(std::chrono::milliseconds timeout);
    Counters counters() const noexcept;

private:
    struct Impl;
    explicit HubPublisher(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

static_assert(Publisher<HubPublisher>);

}  // namespace tidings
