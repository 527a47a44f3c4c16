#include "store/lmdb_tables.hpp"

#include <limits>

namespace tidings {
namespace {

template <std::size_t N>
std::string_view view_of(const std::array<std::uint8_t, N>& bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), N};
}

std::string due_key(Milliseconds moment, std::string_view what) {
    std::string key{view_of(big_endian(moment))};
    return key.append(what);
}

}  // namespace

std::optional<std::string_view> LmdbTables::find_value(MDB_dbi dbi, std::string_view key) {
    if (status_ != 0) return std::nullopt;
    MDB_val key_value = value_of(key);
    MDB_val value{};
    const int code = mdb_get(txn_, dbi, &key_value, &value);
    if (code == 0) return tidings::view_of(value);
    if (code != MDB_NOTFOUND) fail(code);
    return std::nullopt;
}

std::optional<std::string_view> LmdbTables::first_key(MDB_dbi dbi) {
    if (status_ != 0) return std::nullopt;
    MDB_cursor* cursor = nullptr;
    int code = mdb_cursor_open(txn_, dbi, &cursor);
    if (code != 0) {
        fail(code);
        return std::nullopt;
    }
    MDB_val key{};
    MDB_val value{};
    code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    mdb_cursor_close(cursor);
    if (code == 0) return tidings::view_of(key);
    if (code != MDB_NOTFOUND) fail(code);
    return std::nullopt;
}

void LmdbTables::put(MDB_dbi dbi, std::string_view key, std::string_view value) {
    if (status_ != 0) return;
    MDB_val key_value = value_of(key);
    MDB_val data = value_of(value);
    if (const int code = mdb_put(txn_, dbi, &key_value, &data, 0); code != 0) fail(code);
}

void LmdbTables::remove(MDB_dbi dbi, std::string_view key) {
    if (status_ != 0) return;
    MDB_val key_value = value_of(key);
    const int code = mdb_del(txn_, dbi, &key_value, nullptr);
    if (code != 0 && code != MDB_NOTFOUND) fail(code);
}

std::optional<LogState> LmdbTables::find(const Audience& audience) {
    if (audience.name.size() > audience_name_max) return std::nullopt;  // longer than LMDB's keys may be
    const auto name = find_value(databases_.names, audience.text());
    if (!name) return std::nullopt;
    const auto number = from_big_endian(*name);
    const auto value = number ? find_value(databases_.logs, view_of(big_endian(*number))) : std::nullopt;
    auto decoded = value ? decode_log(*value) : std::nullopt;
    if (!decoded) {
        fail(MDB_CORRUPTED);
        return std::nullopt;
    }
    decoded->second.number = *number;
    return decoded->second;
}

void LmdbTables::create(const Audience& audience, LogState& state) {
    state.number = record_.next_log++;
    const auto number = big_endian(state.number);
    put(databases_.names, audience.text(), view_of(number));
    put(databases_.expiry, due_key(state.expires, view_of(number)), {});
}

void LmdbTables::save(const Audience& audience, const LogState& state) {
    put(databases_.logs, view_of(big_endian(state.number)), encode_log(audience, state));
}

void LmdbTables::erase(const Audience& audience, const LogState& state) {
    // Its place in the expiry index is found empty by a later sweep.
    remove(databases_.logs, view_of(big_endian(state.number)));
    remove(databases_.names, audience.text());
}

void LmdbTables::add(const LogState& state, const Entry& entry) {
    encode_entry(entry, buffer_);
    put(databases_.entries, view_of(entry_key(state.number, entry.position)), buffer_);
}

LogTables::Removed LmdbTables::remove_oldest(const LogState& state) {
    if (status_ != 0) return {};
    MDB_cursor* cursor = nullptr;
    int code = mdb_cursor_open(txn_, databases_.entries, &cursor);
    if (code != 0) {
        fail(code);
        return {};
    }
    const auto least = entry_key(state.number, {});
    MDB_val key = value_of(view_of(least));
    MDB_val value{};
    Removed removed;
    code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    if (code == 0) {
        const auto position = position_of(tidings::view_of(key));
        const auto bytes = encoded_entry_bytes(tidings::view_of(value));
        if (position && bytes && log_of(tidings::view_of(key)) == state.number) {
            removed = {*position, *bytes};
            code = mdb_cursor_del(cursor, 0);
        } else {
            code = MDB_CORRUPTED;  // the log's count says that there is an entry
        }
    }
    mdb_cursor_close(cursor);
    if (code != 0) fail(code == MDB_NOTFOUND ? MDB_CORRUPTED : code);
    return removed;
}

std::optional<KeyState> LmdbTables::find_key(const Digest& key) {
    const auto value = find_value(databases_.keys, view_of(key));
    if (!value) return std::nullopt;
    auto state = decode_key_state(*value);
    if (!state) fail(MDB_CORRUPTED);
    return state;
}

void LmdbTables::save_key(const Digest& key, Audience::Kind, const KeyState& state) {
    put(databases_.keys, view_of(key), encode_key_state(state));
    put(databases_.key_expiry, due_key(state.expires, view_of(key)), {});
}

std::optional<std::pair<Audience, LogState>> LmdbTables::first_expired(Milliseconds clock) {
    // An index place is made at a log's birth and moved on when it comes up, so that an append need not touch
    // it.
    for (int moved = 0; moved < 256; ++moved) {
        const auto first = first_key(databases_.expiry);
        if (!first || from_big_endian(*first).value_or(0) >= clock) return std::nullopt;
        const std::string place{*first};
        const auto number = std::string_view{place}.substr(8);
        const auto value = find_value(databases_.logs, number);
        if (status_ != 0) return std::nullopt;
        if (!value) {
            remove(databases_.expiry, place);
            continue;
        }
        auto log = decode_log(*value);
        if (!log || number.size() != 8) {
            fail(MDB_CORRUPTED);
            return std::nullopt;
        }
        log->second.number = *from_big_endian(number);
        if (expired(log->second, clock)) return log;
        remove(databases_.expiry, place);
        put(databases_.expiry, due_key(log->second.expires, number), {});
    }
    return std::nullopt;
}

bool LmdbTables::erase_expired_key(Milliseconds clock) {
    const auto first = first_key(databases_.key_expiry);
    if (!first || from_big_endian(*first).value_or(0) >= clock) return false;
    const std::string place{*first};
    const auto digest = std::string_view{place}.substr(8);
    remove(databases_.key_expiry, place);
    // A key that was used anew after it had expired has a later place too.
    if (const auto value = find_value(databases_.keys, digest)) {
        const auto state = decode_key_state(*value);
        if (!state || state->expires < clock) remove(databases_.keys, digest);
    }
    return status_ == 0;
}

void LmdbTables::save_partition() { put(databases_.meta, "partition", encode_partition(record_)); }

void LmdbTables::save_terms(const TermTable& table) { put(databases_.meta, "terms", encode_terms(table)); }

std::optional<PartitionRecord> LmdbTables::load_partition() {
    const auto value = find_value(databases_.meta, "partition");
    if (!value) return std::nullopt;
    auto record = decode_partition(*value);
    if (!record) fail(MDB_CORRUPTED);
    return record;
}

std::optional<TermTable> LmdbTables::load_terms() {
    const auto value = find_value(databases_.meta, "terms");
    if (!value) return std::nullopt;
    auto table = decode_terms(*value);
    if (!table || table->terms.empty()) fail(MDB_CORRUPTED);
    return table;
}

Milliseconds LmdbTables::next_due() {
    Milliseconds due = std::numeric_limits<Milliseconds>::max();
    for (const auto dbi : {databases_.expiry, databases_.key_expiry}) {
        if (const auto first = first_key(dbi)) due = std::min(due, from_big_endian(*first).value_or(0));
    }
    return due;
}

}  // namespace tidings
