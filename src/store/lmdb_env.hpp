#pragma once
// LMDB's environment and transactions as values that clean up after themselves, and the checks before a data
// file is mapped: a truncated map would be a SIGBUS, a foreign one must not be touched.

#include "store/state_file.hpp"

#include <tidings/result.hpp>

#include <lmdb.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace tidings {

// What an LMDB code means to us: store_full (map or disk), store_corrupt, or store_unavailable.
Error lmdb_error(int code, std::string_view doing);
bool is_full(int code) noexcept;

inline MDB_val value_of(std::string_view bytes) noexcept {
    return {bytes.size(), const_cast<char*>(bytes.data())};
}
inline std::string_view view_of(const MDB_val& value) noexcept {
    return {static_cast<const char*>(value.mv_data), value.mv_size};
}

// A transaction; aborted unless committed. One thread at a time, never longer than a batch or a page.
class LmdbTransaction {
public:
    enum class Kind : std::uint8_t { read, write };
    LmdbTransaction(MDB_env* env, Kind kind);
    LmdbTransaction(const LmdbTransaction&) = delete;
    LmdbTransaction& operator=(const LmdbTransaction&) = delete;
    ~LmdbTransaction();

    int status() const noexcept { return status_; }  // of its begin
    MDB_txn* get() const noexcept { return handle_; }
    int commit();

private:
    MDB_txn* handle_ = nullptr;
    int status_ = 0;
};

// The named databases inside the environment.
struct LmdbDatabases {
    MDB_dbi meta = 0;        // "format", "partition", "terms"
    MDB_dbi names = 0;       // audience text -> log number
    MDB_dbi logs = 0;        // log number -> LogState
    MDB_dbi entries = 0;     // entry_key -> entry
    MDB_dbi expiry = 0;      // time, log number -> nothing; may be earlier than the log's expiry, never later
    MDB_dbi keys = 0;        // idempotency digest -> KeyState
    MDB_dbi key_expiry = 0;  // time, digest -> nothing
};

// One open data file. The committer writes, reader threads read; the destructor closes it after them.
class LmdbEnv {
public:
    // Checks the file (absent is fine), opens it and our databases in it. `map_bytes` bounds what appends may
    // use; beyond it lies a reserve, so that trimming and the clock limit still commit when the store is
    // full.
    static Result<std::unique_ptr<LmdbEnv>> open(const std::filesystem::path& directory,
                                                 Durability durability, std::size_t map_bytes);
    LmdbEnv(const LmdbEnv&) = delete;
    LmdbEnv& operator=(const LmdbEnv&) = delete;
    ~LmdbEnv();

    MDB_env* get() const noexcept { return handle_; }
    const LmdbDatabases& databases() const noexcept { return databases_; }
    std::size_t page_bytes() const noexcept { return page_bytes_; }

    // Pages that the next transaction may take without touching the reserve, at least up to `wanted` exactly.
    std::size_t pages_left(std::size_t wanted) const;
    // Makes the file long enough for so many more pages, as a hole: its length then never lies below what a
    // commit says it uses, and a shorter file is a torn one.
    int reserve_file(std::size_t pages);
    std::uint64_t used_bytes() const;
    Result<void> sync();

private:
    explicit LmdbEnv(MDB_env* handle) : handle_{handle} {}
    Result<void> open_databases(const std::string& path);
    std::size_t free_pages() const;

    MDB_env* handle_;
    LmdbDatabases databases_;
    std::size_t page_bytes_ = 4096;
    std::size_t map_pages_ = 0;
    std::uint64_t file_bytes_ = 0;
};

// Fails with store_corrupt for a file that is torn or that LMDB did not write; fine if there is none.
Result<void> inspect_data_file(const std::filesystem::path& file);
inline constexpr const char* lmdb_data_name = "data.mdb";
inline constexpr const char* lmdb_lock_name = "lock.mdb";

}  // namespace tidings
