#pragma once
// The life of something with threads of its own: started, draining, stopped, and who waits for that.

#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace tidings {

// Thread-safe. Each step succeeds for exactly one caller.
class Lifecycle {
public:
    void started() {
        const std::lock_guard lock{mutex_};
        if (state_ == State::idle) state_ = State::running;
    }

    // True for the one caller that is to begin draining `parts` parts.
    bool begin_draining(std::size_t parts) {
        const std::lock_guard lock{mutex_};
        if (state_ != State::running) return false;
        state_ = State::draining;
        parts_ = parts;
        return true;
    }

    // True for the last part to have drained, unless it was stopped meanwhile.
    bool part_drained() {
        const std::lock_guard lock{mutex_};
        return --parts_ == 0 && state_ == State::draining;
    }

    // True for the one caller that is to stop everything and then call over(); others wait here until it has.
    bool begin_stopping() {
        std::unique_lock lock{mutex_};
        if (state_ == State::stopping) changed_.wait(lock, [this] { return state_ == State::over; });
        if (state_ == State::over) return false;
        state_ = State::stopping;
        return true;
    }

    void over() {
        const std::lock_guard lock{mutex_};
        state_ = State::over;
        changed_.notify_all();
    }

    void wait_until_over() {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return state_ == State::over; });
    }

private:
    enum class State { idle, running, draining, stopping, over };

    std::mutex mutex_;
    std::condition_variable changed_;
    State state_ = State::idle;
    std::size_t parts_ = 0;
};

}  // namespace tidings
