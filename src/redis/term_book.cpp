#include "redis/term_book.hpp"

#include <algorithm>

namespace tidings::redis {
namespace {

constexpr std::size_t extents_max = 8;
constexpr std::size_t joins_max = 256;
constexpr std::size_t tags_max = 1024;

}  // namespace

bool TermBook::learn(TermFacts facts) {
    const TermName running = facts.table.running().name;
    const bool begun = running != known_;
    // Marks of a term of the same number say nothing of this one.
    const auto before = tags_.find(running.number);
    if (before != tags_.end() && before->second != running.tag) extents_.erase(running.number);
    for (const auto& term : facts.table.terms) tags_.emplace(term.name.number, term.name.tag);
    while (tags_.size() > tags_max) tags_.erase(tags_.begin());
    TermTable shown = facts.table;
    std::erase_if(shown.terms, [this](const Term& term) {
        const auto tag = tags_.find(term.name.number);
        return !term.running && tag != tags_.end() && tag->second != term.name.tag;
    });
    tags_[running.number] = running.tag;
    known_ = running;
    facts_ = std::move(facts);
    table_ = std::make_shared<const TermTable>(std::move(shown));
    return begun;
}

void TermBook::raise(Position position, std::optional<Position> Extent::* which) {
    auto& mark = extents_[position.term].*which;
    mark = std::max(mark.value_or(Position{}), position);
    while (extents_.size() > extents_max) extents_.erase(extents_.begin());
}

StateCall TermBook::state_call() const {
    StateCall call;
    call.seen_version = version_;
    call.joins.assign(joins_.begin(), joins_.end());
    call.joins_forgotten_to = joins_forgotten_to_;
    if (table_ == nullptr) return call;
    // The server's terms, not those that are shown: what waits may be a term that this writer never ran in.
    // The one that runs here may be the next to end there.
    const auto& terms = facts_.table.terms;
    const auto first = terms.size() > extents_max ? terms.size() - extents_max : 0;
    for (std::size_t i = first; i < terms.size(); ++i) {
        TermReport report;
        report.term = terms[i].name;
        const auto tag = tags_.find(report.term.number);
        const auto extent = extents_.find(report.term.number);
        if (tag != tags_.end() && tag->second == report.term.tag && extent != extents_.end()) {
            report.acknowledged = extent->second.acknowledged;
            report.seen = extent->second.seen;
        }
        call.reports.push_back(report);
    }
    return call;
}

bool TermBook::joined(const StateReply& reply) {
    // Versions that lie ahead were lost with the server's memory, and are decided by now.
    if (!reply.facts.pending) {
        std::erase_if(joins_, [&](const auto& join) { return join.second > reply.version; });
        joins_forgotten_to_ = std::min(joins_forgotten_to_, reply.version);
    }
    // While a term waits for reports, what was known before it ended counts: to join anew since then, because
    // the server was away for long, takes nothing of that back.
    for (const auto& [instance, version] : reply.members) {
        auto& known = joins_[instance];
        if (known == 0 || !reply.facts.pending) known = version;
    }
    version_ = reply.version;
    prune();
    return reply.ready;
}

void TermBook::heard_join(const std::string& instance, std::uint64_t version) {
    joins_[instance] = std::max(joins_[instance], version);
    prune();
}

void TermBook::prune() {
    while (joins_.size() > joins_max) {
        const auto oldest = std::min_element(
            joins_.begin(), joins_.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
        joins_forgotten_to_ = std::max(joins_forgotten_to_, oldest->second);
        joins_.erase(oldest);
    }
}

}  // namespace tidings::redis
