// tidings_instructions <workload> <operations>: does so many operations of one workload, for callgrind to
// count. bench/check_instructions.py runs it.

#include "workloads.hpp"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

// Everybody's clock in this program, libraries included: one that goes on by a microsecond with each look, so
// that what is counted does not depend on how fast it runs.
extern "C" int clock_gettime(clockid_t, timespec* time) noexcept {
    static long microseconds = 0;
    ++microseconds;
    time->tv_sec = 1'000'000 + microseconds / 1'000'000;
    time->tv_nsec = microseconds % 1'000'000 * 1'000;
    return 0;
}

// callgrind counts from where this begins to where it ends (--toggle-collect).
extern "C" __attribute__((noinline)) void tidings_counted(const std::function<void()>& work) { work(); }

namespace tidings::instructions {

void fail(std::string_view why) {
    std::fprintf(stderr, "tidings_instructions: %.*s\n", static_cast<int>(why.size()), why.data());
    std::exit(1);
}

}  // namespace tidings::instructions

int main(int count, char** words) {
    using namespace tidings::instructions;
    for (const auto& workloads : {pure_workloads(), server_workloads()}) {
        for (const auto& workload : workloads) {
            if (count == 1)
                std::printf("%s: %s\n", std::string{workload.name}.c_str(),
                            std::string{workload.operation}.c_str());
            if (count != 3 || words[1] != workload.name) continue;
            const auto work = workload.prepare(std::stoul(words[2]));
            tidings_counted(work);
            return 0;
        }
    }
    return count == 1 ? 0 : 2;
}
