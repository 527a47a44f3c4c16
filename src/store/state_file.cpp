#include "store/state_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

namespace tidings {
namespace {

constexpr std::string_view file_name = "tidings.state";
constexpr std::string_view lock_name = "tidings.lock";
constexpr std::string_view magic = "tidings-store 1";

Error system_error(const std::string& what, int code) {
    const bool full = code == ENOSPC || code == EDQUOT || code == EFBIG;
    return {full ? Errc::store_full : Errc::store_unavailable, what + ": " + std::strerror(code)};
}

// A descriptor that closes itself.
class File {
public:
    explicit File(int descriptor) : descriptor_{descriptor} {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    int get() const noexcept { return descriptor_; }

private:
    int descriptor_;
};

}  // namespace

std::string run_state_text(const RunState& state) {
    std::string text{magic};
    text += state.end == RunState::End::closed ? "\nclosed" : "\nopen";
    text += state.durability == Durability::sync ? "\nsync\n" : "\nprocess\n";
    return text + state.boot_id + "\n";
}

std::optional<RunState> parse_run_state(std::string_view text) {
    const auto line = [&] {
        const auto end = text.find('\n');
        const auto taken = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        return taken;
    };
    if (line() != magic) return std::nullopt;
    const auto end = line();
    const auto durability = line();
    if ((end != "open" && end != "closed") || (durability != "sync" && durability != "process")) {
        return std::nullopt;
    }
    RunState state;
    state.end = end == "closed" ? RunState::End::closed : RunState::End::open;
    state.durability = durability == "sync" ? Durability::sync : Durability::process;
    state.boot_id = line();
    if (!text.empty()) return std::nullopt;
    return state;
}

Result<std::optional<RunState>> read_run_state(const std::filesystem::path& directory) {
    const auto path = directory / file_name;
    std::error_code ec;
    if (!std::filesystem::exists(path, ec)) {
        if (ec) return Error{Errc::store_unavailable, path.string() + ": " + ec.message()};
        return std::optional<RunState>{};
    }
    std::ifstream in{path, std::ios::binary};
    if (!in) return system_error("cannot read " + path.string(), errno);
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    auto state = parse_run_state(text);
    if (!state) {
        return Error{Errc::store_corrupt,
                     path.string() +
                         " was not written by this version of Tidings; use the "
                         "version that wrote it, or move the directory away to begin anew"};
    }
    return state;
}

Result<void> write_run_state(const std::filesystem::path& directory, const RunState& state) {
    const auto path = (directory / file_name).string();
    const auto fresh = path + ".new";
    {
        const File file{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640)};
        if (file.get() < 0) return system_error("cannot write " + fresh, errno);
        const auto text = run_state_text(state);
        const auto written = ::write(file.get(), text.data(), text.size());
        if (written != static_cast<ssize_t>(text.size())) {
            return system_error("cannot write " + fresh, written < 0 ? errno : ENOSPC);
        }
        if (::fsync(file.get()) != 0) return system_error("cannot sync " + fresh, errno);
    }
    if (::rename(fresh.c_str(), path.c_str()) != 0) return system_error("cannot replace " + path, errno);
    const File folder{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (folder.get() < 0 || ::fsync(folder.get()) != 0) {
        return system_error("cannot sync " + directory.string(), errno);
    }
    return {};
}

std::string current_boot_id() {
    std::ifstream in{"/proc/sys/kernel/random/boot_id"};
    std::string id;
    std::getline(in, id);
    return id;
}

Result<DirectoryLock> DirectoryLock::take(const std::filesystem::path& directory) {
    const auto path = (directory / lock_name).string();
    DirectoryLock lock{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640)};
    if (lock.descriptor_ < 0) return system_error("cannot open " + path, errno);
    if (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return system_error("cannot lock " + path, errno);
        return Error{Errc::store_unavailable,
                     directory.string() +
                         " is in use by another Tidings; an LMDB store "
                         "serves one process: stop the other, or use Redis for several"};
    }
    return lock;
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept
    : descriptor_{std::exchange(other.descriptor_, -1)} {}

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

DirectoryLock::~DirectoryLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace tidings
