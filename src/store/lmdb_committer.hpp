#pragma once
// The one thread that writes an LMDB store: group commit, bounds, sweeping.

#include "store/lmdb_open.hpp"
#include "store/lmdb_reads.hpp"

#include <variant>

namespace tidings {

// Takes appends and bounds through one bounded queue and does them in order: up to Limits::append_batch items
// are one transaction; then the listener hears of them, then their callers. Owned by the store. While its
// thread is busy, that alone touches partition and record; while it rests, whoever holds the lock may, so
// that a bound that needs no commit is answered where it is asked for, without a wake of two threads.
class LmdbCommitter {
public:
    using AppendDone = Callback<void(AppendResults)>;
    using BoundDone = Callback<void(Result<Bound>)>;

    LmdbCommitter(const LmdbOptions& options, LmdbOpened& opened, ReadView& view, StoreListener* listener);
    LmdbCommitter(const LmdbCommitter&) = delete;
    LmdbCommitter& operator=(const LmdbCommitter&) = delete;
    ~LmdbCommitter() { stop(); }

    void append(std::vector<AppendItem> items, AppendDone done);
    // Answered before it returns where nothing waits, nothing is under way and nothing needs a commit.
    void bound(BoundDone done);
    bool stopped() const;
    // Does everything that waits, then joins. Not from a callback.
    void stop();
    // The least clock limit that covers what was minted. After stop().
    Milliseconds limit_at_end() const noexcept { return partition_.clock() + 1; }
    Store::Figures figures() const;

private:
    struct AppendRequest {
        std::vector<AppendItem> items;
        AppendDone done;
        std::uint64_t bytes = 0;
        AppendResults results{};
    };
    using Request = std::variant<AppendRequest, BoundDone>;
    // One item of a request that is being done.
    struct Slot {
        AppendRequest* request;
        std::size_t index;
        const AppendItem& item() const { return request->items[index]; }
        Result<Appended>& result() const { return request->results[index]; }
    };
    enum class Write : std::uint8_t { when_due, always };

    std::optional<Bound> bound_at_once();
    bool admits(std::size_t items, std::uint64_t bytes);
    Error refusal() const;
    void run();
    bool take(std::deque<Request>& taken);
    void perform(std::deque<Request>& taken);
    void commit_slots(std::span<const Slot> slots);
    bool has_room(std::span<const Slot> slots) const;
    bool make_room(std::span<const Slot> slots);
    int try_commit(std::span<const Slot> slots);
    int maintain(Write write);
    bool needs_commit() const noexcept;
    int finish(LmdbTransaction& txn, LmdbTables& tables, Appender& appender);
    void fail(std::span<const Slot> slots, int code);
    void note_health(int code);
    void answer_bounds(std::vector<BoundDone>& bounds);
    void step(CommitStep at) const {
        if (options_.at_step) options_.at_step(at);
    }

    const LmdbOptions& options_;
    LmdbOpened& opened_;
    ReadView& view_;
    StoreListener* listener_;
    Partition partition_;
    Milliseconds due_ = 0;  // nothing expires before it
    bool away_ = false;
    bool uncertain_ = false;  // a commit failed, so that nobody knows what the disk has
    std::vector<Entry> published_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Request> queue_;
    std::size_t queued_items_ = 0;  // a bound counts as one
    std::uint64_t queued_bytes_ = 0;
    bool busy_ = false;  // its thread does what it took
    bool stopping_ = false;

    std::atomic<std::uint64_t> logs_{0}, entries_{0}, bytes_{0}, appends_{0}, commits_{0}, trimmed_{0};
    std::thread thread_;
};

}  // namespace tidings
