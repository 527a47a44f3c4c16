#pragma once
// What other threads hand to a shard: batches of frames, in position order, through one queue and one
// wake-up.

#include "fanout/live_item.hpp"

#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

namespace tidings {

// Thread-safe. Bounded in bytes: beyond that the batches are dropped and the shard is told, so that its
// streams read the log instead. `wake` is called when the inbox was empty; it must be safe from any thread
// and not block.
class Inbox {
public:
    Inbox(std::size_t bytes_max, std::function<void()> wake)
        : bytes_max_{bytes_max}, wake_{std::move(wake)} {}

    void push(LiveBatchPtr batch) {
        bool was_empty = false;
        {
            const std::lock_guard lock{mutex_};
            was_empty = batches_.empty() && !overflowed_;
            if (overflowed_ || bytes_ + batch->bytes > bytes_max_) {
                overflowed_ = true;
                foreign_lost_ = foreign_lost_ || batch->foreign_lost;
                for (const auto& lost : batches_) foreign_lost_ = foreign_lost_ || lost->foreign_lost;
                batches_.clear();
                bytes_ = 0;
            } else {
                bytes_ += batch->bytes;
                batches_.push_back(std::move(batch));
            }
        }
        if (was_empty) wake_();
    }

    struct Taken {
        LiveBatchPtr batch;         // null: nothing waits
        bool overflowed = false;    // batches were lost since the last take
        bool foreign_lost = false;  // with `overflowed`: one of them told that foreign events were lost
    };
    // The next batch, on the shard's thread.
    Taken take() {
        const std::lock_guard lock{mutex_};
        Taken taken;
        taken.overflowed = std::exchange(overflowed_, false);
        taken.foreign_lost = std::exchange(foreign_lost_, false);
        if (!batches_.empty()) {
            taken.batch = std::move(batches_.front());
            batches_.pop_front();
            bytes_ -= taken.batch->bytes;
        }
        return taken;
    }

    // Nothing waits, and nothing was lost that take() has not told yet.
    bool empty() const {
        const std::lock_guard lock{mutex_};
        return batches_.empty() && !overflowed_;
    }
    std::size_t bytes() const {
        const std::lock_guard lock{mutex_};
        return bytes_;
    }

private:
    mutable std::mutex mutex_;
    std::deque<LiveBatchPtr> batches_;
    std::size_t bytes_ = 0;
    bool overflowed_ = false;
    bool foreign_lost_ = false;
    std::size_t bytes_max_;
    std::function<void()> wake_;
};

}  // namespace tidings
