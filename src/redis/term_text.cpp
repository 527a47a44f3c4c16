#include "redis/term_text.hpp"

#include <array>
#include <charconv>
#include <span>

namespace tidings::redis {
namespace {

constexpr Milliseconds milliseconds_max = (Milliseconds{1} << 48) - 1;

// Reads numbers with a separator between them; all of the text.
bool read_numbers(std::string_view text, char separator, std::span<std::uint64_t> numbers) noexcept {
    const char* at = text.data();
    const char* const end = at + text.size();
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (i > 0 && (at == end || *at++ != separator)) return false;
        const auto [next, ec] = std::from_chars(at, end, numbers[i]);
        if (ec != std::errc{} || next == at) return false;
        at = next;
    }
    return at == end;
}

std::optional<Term> parse_ended(std::string_view text) {
    if (text.size() < 3 || text[text.size() - 2] != ':') return std::nullopt;
    const char state = text.back();
    std::array<std::uint64_t, 5> numbers{};
    if (!read_numbers(text.substr(0, text.size() - 2), ':', numbers)) return std::nullopt;
    const bool fits = numbers[0] <= 0xffff && numbers[1] <= 0xffffffff && numbers[2] <= milliseconds_max &&
                      numbers[3] <= milliseconds_max &&
                      (state == 's' || state == 'o' || state == 'p' || state == 'q');
    if (!fits) return std::nullopt;
    Term term;
    const auto number = static_cast<std::uint16_t>(numbers[0]);
    term.name = {number, static_cast<std::uint32_t>(numbers[1])};
    term.start = {number, numbers[2], 0};
    term.end = {number, numbers[3], numbers[4]};
    term.sealed = state == 's';
    return term;
}

}  // namespace

std::string position_text(Position position) {
    return std::to_string(position.term) + "-" + entry_id_text(position);
}

std::optional<Position> parse_position(std::string_view text) noexcept {
    std::array<std::uint64_t, 3> numbers{};
    if (!read_numbers(text, '-', numbers)) return std::nullopt;
    if (numbers[0] > 0xffff || numbers[1] > milliseconds_max) return std::nullopt;
    return Position{static_cast<std::uint16_t>(numbers[0]), numbers[1], numbers[2]};
}

std::string entry_id_text(Position position) {
    return std::to_string(position.milliseconds) + "-" + std::to_string(position.sequence);
}

std::optional<EntryId> parse_entry_id(std::string_view text) noexcept {
    std::array<std::uint64_t, 2> numbers{};
    if (!read_numbers(text, '-', numbers)) return std::nullopt;
    return EntryId{numbers[0], numbers[1]};
}

std::optional<TermTable> parse_terms(std::string_view ended, TermName running, Milliseconds start) {
    TermTable table;
    while (!ended.empty()) {
        const auto space = ended.find(' ');
        const auto word = ended.substr(0, space);
        ended.remove_prefix(space == std::string_view::npos ? ended.size() : space + 1);
        if (word.empty()) continue;
        const auto term = parse_ended(word);
        if (!term) return std::nullopt;
        if (!table.terms.empty() && table.terms.back().name.number >= term->name.number) return std::nullopt;
        table.terms.push_back(*term);
    }
    if (!table.terms.empty() && table.terms.back().name.number >= running.number) return std::nullopt;
    Term now;
    now.name = running;
    now.start = {running.number, start, 0};
    now.running = true;
    table.terms.push_back(now);
    return table;
}

}  // namespace tidings::redis
