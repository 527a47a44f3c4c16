#pragma once
// The events under "tidings.": what the hub itself says in a stream (delivery: "Control events").

#include "base/position.hpp"
#include "sse/frame.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidings {

namespace control {

FramePtr caught_up(std::uint64_t replayed, const std::vector<std::string>& ignored_categories,
                   const Uuid& id);
FramePtr gap(const Gap& gap, const Uuid& id);
FramePtr checkpoint(const Uuid& id);
FramePtr expiring(Timestamp expires_at);
FramePtr topic_closed(std::string_view topic);

}  // namespace control

// "2026-11-22T05:00:00Z"
std::string whole_seconds(Timestamp moment);

}  // namespace tidings
