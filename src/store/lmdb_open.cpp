#include "store/lmdb_open.hpp"

#include <algorithm>

namespace tidings {
namespace {

namespace fs = std::filesystem;

constexpr const char* aside_name = "data.mdb.unclean";

Result<void> move_aside(const fs::path& directory) {
    std::error_code ec;
    fs::rename(directory / lmdb_data_name, directory / aside_name, ec);  // replaces an earlier one: bounded
    if (ec) return Error{Errc::store_unavailable, "cannot move the data file aside: " + ec.message()};
    fs::remove(directory / lmdb_lock_name, ec);
    return {};
}

void tell(const LmdbOptions& options, const std::string& text) {
    if (options.note) options.note(text);
}

// Everything that this run may write is on the disk as soon as it is committed, or it is said not to be,
// before the first write: a crash must never find a file that looks safer than it is.
Result<void> announce_run(const LmdbOptions& options, const std::optional<RunState>& before, bool& promote) {
    RunState state{RunState::End::open, options.durability, options.boot_id};
    const bool safe =
        !before || before->end == RunState::End::closed || before->durability == Durability::sync;
    promote = options.durability == Durability::sync && !safe;
    if (promote) state.durability = Durability::process;
    return write_run_state(options.directory, state);
}

// The last run's data, if it can be trusted; else it is moved aside, where a person may look at it.
Result<void> settle_last_run(const LmdbOptions& options, const std::optional<RunState>& before) {
    const auto file = options.directory / lmdb_data_name;
    std::error_code ec;
    if (!fs::exists(file, ec)) return {};
    if (!before) {
        if (auto fine = inspect_data_file(file); !fine) return fine.error();
        return Error{Errc::store_corrupt, file.string() +
                                              " belongs to another application, or its tidings.state was "
                                              "removed; store.url must name a directory of its own"};
    }
    const bool torn_by_power = before->end == RunState::End::open &&
                               before->durability == Durability::process &&
                               (before->boot_id.empty() || before->boot_id != options.boot_id);
    if (!torn_by_power) return {};
    if (auto moved = move_aside(options.directory); !moved) return moved;
    tell(
        options,
        "the machine stopped while the store was open with durability = \"process\"; its file was moved to " +
            (options.directory / aside_name).string() + " and a new one begun; old cursors are told");
    return {};
}

void take_over_ages(const RetentionPolicy& policy, Milliseconds now, bool fresh, PartitionRecord& record) {
    for (const auto kind : {Audience::Kind::user, Audience::Kind::broadcast, Audience::Kind::topic}) {
        const auto index = static_cast<std::size_t>(kind);
        const auto age = age_of(policy, kind);
        if (!fresh && record.ages.at(index) != age) record.changes.at.at(index) = now;
        record.ages.at(index) = age;
    }
}

// None: term numbers are used up, after 65,535 openings.
Result<std::optional<LmdbOpened>> begin_term(const LmdbOptions& options, DirectoryLock& lock,
                                             std::unique_ptr<LmdbEnv> env) {
    LmdbTransaction txn{env->get(), LmdbTransaction::Kind::write};
    if (txn.status() != 0) return lmdb_error(txn.status(), "cannot begin a term");
    PartitionRecord record;
    LmdbTables tables{txn.get(), env->databases(), record};
    const auto stored = tables.load_partition();
    auto terms = tables.load_terms();
    if (tables.status() != 0) return lmdb_error(tables.status(), "cannot read the store's terms");
    const bool fresh = !stored;
    if (stored) record = *stored;
    if (fresh) record.limit = options.store.clock();
    take_over_ages(options.store.retention, record.limit, fresh, record);
    const auto tag = static_cast<std::uint32_t>(options.store.random());
    const auto keep = *std::max_element(record.ages.begin(), record.ages.end());
    // Whatever was not moved aside holds all that was acknowledged: its end is sealed.
    auto next = next_terms(terms.value_or(TermTable{}), record.limit, tag, true, keep);
    if (!next) return std::optional<LmdbOpened>{};
    tables.save_terms(*next);
    tables.save_partition();
    int code = tables.status();
    if (code == 0) code = env->reserve_file(64);
    if (code == 0) code = txn.commit();
    if (code != 0) return lmdb_error(code, "cannot begin a term");
    return std::optional{LmdbOpened{std::move(lock), std::move(env), record,
                                    std::make_shared<const TermTable>(std::move(*next))}};
}

}  // namespace

Result<LmdbOpened> open_lmdb(const LmdbOptions& options) {
    std::error_code ec;
    fs::create_directories(options.directory, ec);
    if (ec)
        return Error{Errc::store_unavailable,
                     "cannot make " + options.directory.string() + ": " + ec.message()};
    auto lock = DirectoryLock::take(options.directory);
    if (!lock) return lock.error();
    auto before = read_run_state(options.directory);
    if (!before) return before.error();
    if (auto settled = settle_last_run(options, *before); !settled) return settled.error();
    bool promote = false;
    // A file that is not ours is refused before anything is written beside it.
    if (auto fine = inspect_data_file(options.directory / lmdb_data_name); !fine) return fine.error();
    if (auto announced = announce_run(options, *before, promote); !announced) return announced.error();
    for (int attempt = 0; attempt < 2; ++attempt) {
        auto env = LmdbEnv::open(options.directory, options.durability, options.map_bytes);
        if (!env) return env.error();
        auto opened = begin_term(options, *lock, std::move(*env));
        if (!opened) return opened.error();
        if (!*opened) {
            if (auto moved = move_aside(options.directory); !moved) return moved.error();
            tell(options, "the store's term numbers are used up; it began anew and old cursors are told");
            continue;
        }
        if (auto synced = (*opened)->env->sync(); !synced) return synced.error();
        if (promote) {
            const RunState state{RunState::End::open, Durability::sync, options.boot_id};
            if (auto written = write_run_state(options.directory, state); !written) return written.error();
        }
        return std::move(**opened);
    }
    return Error{Errc::internal, "a new store has no term to give"};
}

Result<void> close_lmdb(const LmdbOptions& options, LmdbOpened& opened, Milliseconds limit) {
    int code = 0;
    {
        LmdbTransaction txn{opened.env->get(), LmdbTransaction::Kind::write};
        code = txn.status();
        if (code == 0) {
            // Nothing was minted beyond: the next term need not begin ahead of the clock.
            opened.record.limit = limit;
            LmdbTables tables{txn.get(), opened.env->databases(), opened.record};
            tables.save_partition();
            code = tables.status();
            if (code == 0) code = txn.commit();
        }
    }
    auto synced = opened.env->sync();
    opened.env.reset();
    if (code != 0) return lmdb_error(code, "cannot end the store's term");
    if (!synced) return synced;
    return write_run_state(options.directory, {RunState::End::closed, options.durability, options.boot_id});
}

Result<void> reset_lmdb_store(const fs::path& directory) {
    std::error_code ec;
    if (!fs::exists(directory, ec)) return {};
    auto lock = DirectoryLock::take(directory);
    if (!lock) return lock.error();
    auto before = read_run_state(directory);
    if (!before) return before.error();
    if (!*before) {
        if (!fs::exists(directory / lmdb_data_name, ec)) return {};
        return Error{Errc::store_corrupt, directory.string() + " is not a directory of Tidings"};
    }
    for (const auto* name : {lmdb_data_name, lmdb_lock_name, aside_name}) {
        fs::remove(directory / name, ec);
        if (ec)
            return Error{Errc::store_unavailable, "cannot remove " + std::string{name} + ": " + ec.message()};
    }
    return {};
}

}  // namespace tidings
