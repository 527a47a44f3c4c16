#include "fanout/control_events.hpp"

#include "base/json.hpp"

#include <array>
#include <cstdio>

namespace tidings {

std::string_view name_of(GapReason reason) noexcept {
    switch (reason) {
        case GapReason::unknown_id: return "unknown_id";
        case GapReason::trimmed: return "trimmed";
        case GapReason::store_reset: return "store_reset";
        case GapReason::overflow: return "overflow";
        case GapReason::foreign: return "foreign";
    }
    return "trimmed";
}

std::string whole_seconds(Timestamp moment) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(moment);
    const auto day = std::chrono::floor<std::chrono::days>(seconds);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss time{seconds - day};
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                  static_cast<int>(time.seconds().count()));
    return text.data();
}

namespace control {

FramePtr caught_up(std::uint64_t replayed, const std::vector<std::string>& ignored_categories,
                   const Uuid& id) {
    std::string data = "{\"replayed\":" + std::to_string(replayed) + ",\"ignored_categories\":[";
    for (std::size_t i = 0; i < ignored_categories.size(); ++i) {
        if (i > 0) data += ',';
        data += quoted(ignored_categories[i]);
    }
    return Frame::control("tidings.caught_up", data + "]}", id);
}

FramePtr gap(const Gap& gap, const Uuid& id) {
    std::string data = "{\"reason\":\"";
    data.append(name_of(gap.reason)).append("\"");
    if (gap.count) data.append(",\"count\":").append(std::to_string(*gap.count));
    if (gap.oldest) data.append(",\"oldest\":\"").append(whole_seconds(*gap.oldest)).append("\"");
    return Frame::control("tidings.gap", data + "}", id);
}

FramePtr checkpoint(const Uuid& id) { return Frame::control("tidings.checkpoint", "{}", id); }

FramePtr expiring(Timestamp expires_at) {
    return Frame::control("tidings.expiring", "{\"expires_at\":\"" + whole_seconds(expires_at) + "\"}",
                          std::nullopt);
}

FramePtr topic_closed(std::string_view topic) {
    return Frame::control("tidings.closed", "{\"topic\":" + quoted(topic) + "}", std::nullopt);
}

}  // namespace control
}  // namespace tidings
