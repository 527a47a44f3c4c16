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

// What a break of the link to a store may have cost.
enum class LinkBreak : std::uint8_t {
    plain,        // all that was missed is in the logs
    foreign_lost  // also events of other systems that no log keeps: streams are told (`gap foreign`)
};

// What a store tells upward. Called by the store in position order, never concurrently with itself, before
// the append callbacks of the same batch; must not block and must not call back into the store.
class StoreListener {
public:
    virtual void entries(std::span<const Entry> batch) = 0;
    // What follows does not follow on what came before: a link broke, or a term began. Readers go back to the
    // log. Called before away(), in order with entries().
    virtual void broken(LinkBreak kind) = 0;
    virtual void away(const Error& why) = 0;
    virtual void back() = 0;
    virtual void term_changed(const TermTable& terms) = 0;

protected:
    ~StoreListener() = default;
};

// Every function may be called from any thread. Callbacks come on a thread of the store's or inline,
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
    // The position of an entry of another system that has the event id `id`, in one of the logs; none:
    // searched, and not found. Embedded stores hold none.
    virtual void find(std::vector<Audience> logs, Uuid id,
                      Callback<void(Result<std::optional<Position>>)> done) = 0;
    // Redis subscribes; embedded stores see everything anyway. `done` when live entries of them will arrive,
    // also after a break. Counted: each watch() that succeeded needs one unwatch() of the same audiences; one
    // that failed needs none.
    virtual void watch(std::vector<Audience> audiences, Callback<void(Result<void>)> done) = 0;
    virtual void unwatch(std::vector<Audience> audiences) = 0;
    // Whether logs may hold other systems' entries.
    virtual bool foreign() const noexcept = 0;

    virtual const RetentionPolicy& retention() const noexcept = 0;
    // For /metrics and `store info`: figures by name, cheap.
    struct Figures {
        std::uint64_t logs = 0, entries = 0, bytes = 0, appends = 0, commits = 0, trimmed = 0;
        std::int64_t clock_ahead_ms = 0;  // the partition's clock minus the wall clock
        // Of a store behind a link (Redis); 0 for embedded ones.
        bool away = false;
        std::uint64_t reconnects = 0;        // links that were opened again
        std::uint64_t link_gaps = 0;         // live events that did not follow on what had arrived
        std::uint64_t foreign = 0;           // other systems' events that arrived
        std::uint64_t ignored_messages = 0;  // messages that were not understood
    };
    virtual Figures figures() const = 0;
};

}  // namespace tidings
