#pragma once
// Logs on Redis, shared by any number of hubs and by the original system.

#include "base/clock.hpp"
#include "redis/redis_url.hpp"
#include "store/store.hpp"

#include <tidings/config.hpp>
#include <tidings/log.hpp>
#include <tidings/registry.hpp>

#include <functional>
#include <memory>

namespace tidings {

struct RedisStoreOptions {
    redis::RedisUrl url;
    StoreConfig store{};  // its retention and everything about Redis
    Limits limits{};
    RandomSource random{};
    // The types that other systems' events may have. Shared because a reload replaces it.
    std::function<std::shared_ptr<const Registry>()> registry{};
    LogSink log{};
    // Instead of the server's clock; for tests.
    WallClock clock{};
    enum class Use : std::uint8_t {
        hub,        // reads and writes
        publisher,  // no subscriber link: entries() never comes, watch() answers at once
        subscriber  // takes no lease: an append is refused at its deadline
    } use = Use::hub;
    std::chrono::milliseconds open_wait{2'000};  // how long open() waits for Redis before it goes on without
};

// A thread of its own with one loop, and at most four connections: one subscribed to everything that is
// watched, one for scripts, one for pages of logs, and with wait_replicas one that waits for replicas. open()
// does not fail when Redis is away: appends wait within their bounds, bounds and reads fail with
// store_unavailable until it is there. docs/redis.md says what is kept under which name.
std::unique_ptr<Store> make_redis_store(RedisStoreOptions options);

}  // namespace tidings
