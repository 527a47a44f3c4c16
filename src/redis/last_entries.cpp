#include "redis/last_entries.hpp"

namespace tidings::redis {

void LastEntries::note(TermName term, std::string_view audience, Position position) {
    if (term != term_) last_.clear();
    term_ = term;
    if (position.term != term.number) return;
    if (last_.size() >= logs_max && !last_.contains(std::string{audience})) last_.clear();
    auto& last = last_[std::string{audience}];
    last = std::max(last, position);
}

std::optional<Position> LastEntries::find(TermName term, std::string_view audience) const {
    if (term != term_) return std::nullopt;
    const auto found = last_.find(std::string{audience});
    return found == last_.end() ? std::nullopt : std::optional{found->second};
}

}  // namespace tidings::redis
