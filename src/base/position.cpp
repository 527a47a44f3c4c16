#include "base/position.hpp"

#include <algorithm>

namespace tidings {
namespace {

void put(Uuid& uuid, std::size_t at, std::size_t count, std::uint64_t value) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        uuid.bytes[at + i] = static_cast<std::uint8_t>(value >> (8 * (count - 1 - i)));
    }
}

std::uint64_t take(const Uuid& uuid, std::size_t at, std::size_t count) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value = value << 8 | uuid.bytes[at + i];
    return value;
}

}  // namespace

Position Position::next() const noexcept {
    if (sequence >= sequence_max) return {term, milliseconds + 1, 0};
    return {term, milliseconds, sequence + 1};
}

Position Position::before() const noexcept {
    if (sequence > 0) return {term, milliseconds, sequence - 1};
    if (milliseconds > 0) return {term, milliseconds - 1, sequence_max};
    return {term, 0, 0};
}

Uuid EventId::uuid() const noexcept {
    Uuid uuid;
    put(uuid, 0, 6, position.milliseconds);
    put(uuid, 6, 2, 0x7000U | std::min(position.sequence, Position::sequence_max));
    // variant 10, then tag, term and partition in the 62 bits that are left
    const std::uint64_t low = std::uint64_t{2} << 62 | std::uint64_t{tag} << 30 |
                              std::uint64_t{position.term} << 14 | (partition & 0x3fffU);
    put(uuid, 8, 8, low);
    return uuid;
}

std::optional<EventId> EventId::from(const Uuid& uuid) noexcept {
    const std::uint64_t low = take(uuid, 8, 8);
    if (uuid.version() != 7 || low >> 62 != 2) return std::nullopt;
    EventId id;
    id.position.milliseconds = take(uuid, 0, 6);
    id.position.sequence = take(uuid, 6, 2) & Position::sequence_max;
    id.position.term = static_cast<std::uint16_t>(low >> 14);
    id.tag = static_cast<std::uint32_t>(low >> 30);
    id.partition = static_cast<std::uint16_t>(low & 0x3fffU);
    return id;
}

Position mint(Position last, std::uint16_t term, Milliseconds now) noexcept {
    const Position fresh{term, now, 0};
    const Position least = Position{term, last.milliseconds, last.sequence}.next();
    return fresh > least ? fresh : least;
}

}  // namespace tidings
