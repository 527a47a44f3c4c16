#pragma once
// Waiting for a condition instead of hoping for a duration.

#include <chrono>
#include <thread>

namespace tidings::test {

// Long enough for a sanitised build on a busy machine; a passing test never waits so long.
inline constexpr std::chrono::seconds patience{90};

// Asks `condition` every few milliseconds until it holds. False: it did not hold within `limit`.
template <class Condition>
bool eventually(Condition&& condition, std::chrono::milliseconds limit = patience) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    return true;
}

}  // namespace tidings::test
