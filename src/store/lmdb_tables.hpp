#pragma once
// Logs, entries and idempotency keys inside one LMDB transaction.

#include "store/entry_codec.hpp"
#include "store/lmdb_env.hpp"

namespace tidings {

// Lives as long as its transaction, on the same thread. The first failure stays in status() and stops
// everything after it; the transaction must then be aborted.
class LmdbTables final : public LogTables {
public:
    LmdbTables(MDB_txn* txn, const LmdbDatabases& databases, PartitionRecord& record)
        : txn_{txn}, databases_{databases}, record_{record} {}

    std::optional<LogState> find(const Audience& audience) override;
    void create(const Audience& audience, LogState& state) override;
    void save(const Audience& audience, const LogState& state) override;
    void erase(const Audience& audience, const LogState& state) override;
    void add(const LogState& state, const Entry& entry) override;
    Removed remove_oldest(const LogState& state) override;
    std::optional<KeyState> find_key(const Digest& key) override;
    void save_key(const Digest& key, Audience::Kind kind, const KeyState& state) override;
    std::optional<std::pair<Audience, LogState>> first_expired(Milliseconds clock) override;
    bool erase_expired_key(Milliseconds clock) override;
    bool has_room(std::uint64_t) override { return true; }  // the committer asked the environment before

    int status() const noexcept { return status_; }
    void save_partition();
    void save_terms(const TermTable& table);
    std::optional<PartitionRecord> load_partition();
    std::optional<TermTable> load_terms();
    // The earliest moment at which something may have expired; the greatest number if there is nothing.
    Milliseconds next_due();

private:
    std::optional<std::string_view> find_value(MDB_dbi dbi, std::string_view key);
    std::optional<std::string_view> first_key(MDB_dbi dbi);
    void put(MDB_dbi dbi, std::string_view key, std::string_view value);
    void remove(MDB_dbi dbi, std::string_view key);
    void fail(int code) noexcept {
        if (status_ == 0) status_ = code;
    }

    MDB_txn* txn_;
    const LmdbDatabases& databases_;
    PartitionRecord& record_;
    std::string buffer_;
    int status_ = 0;
};

}  // namespace tidings
