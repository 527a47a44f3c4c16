#pragma once
// The streams of one shard that read the log: drives their machines with bounds, pages and room in the
// socket.

#include "fanout/catch_up.hpp"
#include "net/snapshot.hpp"
#include "net/stream_reactor.hpp"
#include "store/store.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace tidings {

// How a pool reaches its shard's loop; all called on any thread, and none blocks.
struct LoopHooks {
    std::function<void(Callback<void()>)> post;  // runs it on the loop
    std::function<void(std::chrono::milliseconds, Callback<void()>)>
        later;                         // on the loop, called on the loop only
    std::function<void()> take_inbox;  // accepts all that waits, on the loop
};

struct CatchUpCounters {
    std::uint64_t started = 0, finished = 0, replayed = 0, gaps = 0, bounds = 0, pages = 0, retried = 0;
};

// Belongs to one shard. At most Limits::catching_up machines at once; others wait first in, first out,
// holding only their request. A new stream's audiences are watched before its first bound; it keeps its slot
// meanwhile, and tries again while the store is away: those who wait could not read either. Store callbacks
// come back through the loop; those for streams that have ended are dropped.
class CatchUpPool {
public:
    CatchUpPool(Store& store, StreamReactor& reactor, Snapshot<Registry>& registry, const Limits& limits,
                LoopHooks hooks);

    void begin(StreamHandle handle, CatchUpRequest request);
    // The same for a new stream, from a turn of the loop that is not the reactor's: what the store answers
    // before it returns is used at once, so that a stream's first events leave with its head.
    void begin_at_once(StreamHandle handle, CatchUpRequest request);
    void drained(StreamHandle handle);
    void forget(StreamHandle handle);
    // Other systems' events that no log keeps may be lost: those who catch up will be told. Who they are.
    std::vector<StreamHandle> note_foreign_lost();
    // A bound of now, after whatever is in flight; coalesced. The inbox was taken before `done` runs on the
    // loop.
    void bound(Callback<void(const Result<Bound>&)> done);

    // Whether its next step is an answer of the store's, and not room in its socket.
    bool asks_store(StreamHandle handle) const;

    std::size_t active() const noexcept { return active_.size(); }
    std::size_t waiting() const noexcept { return queue_.size(); }
    const CatchUpCounters& counters() const noexcept { return counters_; }

private:
    struct Active {
        StreamHandle handle;
        CatchUp machine;
        std::uint64_t hold = 0;
        bool sending = false;  // frames are on their way, so that drained() is about them
    };
    struct Waiting {
        StreamHandle handle;
        CatchUpRequest request;
    };
    static std::uint64_t key_of(StreamHandle handle) noexcept {
        return std::uint64_t{handle.generation} << 32 | handle.index;
    }

    using BoundWaiters = std::vector<Callback<void(const Result<Bound>&)>>;

    void admit();
    template <class Work>
    void answer(StreamHandle handle, Work work);
    bool on_loop() const noexcept { return thread_ == std::this_thread::get_id(); }
    void take_bound(BoundWaiters& waiters, const Result<Bound>& bound);
    void watch(StreamHandle handle);
    void perform(StreamHandle handle, CatchUp::Action action);
    void ask_bound(StreamHandle handle);
    void read(StreamHandle handle, ReadRequest request);
    void search(StreamHandle handle, CatchUp::Action action);
    void read_failed(StreamHandle handle);
    void sent(StreamHandle handle);
    void go_live(StreamHandle handle, CatchUp::Action action);
    void done(StreamHandle handle);
    void send_bound_request();
    Active* find(StreamHandle handle);

    Store& store_;
    StreamReactor& reactor_;
    Snapshot<Registry>& registry_;
    const Limits limits_;
    LoopHooks hooks_;
    boost::unordered_flat_map<std::uint64_t, std::unique_ptr<Active>> active_;
    std::deque<Waiting> queue_;
    std::size_t gone_ = 0;  // streams that ended, and may have been among the waiting
    BoundWaiters bound_waiters_;
    bool bound_in_flight_ = false;
    bool admitting_ = false;
    // The stream that begins just now; of the loop's thread, which a store's thread asks for before it looks.
    std::optional<StreamHandle> at_once_;
    std::atomic<std::thread::id> thread_{};
    CatchUpCounters counters_;
};

}  // namespace tidings
