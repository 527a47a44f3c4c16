#pragma once
// The bytes of the LMDB store's keys and values (docs/formats.md, "LMDB store"). Pure. Every value begins
// with its version; what another version wrote, or what does not check, decodes to nothing.

#include "store/log_rules.hpp"

#include <string>
#include <string_view>

namespace tidings {

// Log number 8, term 2, milliseconds 6, sequence 2 bytes, big-endian, so that byte order is position order.
using EntryKey = std::array<std::uint8_t, 18>;
EntryKey entry_key(std::uint64_t log, Position position) noexcept;
std::optional<Position> position_of(std::string_view key) noexcept;  // none: not 18 bytes
std::optional<std::uint64_t> log_of(std::string_view key) noexcept;

void encode_entry(const Entry& entry, std::string& out);
// Audience and position come from the key, not from the value. None: torn, or of another version.
std::optional<Entry> decode_entry(std::string_view value);
// The same as entry_bytes() of the decoded entry, without decoding it.
std::optional<std::uint64_t> encoded_entry_bytes(std::string_view value) noexcept;

std::string encode_log(const Audience& audience, const LogState& state);
std::optional<std::pair<Audience, LogState>> decode_log(
    std::string_view value);  // the number comes from the key

std::string encode_key_state(const KeyState& state);
std::optional<KeyState> decode_key_state(std::string_view value);

std::string encode_terms(const TermTable& table);
std::optional<TermTable> decode_terms(std::string_view value);

// What the partition's own record keeps beside its terms.
struct PartitionRecord {
    Milliseconds limit = 0;      // nothing was minted, and nothing given out as a bound, at or beyond it
    std::uint64_t next_log = 1;  // the number of the next new log
    std::array<Milliseconds, 3> ages{};
    AgeChanges changes;
    bool operator==(const PartitionRecord&) const = default;
};
std::string encode_partition(const PartitionRecord& record);
std::optional<PartitionRecord> decode_partition(std::string_view value);

// A number in eight big-endian bytes, for keys.
std::array<std::uint8_t, 8> big_endian(std::uint64_t value) noexcept;
std::optional<std::uint64_t> from_big_endian(std::string_view bytes) noexcept;  // of the first eight

}  // namespace tidings
