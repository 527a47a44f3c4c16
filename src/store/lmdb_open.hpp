#pragma once
// What stands between a directory and an open LMDB store: its lock, how the last run ended, the next term.

#include "store/lmdb_store.hpp"
#include "store/lmdb_tables.hpp"

namespace tidings {

// A store's directory, locked and opened, with its new term begun on the disk.
struct LmdbOpened {
    DirectoryLock lock;
    std::unique_ptr<LmdbEnv> env;
    PartitionRecord record;
    std::shared_ptr<const TermTable> terms;  // goes into the bounds that are given out
};

Result<LmdbOpened> open_lmdb(const LmdbOptions& options);
// The end of a clean run: everything is on the disk, and the directory says so. Closes the environment.
Result<void> close_lmdb(const LmdbOptions& options, LmdbOpened& opened, Milliseconds limit);

}  // namespace tidings
