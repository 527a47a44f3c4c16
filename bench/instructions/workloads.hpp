#pragma once
// What instructions are counted of. Each prepares what it needs outside of the count and gives the work that
// is counted: `operations` of its kind, always the same ones. No clock, no chance.

#include <cstddef>
#include <functional>
#include <span>
#include <string_view>

namespace tidings::instructions {

struct Workload {
    std::string_view name;
    std::string_view operation;  // one of what is counted
    std::function<std::function<void()>(std::size_t operations)> prepare;
};

std::span<const Workload> pure_workloads();    // encode, deliver, heartbeat, resume
std::span<const Workload> server_workloads();  // connect, publish, ndjson

// The program cannot do what it is there for.
[[noreturn]] void fail(std::string_view why);

}  // namespace tidings::instructions
