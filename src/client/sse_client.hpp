#pragma once
// A client of one hub's stream: a thin shell around SseClientMachine.

#include "client/sse_client_machine.hpp"
#include "client/url.hpp"

#include <tidings/sse_decoder.hpp>

#include <functional>
#include <memory>
#include <string>

namespace tidings {

struct SseClientOptions {
    Url url;
    std::string query{};  // "categories=a&from=earliest", percent-encoded; may be empty
    std::string token{};  // empty: no Authorization field
    SseClientSettings settings{};
    std::chrono::milliseconds time_limit{0};  // of the whole; 0: none
    RandomSource random{};                    // for jitter; empty: the system's
};

// What happened, for a person who watches. Called on the thread of run().
struct SseClientNews {
    enum class Kind : std::uint8_t { connected, coming_back } kind = Kind::connected;
    std::chrono::milliseconds wait{0};  // of coming_back
    std::string why{};                  // likewise
};

struct SseClientResult {
    SseClientMachine::Outcome outcome = SseClientMachine::Outcome::running;
    unsigned status = 0;
    std::string detail{};  // of the last failure or refusal
    std::string last_event_id{};
};

// run() blocks its thread and calls back on it; only stop() may be called from elsewhere. Holds one
// connection, one event of at most 1 MiB, and 64 KiB of a refusal.
class SseClient {
public:
    using OnEvent = std::function<void(const SseEvent&)>;
    using OnNews = std::function<void(const SseClientNews&)>;

    SseClient(SseClientOptions options, OnEvent on_event, OnNews on_news = {});
    ~SseClient();
    SseClient(const SseClient&) = delete;
    SseClient& operator=(const SseClient&) = delete;

    // Once. Returns when the machine is done.
    SseClientResult run();
    // Ends run() soon, also before it began. From any thread, also from within the callbacks; callbacks for
    // what has arrived already may still come.
    void stop();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tidings
