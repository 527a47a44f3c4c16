#pragma once
// A whole hub: store, shards, listeners and endpoints, in the caller's process.

#include <tidings/config.hpp>
#include <tidings/event.hpp>
#include <tidings/log.hpp>
#include <tidings/registry.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tidings {

// Owns its threads: one per shard and those of the store. Functions may be called from any thread unless they
// say otherwise. Destroying a hub stops it at once, as stop() does.
class Hub {
public:
    Hub(Config config, Registry registry, LogSink log = {});
    ~Hub();
    Hub(const Hub&) = delete;
    Hub& operator=(const Hub&) = delete;

    // Opens the store, binds every address, starts the threads. Once. On failure nothing runs and the detail
    // says what to do (an address in use, a store that is not ours, no keys).
    Result<void> start();

    // "http://127.0.0.1:8080", one per listen address, with the port that was bound. After start().
    std::vector<std::string> addresses() const;
    // The operations listener's address, likewise.
    std::string operations_address() const;

    // Begins to end every stream uncleanly, spread over delivery.drain, refuses new ones softly, then stops.
    // Returns at once; wait() returns when it is over.
    void drain();
    // Ends everything now: streams uncleanly, the store cleanly. Blocks until the threads have ended.
    // Idempotent.
    void stop();
    // Blocks until the hub was stopped or has drained.
    void wait();

    // Takes over what can change without dropping a stream (keys, delivery times, limits, the registry, log
    // level) and names the settings that need a restart. Streams live on.
    std::vector<std::string> reload(Config config, Registry registry);

    // Publishes from within the process, unhindered by grants. `done` comes on a thread of the store's with
    // the id (nil for an unretained type), or with unknown_type, invalid_json, event_too_large, topic_closed,
    // store_….
    void publish(EventDraft draft, std::function<void(Result<Uuid>)> done);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tidings
