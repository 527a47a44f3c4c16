#pragma once
// Positions and terms as the scripts write them.

#include "base/position.hpp"
#include "base/terms.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidings::redis {

// "<term>-<milliseconds>-<sequence>", as in `prev` and in results.
std::string position_text(Position position);
std::optional<Position> parse_position(std::string_view text) noexcept;

// "<milliseconds>-<sequence>": an entry id. The sequence may need 64 bits where others minted it.
struct EntryId {
    Milliseconds milliseconds = 0;
    std::uint64_t sequence = 0;
    auto operator<=>(const EntryId&) const = default;
};
std::string entry_id_text(Position position);
std::optional<EntryId> parse_entry_id(std::string_view text) noexcept;

// The ended terms "number:tag:start:end_ms:end_seq:state …" and the running one. State "s" is sealed; "o",
// "p" and "q" are not. None: not such a text.
std::optional<TermTable> parse_terms(std::string_view ended, TermName running, Milliseconds start);

}  // namespace tidings::redis
