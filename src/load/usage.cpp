#include "load/usage.hpp"

#include "load/poller.hpp"

#include <time.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace tidings::load {
namespace {

std::string process_path(int pid, const char* what) { return "/proc/" + std::to_string(pid) + what; }

// The processes and what they have started, for servers that fork.
std::vector<int> with_children(std::vector<int> pids) {
    for (std::size_t i = 0; i < pids.size(); ++i) {
        std::error_code ec;
        for (const auto& task : std::filesystem::directory_iterator{process_path(pids[i], "/task"), ec}) {
            std::ifstream children{task.path() / "children"};
            for (int child; children >> child;) pids.push_back(child);
        }
    }
    return pids;
}

std::int64_t cpu_ns(int pid) {
    std::int64_t sum = 0;
    std::error_code ec;
    for (const auto& task : std::filesystem::directory_iterator{process_path(pid, "/task"), ec}) {
        std::ifstream file{task.path() / "schedstat"};
        std::int64_t ran = 0;
        if (file >> ran) sum += ran;
    }
    return sum;
}

// The number behind "name:" in a file of such lines.
std::uint64_t figure(const std::string& path, const std::string& name) {
    std::ifstream file{path};
    std::uint64_t sum = 0;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(name)) sum += std::stoull("0" + line.substr(line.find_first_of("0123456789")));
    }
    return sum;
}

std::uint64_t tcp_pages() {
    std::ifstream file{"/proc/net/sockstat"};
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with("TCP:")) continue;
        std::istringstream words{line.substr(line.find(" mem ") + 5)};
        std::uint64_t pages = 0;
        words >> pages;
        return pages;
    }
    return 0;
}

}  // namespace

Usage usage_now(const std::vector<int>& pids) {
    Usage usage;
    for (const int pid : with_children(pids)) usage.server += cpu_ns(pid);
    timespec cpu{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    usage.generator = std::int64_t{cpu.tv_sec} * 1'000'000'000 + cpu.tv_nsec;
    std::ifstream file{"/proc/stat"};
    std::string name;
    file >> name;  // "cpu": user nice system idle iowait irq softirq steal
    constexpr int softirq_at = 6, steal_at = 7;
    for (int i = 0; i <= steal_at; ++i) {
        std::uint64_t ticks = 0;
        file >> ticks;
        usage.total += ticks;
        if (i == softirq_at) usage.softirq = ticks;
        if (i == steal_at) usage.steal = ticks;
    }
    usage.wall = monotonic_ns();
    return usage;
}

Memory memory_now(std::string mark, std::uint64_t streams, const std::vector<int>& pids) {
    Memory memory;
    memory.mark = std::move(mark);
    memory.streams = streams;
    for (const int pid : with_children(pids)) {
        const std::string path = process_path(pid, "/smaps_rollup");
        memory.pss_kb += figure(path, "Pss:");
        memory.private_kb += figure(path, "Private_");
        memory.rss_kb += figure(path, "Rss:");
    }
    memory.slab_kb = figure("/proc/meminfo", "Slab:");
    memory.tcp_mem_pages = tcp_pages();
    return memory;
}

}  // namespace tidings::load
