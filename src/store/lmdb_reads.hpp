#pragma once
// Pages out of an LMDB store: one short read transaction each, on threads of their own.

#include "store/lmdb_tables.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace tidings {

// What readers need to know of the committer's partition; fixed while the store is open, but for the clock.
struct ReadView {
    std::shared_ptr<const TermTable> terms;  // the committer's own
    RetentionPolicy policy;
    AgeChanges changes;
    std::atomic<Milliseconds> clock{0};  // never behind what a committed sweep has used
};

Result<std::vector<LogPage>> read_pages(const LmdbEnv& env, const ReadView& view, const ReadRequest& request);

// A bounded queue and the threads that serve it. Owned by the store; env and view outlive it.
class LmdbReaders {
public:
    using Done = Callback<void(Result<std::vector<LogPage>>)>;
    LmdbReaders(const LmdbEnv& env, const ReadView& view, std::size_t threads, std::size_t queue);
    LmdbReaders(const LmdbReaders&) = delete;
    LmdbReaders& operator=(const LmdbReaders&) = delete;
    ~LmdbReaders() { stop(); }

    void push(ReadRequest request, Done done);
    // Answers what waits with Errc::cancelled and joins. Not from a callback.
    void stop();

private:
    struct Waiting {
        ReadRequest request;
        Done done;
    };
    void run();

    const LmdbEnv& env_;
    const ReadView& view_;
    std::size_t queue_max_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Waiting> queue_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace tidings
