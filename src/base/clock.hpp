#pragma once
// The wall clock as an argument: pure code and stores never ask the system themselves.

#include "base/position.hpp"

#include <functional>

namespace tidings {

using WallClock = std::function<Milliseconds()>;  // milliseconds since 1970-01-01 UTC
using RandomSource = std::function<std::uint64_t()>;

}  // namespace tidings
