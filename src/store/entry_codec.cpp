#include "store/entry_codec.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstring>

namespace tidings {
namespace {

constexpr std::uint8_t version = 1;
constexpr Milliseconds milliseconds_max = (Milliseconds{1} << 48) - 1;

void put(std::string& out, std::size_t count, std::uint64_t value) {
    for (std::size_t i = 0; i < count; ++i) out.push_back(static_cast<char>(value >> (8 * (count - 1 - i))));
}

void put_position(std::string& out, Position position) {
    put(out, 2, position.term);
    put(out, 6, std::min(position.milliseconds, milliseconds_max));
    put(out, 2, std::min<std::uint64_t>(position.sequence, 0xffff));
}

void put_text(std::string& out, std::size_t length_bytes, std::string_view text) {
    put(out, length_bytes, text.size());
    out.append(text);
}

// Reads what put() wrote; the first read beyond the end makes it fail for good.
class Reader {
public:
    explicit Reader(std::string_view bytes) : bytes_{bytes} {}

    std::uint64_t number(std::size_t count) noexcept {
        const auto taken = text(count);
        std::uint64_t value = 0;
        for (const char byte : taken) value = value << 8 | static_cast<std::uint8_t>(byte);
        return value;
    }
    std::string_view text(std::size_t count) noexcept {
        if (failed_ || bytes_.size() < count) {
            failed_ = true;
            return {};
        }
        const auto taken = bytes_.substr(0, count);
        bytes_.remove_prefix(count);
        return taken;
    }
    std::string_view sized_text(std::size_t length_bytes) noexcept {
        return text(static_cast<std::size_t>(number(length_bytes)));
    }
    Position position() noexcept {
        Position read;
        read.term = static_cast<std::uint16_t>(number(2));
        read.milliseconds = number(6);
        read.sequence = number(2);
        return read;
    }
    bool is_version() noexcept { return number(1) == version && !failed_; }
    std::string_view rest() const noexcept { return bytes_; }
    bool whole() const noexcept { return !failed_ && bytes_.empty(); }
    bool failed() const noexcept { return failed_; }

private:
    std::string_view bytes_;
    bool failed_ = false;
};

// CRC-32 as in zip: a resume checks every entry that it reads.
std::uint32_t checksum(std::string_view bytes) {
    const auto* first = reinterpret_cast<const Bytef*>(bytes.data());
    return static_cast<std::uint32_t>(::crc32_z(0, first, bytes.size()));
}

constexpr std::size_t entry_head = 5;            // version, checksum
constexpr std::size_t entry_fixed = 4 + 10 + 8;  // tag, previous, occurred_at

}  // namespace

std::array<std::uint8_t, 8> big_endian(std::uint64_t value) noexcept {
    std::array<std::uint8_t, 8> bytes{};
    for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<std::uint8_t>(value >> (8 * (7 - i)));
    return bytes;
}

std::optional<std::uint64_t> from_big_endian(std::string_view bytes) noexcept {
    Reader reader{bytes};
    const auto value = reader.number(8);
    if (reader.failed()) return std::nullopt;
    return value;
}

EntryKey entry_key(std::uint64_t log, Position position) noexcept {
    EntryKey key{};
    const auto fill = [&](std::size_t at, std::size_t count, std::uint64_t value) {
        for (std::size_t i = 0; i < count; ++i) {
            key[at + i] = static_cast<std::uint8_t>(value >> (8 * (count - 1 - i)));
        }
    };
    fill(0, 8, log);
    fill(8, 2, position.term);
    fill(10, 6, std::min(position.milliseconds, milliseconds_max));
    fill(16, 2, std::min<std::uint64_t>(position.sequence, 0xffff));
    return key;
}

std::optional<Position> position_of(std::string_view key) noexcept {
    Reader reader{key};
    reader.number(8);
    const auto position = reader.position();
    if (!reader.whole()) return std::nullopt;
    return position;
}

std::optional<std::uint64_t> log_of(std::string_view key) noexcept { return from_big_endian(key); }

void encode_entry(const Entry& entry, std::string& out) {
    out.clear();
    out.reserve(entry_head + entry_fixed + 10 + entry.type.size() + entry.category.size() + entry.key.size() +
                entry.data.size());
    put(out, 1, version);
    put(out, 4, 0);
    put(out, 4, entry.tag);
    put_position(out, entry.previous);
    put(out, 8, static_cast<std::uint64_t>(entry.occurred_at.time_since_epoch().count()));
    put_text(out, 2, entry.type);
    put_text(out, 2, entry.category);
    put_text(out, 2, entry.key);
    put_text(out, 4, entry.data);
    const auto sum = checksum(std::string_view{out}.substr(entry_head));
    for (std::size_t i = 0; i < 4; ++i) out[1 + i] = static_cast<char>(sum >> (8 * (3 - i)));
}

std::optional<Entry> decode_entry(std::string_view value) {
    Reader reader{value};
    if (!reader.is_version()) return std::nullopt;
    if (const auto sum = reader.number(4); reader.failed() || sum != checksum(reader.rest()))
        return std::nullopt;
    Entry entry;
    entry.tag = static_cast<std::uint32_t>(reader.number(4));
    entry.previous = reader.position();
    entry.occurred_at = Timestamp{std::chrono::microseconds{static_cast<std::int64_t>(reader.number(8))}};
    entry.type = reader.sized_text(2);
    entry.category = reader.sized_text(2);
    entry.key = reader.sized_text(2);
    entry.data = reader.sized_text(4);
    if (!reader.whole()) return std::nullopt;
    return entry;
}

std::optional<std::uint64_t> encoded_entry_bytes(std::string_view value) noexcept {
    Reader reader{value};
    if (!reader.is_version()) return std::nullopt;
    constexpr std::size_t before_texts = 4 + entry_fixed;
    constexpr std::size_t lengths = 2 + 2 + 2 + 4;
    if (reader.rest().size() < before_texts + lengths) return std::nullopt;
    return entry_bytes(Entry{}) + reader.rest().size() - before_texts - lengths;
}

std::string encode_log(const Audience& audience, const LogState& state) {
    std::string out;
    put(out, 1, version);
    put(out, 1, static_cast<std::uint64_t>(audience.kind));
    put_position(out, state.last);
    put_position(out, state.floor);
    put(out, 8, state.entries);
    put(out, 8, state.bytes);
    put(out, 8, state.expires);
    put(out, 1, state.closed ? 1 : 0);
    put_position(out, state.closed ? state.closed->position : Position{});
    put(out, 4, state.closed ? state.closed->tag : 0);
    put_text(out, 2, audience.name);
    return out;
}

std::optional<std::pair<Audience, LogState>> decode_log(std::string_view value) {
    Reader reader{value};
    if (!reader.is_version()) return std::nullopt;
    Audience audience;
    const auto kind = reader.number(1);
    if (kind > 2) return std::nullopt;
    audience.kind = static_cast<Audience::Kind>(kind);
    LogState state;
    state.last = reader.position();
    state.floor = reader.position();
    state.entries = reader.number(8);
    state.bytes = reader.number(8);
    state.expires = reader.number(8);
    const bool closed = reader.number(1) == 1;
    Tombstone tombstone;
    tombstone.position = reader.position();
    tombstone.tag = static_cast<std::uint32_t>(reader.number(4));
    if (closed) state.closed = tombstone;
    audience.name = reader.sized_text(2);
    if (!reader.whole()) return std::nullopt;
    return std::pair{std::move(audience), state};
}

std::string encode_key_state(const KeyState& state) {
    std::string out;
    put(out, 1, version);
    out.append(reinterpret_cast<const char*>(state.body.data()), state.body.size());
    put_position(out, state.position);
    put(out, 4, state.tag);
    put(out, 1, state.retained ? 1 : 0);
    put(out, 8, state.expires);
    return out;
}

std::optional<KeyState> decode_key_state(std::string_view value) {
    Reader reader{value};
    if (!reader.is_version()) return std::nullopt;
    KeyState state;
    const auto body = reader.text(state.body.size());
    std::copy(body.begin(), body.end(), state.body.begin());
    state.position = reader.position();
    state.tag = static_cast<std::uint32_t>(reader.number(4));
    state.retained = reader.number(1) == 1;
    state.expires = reader.number(8);
    if (!reader.whole()) return std::nullopt;
    return state;
}

std::string encode_terms(const TermTable& table) {
    std::string out;
    put(out, 1, version);
    put(out, 2, table.terms.size());
    for (const auto& term : table.terms) {
        put(out, 2, term.name.number);
        put(out, 4, term.name.tag);
        put_position(out, term.start);
        put_position(out, term.end);
        put(out, 1, (term.running ? 1U : 0U) | (term.sealed ? 2U : 0U));
    }
    return out;
}

std::optional<TermTable> decode_terms(std::string_view value) {
    Reader reader{value};
    if (!reader.is_version()) return std::nullopt;
    TermTable table;
    const auto count = reader.number(2);
    for (std::uint64_t i = 0; i < count && !reader.failed(); ++i) {
        Term term;
        term.name.number = static_cast<std::uint16_t>(reader.number(2));
        term.name.tag = static_cast<std::uint32_t>(reader.number(4));
        term.start = reader.position();
        term.end = reader.position();
        const auto flags = reader.number(1);
        term.running = (flags & 1U) != 0;
        term.sealed = (flags & 2U) != 0;
        table.terms.push_back(term);
    }
    if (!reader.whole()) return std::nullopt;
    return table;
}

std::string encode_partition(const PartitionRecord& record) {
    std::string out;
    put(out, 1, version);
    put(out, 8, record.limit);
    put(out, 8, record.next_log);
    for (const auto age : record.ages) put(out, 8, age);
    for (const auto moment : record.changes.at) put(out, 8, moment);
    return out;
}

std::optional<PartitionRecord> decode_partition(std::string_view value) {
    Reader reader{value};
    if (!reader.is_version()) return std::nullopt;
    PartitionRecord record;
    record.limit = reader.number(8);
    record.next_log = reader.number(8);
    for (auto& age : record.ages) age = reader.number(8);
    for (auto& moment : record.changes.at) moment = reader.number(8);
    if (!reader.whole()) return std::nullopt;
    return record;
}

}  // namespace tidings
