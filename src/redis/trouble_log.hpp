#pragma once
// Which troubles are worth a line of the log: what others cause over and over must not fill it.

#include "base/position.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace tidings::redis {

// A value, used by one thread. Says a text again only after a minute, and not more than `lines_max` in any
// minute.
class TroubleLog {
public:
    explicit TroubleLog(std::size_t lines_max) : lines_max_{lines_max} {}

    // Whether this trouble gets a line now.
    bool says(const std::string& text, Milliseconds now);
    // All is well: the same trouble is news when it comes again.
    void forget() noexcept;

private:
    std::size_t lines_max_;
    std::vector<std::pair<std::string, Milliseconds>> said_;  // in the last minute; empty texts are forgotten
};

}  // namespace tidings::redis
