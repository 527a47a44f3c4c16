#pragma once
// What publishing needs once for each shard: a JSON reader with its buffers, and the clock of the appends
// that wait.

#include "base/callback.hpp"
#include "base/json.hpp"
#include "net/loop.hpp"
#include "server/counters.hpp"
#include "store/store.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

namespace tidings {

// Belongs to one shard and is used on its thread. As long as an append may be answered the loop and the
// counters must stand; the hub closes the store before its shards go.
class PublishDesk {
public:
    // `before_answer` is called when a store has answered at once, before that is handed on.
    PublishDesk(Store& store, Loop& loop, ShardCounters& counters, Callback<void()> before_answer = {})
        : store_{store}, loop_{loop}, counters_{counters}, before_answer_{std::move(before_answer)} {}

    // Good until it is asked for again.
    JsonReader& reader(const Limits& limits) {
        reader_.take_limits(limits);
        return reader_;
    }

    // Appends everything; `done` gets the results in order, or outcome_unknown for all after `wait`. A store
    // that answers at once is handed on at once, before this returns; others come on the loop.
    void append(std::vector<AppendItem> items, std::chrono::milliseconds wait,
                Callback<void(AppendResults)> done);

    std::size_t waiting() const noexcept { return deadlines_.size(); }

private:
    struct Waiting;
    struct Deadline {
        std::chrono::steady_clock::time_point at;
        std::shared_ptr<Waiting> waiting;  // shared with the store, which answers it
    };
    void finish(Waiting& waiting, AppendResults results);
    void keep_time(std::chrono::milliseconds wait, std::shared_ptr<Waiting> waiting);
    void drop_answered();
    void arm();
    void expire();

    Store& store_;
    Loop& loop_;
    ShardCounters& counters_;
    Callback<void()> before_answer_;
    JsonReader reader_;
    std::deque<Deadline>
        deadlines_;  // in the order of the appends; the answered ones at the front are dropped
    bool armed_ = false;
};

}  // namespace tidings
