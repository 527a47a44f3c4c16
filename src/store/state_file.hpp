#pragma once
// What must be known about an LMDB directory before its data file may be trusted: how the last run ended.

#include <tidings/config.hpp>
#include <tidings/result.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace tidings {

// The last run of a store in a directory. `open` is replaced by `closed` after everything was written to the
// disk.
struct RunState {
    enum class End : std::uint8_t { open, closed };
    End end = End::open;
    Durability durability = Durability::process;
    std::string boot_id;
    bool operator==(const RunState&) const = default;
};

std::string run_state_text(const RunState& state);
std::optional<RunState> parse_run_state(std::string_view text);

// None: there is no such file. Fails with store_corrupt where it is not ours, store_unavailable where
// unreadable.
Result<std::optional<RunState>> read_run_state(const std::filesystem::path& directory);
// Replaces it at once and waits until the disk has it.
Result<void> write_run_state(const std::filesystem::path& directory, const RunState& state);

// The kernel's id of this boot; what the page cache holds survives as long as it stays the same.
std::string current_boot_id();

// An exclusive lock on a directory, held as long as this lives; two processes on one store would destroy it.
class DirectoryLock {
public:
    static Result<DirectoryLock> take(const std::filesystem::path& directory);
    DirectoryLock(DirectoryLock&& other) noexcept;
    DirectoryLock& operator=(DirectoryLock&& other) noexcept;
    ~DirectoryLock();

private:
    explicit DirectoryLock(int descriptor) : descriptor_{descriptor} {}
    int descriptor_ = -1;
};

}  // namespace tidings
