#pragma once
// Logs, entries and idempotency keys in memory.

#include "store/log_rules.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <deque>
#include <list>
#include <memory>
#include <span>

namespace tidings {

// An entry as a log in memory keeps it: its texts stand in one block, its audience is the log's.
class KeptEntry {
public:
    explicit KeptEntry(const Entry& entry);

    Position position() const noexcept { return position_; }
    std::uint64_t bytes() const noexcept;  // entry_bytes() of the entry
    Entry entry(const Audience& audience) const;
    // Gives the texts back; nothing may be asked of it any more.
    void forget() noexcept { texts_.reset(); }

private:
    Position position_;
    Position previous_;
    Timestamp occurred_at_;
    std::uint32_t tag_ = 0;
    std::uint32_t type_bytes_ = 0, category_bytes_ = 0, key_bytes_ = 0, data_bytes_ = 0;
    std::unique_ptr<char[]> texts_;  // type, category, key, data
};

// Owned by the memory store and guarded by its lock. Bounded by `bytes_max` over entries, logs and keys.
class MemoryTables final : public LogTables {
public:
    explicit MemoryTables(std::size_t bytes_max) : bytes_max_{bytes_max} {}
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
    bool has_room(std::uint64_t bytes) override { return bytes_ + bytes <= bytes_max_; }

    // A log's entries, oldest first; valid until the next change.
    std::span<const KeptEntry> entries(const LogState& state) const;
    std::uint64_t logs() const noexcept { return logs_.size(); }
    std::uint64_t entries() const noexcept { return entries_; }
    std::uint64_t bytes() const noexcept { return bytes_; }

private:
    // Entries from `first` on live; those before it are gone and their room is given back now and then.
    struct Log {
        Audience audience;
        LogState state;
        std::vector<KeptEntry> entries;
        std::size_t first = 0;
        std::list<std::uint64_t>::iterator place;
    };
    struct DigestHash {
        std::size_t operator()(const Digest& digest) const noexcept;
    };
    struct AudienceHash {
        std::size_t operator()(const Audience& audience) const noexcept;
    };
    Log& log_of(const LogState& state);
    std::list<std::uint64_t>& order_of(Audience::Kind kind) { return order_[static_cast<std::size_t>(kind)]; }

    boost::unordered_flat_map<Audience, std::uint64_t, AudienceHash> names_;
    boost::unordered_flat_map<std::uint64_t, std::unique_ptr<Log>> logs_;
    // The log that was asked for last: an append asks four times for one. Null: none.
    Log* recent_ = nullptr;
    // The logs of each kind by their last append, oldest first: all of a kind have the same age.
    std::array<std::list<std::uint64_t>, 3> order_;
    boost::unordered_flat_map<Digest, KeyState, DigestHash> keys_;
    std::array<std::deque<std::pair<Milliseconds, Digest>>, 3> key_order_;
    std::uint64_t next_number_ = 1;
    std::uint64_t entries_ = 0;
    std::uint64_t bytes_ = 0;
    std::size_t bytes_max_;
};

}  // namespace tidings
