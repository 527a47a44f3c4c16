#include "redis/trouble_log.hpp"

#include <algorithm>

namespace tidings::redis {
namespace {

constexpr Milliseconds minute = 60'000;

}  // namespace

bool TroubleLog::says(const std::string& text, Milliseconds now) {
    std::erase_if(said_, [now](const auto& line) { return line.second + minute <= now; });
    const bool known = std::ranges::any_of(said_, [&](const auto& line) { return line.first == text; });
    if (known || said_.size() >= lines_max_) return false;
    said_.emplace_back(text, now);
    return true;
}

void TroubleLog::forget() noexcept {
    for (auto& line : said_) line.first.clear();
}

}  // namespace tidings::redis
