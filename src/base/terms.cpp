#include "base/terms.hpp"

#include "base/assert.hpp"

#include <algorithm>

namespace tidings {
namespace {

CursorMeaning within(const Term* term, Position position, const TermTable& terms, Position last) noexcept {
    if (term == nullptr || position > last) return {CursorKind::store_reset, {}};
    if (!term->running && position > term->end) return {CursorKind::store_reset, {}};
    if (terms.crosses_open_end(position)) return {CursorKind::store_reset, {}};
    return {CursorKind::ours, position};
}

}  // namespace

const Term* TermTable::find(TermName name) const noexcept {
    const auto at =
        std::find_if(terms.begin(), terms.end(), [&](const Term& term) { return term.name == name; });
    return at == terms.end() ? nullptr : &*at;
}

const Term* TermTable::find(std::uint16_t number) const noexcept {
    const auto at = std::find_if(terms.begin(), terms.end(),
                                 [&](const Term& term) { return term.name.number == number; });
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
    return within(terms.find(id->term()), id->position, terms, last);
}

CursorMeaning interpret(Position stand, const TermTable& terms, Position last) noexcept {
    if (stand == Position{}) return {CursorKind::ours, stand};
    return within(terms.find(stand.term), stand, terms, last);
}

}  // namespace tidings
