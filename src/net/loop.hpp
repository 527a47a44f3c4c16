#pragma once
// A shard's loop: work posted from any thread, timers, and the readiness of descriptors. A thin face over
// Asio's io_context, so that what needs only these does not include Asio.

#include "base/callback.hpp"

#include <chrono>
#include <memory>
#include <span>

namespace boost::asio {
class io_context;
}

namespace tidings {

// One thread calls run(). Destroying it drops what was posted and not run.
class Loop {
public:
    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    // From any thread: runs `work` on the loop.
    void post(Callback<void()> work);
    // From the loop's thread: runs `work` once, later. Ending the loop drops it.
    void later(std::chrono::milliseconds delay, Callback<void()> work);
    // From the loop's thread: runs `work` every `period` until the loop ends.
    void every(std::chrono::milliseconds period, Callback<void()> work);
    // Calls `ready` whenever the descriptor is readable, until the loop ends. The descriptor is borrowed.
    void watch_readable(int descriptor, Callback<void()> ready);

    void run();
    // From any thread.
    void stop();

    // For what is read and used up before the loop's thread does anything else.
    std::span<char> scratch() noexcept;

    boost::asio::io_context& context() noexcept;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tidings
