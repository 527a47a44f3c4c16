#pragma once
// What happens to a log: minting, floors, trimming, expiry, tombstones, idempotency keys. Pure; memory and
// LMDB keep the tables, these rules decide, so that both stores cannot disagree.

#include "store/store.hpp"

#include <optional>
#include <utility>
#include <vector>

namespace tidings {

using Digest = std::array<std::uint8_t, 32>;
inline constexpr std::size_t audience_name_max = 256;

struct Tombstone {
    Position position;
    std::uint32_t tag = 0;
    bool operator==(const Tombstone&) const = default;
};

// All that is kept of a log beside its entries.
struct LogState {
    std::uint64_t number = 0;  // given by the tables, never used again
    Position last;             // of its last entry or tombstone
    Position floor;            // the oldest entry's `prev`
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;  // entry_bytes() of them together
    std::optional<Tombstone> closed{};
    Milliseconds expires = 0;  // the log is dead once the partition's clock is beyond
    bool operator==(const LogState&) const = default;
};

// An idempotency key that was used: what it published, and the digest of its body.
struct KeyState {
    Digest body{};
    Position position;
    std::uint32_t tag = 0;
    bool retained = true;  // else the first answer was the nil id
    Milliseconds expires = 0;
    bool operator==(const KeyState&) const = default;
};

// Where logs, entries and keys lie. Implemented by each embedded store and used by one thread at a time. A
// table that can fail remembers its first failure and does nothing from then on; its owner asks before it
// commits.
class LogTables {
public:
    virtual std::optional<LogState> find(const Audience& audience) = 0;
    virtual void create(const Audience& audience, LogState& state) = 0;  // sets its number
    virtual void save(const Audience& audience, const LogState& state) = 0;
    virtual void erase(const Audience& audience, const LogState& state) = 0;  // its entries are gone already
    virtual void add(const LogState& state, const Entry& entry) = 0;
    struct Removed {
        Position position;
        std::uint64_t bytes = 0;
    };
    virtual Removed remove_oldest(const LogState& state) = 0;  // of a log that has entries
    virtual std::optional<KeyState> find_key(const Digest& key) = 0;
    virtual void save_key(const Digest& key, Audience::Kind kind, const KeyState& state) = 0;
    // Some log that is dead at `clock`, for the sweep.
    virtual std::optional<std::pair<Audience, LogState>> first_expired(Milliseconds clock) = 0;
    // Forgets one key that has expired at `clock`; false: there is none.
    virtual bool erase_expired_key(Milliseconds clock) = 0;
    // Whether so many more bytes may be kept.
    virtual bool has_room(std::uint64_t bytes) = 0;

protected:
    ~LogTables() = default;
};

// An age that was made longer must not make a floor older than what the shorter age has let die.
struct AgeChanges {
    std::array<Milliseconds, 3> at{};  // by Audience::Kind
    bool operator==(const AgeChanges&) const = default;
};

// The clock and the terms of one partition. The clock never goes back, whatever the wall clock does:
// positions, bounds and every decision about age come from it. Owned by a store; used by one thread at a
// time.
class Partition {
public:
    Partition(std::shared_ptr<const TermTable> terms, Position last, AgeChanges changes = {});

    void observe(Milliseconds wall) noexcept;
    Position mint() noexcept;  // strictly above everything that was minted before

    Position last() const noexcept { return last_; }
    Milliseconds clock() const noexcept { return clock_; }
    std::uint32_t tag() const noexcept { return terms_->running().name.tag; }
    const std::shared_ptr<const TermTable>& terms() const noexcept { return terms_; }
    const AgeChanges& age_changes() const noexcept { return changes_; }

private:
    std::shared_ptr<const TermTable> terms_;  // shared with every bound that was given out
    Position last_;
    Milliseconds clock_;
    AgeChanges changes_;
};

// The retention that holds, with at least one entry: a log's newest entry is never trimmed.
Milliseconds age_of(const RetentionPolicy& policy, Audience::Kind kind) noexcept;
// What an entry counts against Retention::bytes, in every store alike.
std::uint64_t entry_bytes(const AppendItem& item) noexcept;
std::uint64_t entry_bytes(const Entry& entry) noexcept;
std::uint64_t entry_bytes(std::uint64_t texts) noexcept;  // of its type, category, data and key together

bool expired(const LogState& state, Milliseconds clock) noexcept;
// The floor of a log that is absent or is born now: the clock minus the age, but not before the age's last
// change.
Position absent_floor(const TermTable& terms, Milliseconds clock, Milliseconds age,
                      Milliseconds changed) noexcept;
bool holds_too_much(const LogState& state, const Retention& retention) noexcept;

// The next table of terms at an open: the running one ends at `limit` (sealed or not), a new one begins
// there, and terms that ended more than `keep` before are forgotten. None where term numbers are used up.
std::optional<TermTable> next_terms(TermTable terms, Milliseconds limit, std::uint32_t tag, bool sealed,
                                    Milliseconds keep);

// Why no store takes such an item; none: it is fine.
std::optional<Error> malformed(const AppendItem& item, const Limits& limits);

// Appends items one by one to the tables. `published` receives what goes to the listener, in order.
class Appender {
public:
    Appender(LogTables& tables, Partition& partition, const RetentionPolicy& policy, const Limits& limits)
        : tables_{tables}, partition_{partition}, policy_{policy}, limits_{limits} {}

    Result<Appended> append(const AppendItem& item, std::vector<Entry>& published);
    // The same for an item that nobody asks for again: its texts become the entry's.
    Result<Appended> append(AppendItem&& item, std::vector<Entry>& published);
    // Removes what has died, at most `budget` entries, logs and keys; returns how many it removed.
    std::size_t sweep(std::size_t budget);
    // How many entries were removed by retention so far.
    std::uint64_t trimmed() const noexcept { return trimmed_; }

private:
    std::optional<Result<Appended>> known_key(const AppendItem& item);
    std::optional<Result<Appended>> refused(const AppendItem& item, const std::optional<LogState>& log) const;
    void remember_key(const AppendItem& item, const Appended& appended);
    void trim_oldest(LogState& log);
    // Item: const AppendItem&, or AppendItem.
    template <class Item>
    Result<Appended> append_any(Item&& item, std::vector<Entry>& published);
    template <class Item>
    Appended pass_unretained(Item&& item, std::vector<Entry>& published);
    template <class Item>
    Appended keep(Item&& item, std::optional<LogState> log, std::vector<Entry>& published);

    LogTables& tables_;
    Partition& partition_;
    const RetentionPolicy& policy_;
    const Limits& limits_;
    std::uint64_t trimmed_ = 0;
};

// The head of a page (floor, tombstone) of a log that may be absent or dead.
struct PageView {
    const TermTable& terms;
    Milliseconds clock;  // the partition's, read after the tables' snapshot was taken
    const RetentionPolicy& policy;
    const AgeChanges& changes;
};
// False in `.second`: there are no entries to read.
std::pair<LogPage, bool> begin_page(const Audience& audience, const std::optional<LogState>& log,
                                    const PageView& view, Position bound);

// Counts a page up to its bounds; the first entry always fits.
class PageRoom {
public:
    PageRoom(std::size_t events, std::size_t bytes) : events_{events}, bytes_{bytes} {}
    bool take(std::uint64_t bytes) noexcept;

private:
    std::size_t events_, bytes_;
    std::size_t taken_ = 0;
    std::uint64_t taken_bytes_ = 0;
};

}  // namespace tidings
