#pragma once
// What a run costs, by the kernel's account.

#include <cstdint>
#include <string>
#include <vector>

namespace tidings::load {

// At one moment. Times are in nanoseconds, of the machine in clock ticks.
struct Usage {
    std::int64_t wall = 0;
    std::int64_t server = 0;     // all threads of the server's processes and of their children
    std::int64_t generator = 0;  // this process
    std::uint64_t softirq = 0, steal = 0, total = 0;
};

Usage usage_now(const std::vector<int>& pids);

// Of the server's processes, in kB; and of the machine's kernel.
struct Memory {
    std::string mark;
    std::uint64_t streams = 0;
    std::uint64_t pss_kb = 0, private_kb = 0, rss_kb = 0;
    std::uint64_t slab_kb = 0, tcp_mem_pages = 0;
};

Memory memory_now(std::string mark, std::uint64_t streams, const std::vector<int>& pids);

}  // namespace tidings::load
