#pragma once
// The durable store of one process: an LMDB file, one committer thread, reader threads.

#include "store/memory_store.hpp"
#include "store/state_file.hpp"

#include <filesystem>

namespace tidings {

// Where a committer stands; for tests that end the process there.
enum class CommitStep : std::uint8_t { begun, written, committed, listener_told, answered };

struct LmdbOptions {
    StoreOptions store;
    std::filesystem::path directory;  // of its own; made if absent
    Durability durability = Durability::process;
    std::size_t map_bytes = std::size_t{4} << 30;  // the file never grows far beyond it; full: store_full
    std::size_t readers = 2;
    std::size_t read_queue = 65'536;  // reads waiting; beyond: store_unavailable
    std::string boot_id = current_boot_id();
    std::function<void(std::string_view)>
        note{};                                 // what a person should know of an open(), called from there
    std::function<void(CommitStep)> at_step{};  // for tests; on the committer's thread
};

// Any thread. Callbacks come on the committer's or a reader's thread, which they must not block, nor may they
// close the store. find() and watch() answer inline, on the caller's thread, and so do bound() while nothing
// is being committed, and everything where a queue is full or the store is closed. A batch that finds no room
// is committed in halves, so that only those items fail (store_full) for which there is none. close() commits
// and answers what was appended before; waiting reads get Errc::cancelled.
std::unique_ptr<Store> make_lmdb_store(LmdbOptions options);

// `tidings store reset`: empties the logs; the next open() begins a new life, so that every old cursor is
// told. Fails with store_unavailable while a process has the store open.
Result<void> reset_lmdb_store(const std::filesystem::path& directory);

}  // namespace tidings
