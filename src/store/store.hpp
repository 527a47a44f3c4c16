#pragma once
// Where logs live. One asynchronous interface; memory, LMDB and Redis implement it and pass one contract
// suite.

#include "base/callback.hpp"
#include "base/position.hpp"
#include "base/terms.hpp"
#include "event/log_page.hpp"

#include <tidings/config.hpp>
#include <tidings/event.hpp>
#include <tidings/limits.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tidings {

// SHA-256 digests of (subject, audience, idempotency key) and of the body that came with it.
struct Idempotency {
    std::array<std::uint8_t, 32> key{};
    std::array<std::uint8_t, 32> body{};
    bool operator==(const Idempotency&) const = default;
};

struct AppendItem {
    Audience audience;
    std::string type;
    std::string category;
    std::string data;
    std::string key;
    Timestamp occurred_at{};
    bool retain = true;
    bool close = false;  // finish the topic (idempotent: a finished topic answers its tombstone's id,
                         // duplicate = true)
    std::optional<Idempotency> idempotency{};
};

struct Appended {
    Uuid id;  // nil for an unretained event
    Position position;
    bool duplicate = false;  // the idempotency key was known: nothing was published
};

// One result per item, in order. An item fails alone: topic_closed, idempotency_conflict, store_full,
// store_unavailable, outcome_unknown.
using AppendResults = std::vector<Result<Appended>>;

// What a store tells upward. Called by the store in position order, never concurrently with itself, before
// the append callbacks of the same batch; must not block and must not call back into the store.
class StoreListener {
public:
    virtual void entries(std::span<const Entry> batch) = 0;
    virtual void away(const Error& why) = 0;
    virtual void back() = 0;
    virtual void term_changed(const TermTable& terms) = 0;

protected:
    ~StoreListener() = default;
};

// Every function may be called from any thread. Callbacks come on a thread of the store's (memory: inline),
// exactly once, also at close() (Errc::cancelled); they must not block. Destroying a store closes it.
class Store {
public:
    virtual ~Store() = default;

    // Opens and begins a term. Blocking; once; before anything else. `listener` outlives the store, may be
    // null. Fails with store_corrupt, store_full, store_unavailable; the detail says what to do.
    virtual Result<void> open(StoreListener* listener) = 0;
    // Ends cleanly: earlier appends are committed, the end is sealed where the store can. Idempotent.
    virtual void close() = 0;

    virtual void append(std::vector<AppendItem> batch, Callback<void(AppendResults)> done) = 0;
    // Advances the clock to now; coalesced; answered after everything appended earlier was handed to the
    // listener.
    virtual void bound(Callback<void(Result<Bound>)> done) = 0;
    // A page of each log, in the order asked.
    virtual void read(ReadRequest request, Callback<void(Result<std::vector<LogPage>>)> done) = 0;
    // Redis subscribes; embedded stores see everything anyway. `done` when live entries of them will arrive.
    virtual void watch(std::vector<Audience> audiences, Callback<void(Result<void>)> done) = 0;
    virtual void unwatch(std::vector<Audience> audiences) = 0;

    virtual const RetentionPolicy& retention() const noexcept = 0;
    // For /metrics and `store info`: figures by name, cheap.
    struct Figures {
        std::uint64_t logs = 0, entries = 0, bytes = 0, appends = 0, commits = 0, trimmed = 0;
        std::int64_t clock_ahead_ms = 0;  // the partition's clock minus the wall clock
    };
    virtual Figures figures() const = 0;
};

}  // namespace tidings
