#pragma once
// Runs a plan.

#include "load/plan.hpp"
#include "load/report.hpp"

#include <atomic>
#include <functional>
#include <string>

namespace tidings::load {

// What stands around a run. `say` gets lines about its progress; `stop` ends it early, with what it has by
// then. Both may be absent.
struct Control {
    std::function<void(const std::string&)> say{};
    const std::atomic<bool>* stop = nullptr;
};

// Blocks until the run is over; uses one core fully while it measures. Fails with Errc::connection_failed
// (nobody listens, streams were refused), overloaded (more streams than descriptors), invalid_field,
// cancelled.
Result<Report> run(const Plan& plan, const Control& control);

// Connections that this process may still open, from its limit of descriptors.
std::size_t connections_allowed();

}  // namespace tidings::load
