#pragma once
// Signals as calls on an ordinary thread.

#include "terminal.hpp"

#include <memory>

namespace tidings::app {

// Blocks SIGINT, SIGTERM and SIGHUP in the calling thread and those that it starts, and calls back for each
// on a thread of its own until the result is destroyed. At most one at a time.
std::shared_ptr<void> watch_signals(OnInterrupt on_interrupt);

}  // namespace tidings::app
