#include "base/terms.hpp"

#include "base/assert.hpp"

#include <algorithm>

namespace tidings {

const Term* TermTable::find(TermName name) const noexcept {
    const auto at =
        std::find_if(terms.begin(), terms.end(), [&](const Term& term) { return term.name == name; });
    return at == terms.end() ? nullptr : &*at;
}

const Term& TermTable::running() const {
    TIDINGS_ASSERT(!terms.empty() && terms.back().running);
    return terms.back();
}

bool TermTable::crosses_open_end(Position from) const noexcept {
    return std::any_of(terms.begin(), terms.end(), [&](const Term& term) {
        return !term.running && !term.sealed && term.name.number >= from.term;
    });
}

Position TermTable::at(Milliseconds moment) const noexcept {
    std::uint16_t number = terms.empty() ? std::uint16_t{0} : terms.front().name.number;
    for (const auto& term : terms) {
        if (term.start.milliseconds <= moment) number = term.name.number;
    }
    return {number, moment, 0};
}

CursorMeaning interpret(std::string_view cursor, const TermTable& terms, Position last) noexcept {
    if (cursor.empty()) return {CursorKind::none, {}};
    const auto uuid = Uuid::parse_any(cursor);
    if (!uuid) return {CursorKind::unknown_id, {}};
    const auto id = EventId::from(*uuid);
    if (!id) return {CursorKind::unknown_id, {}};
    const Term* term = terms.find(id->term());
    if (term == nullptr || id->position > last) return {CursorKind::store_reset, {}};
    if (!term->running && id->position > term->end) return {CursorKind::store_reset, {}};
    if (terms.crosses_open_end(id->position)) return {CursorKind::store_reset, {}};
    return {CursorKind::ours, id->position};
}

}  // namespace tidings
