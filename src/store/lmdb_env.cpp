#include "store/lmdb_env.hpp"

#include "base/assert.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace tidings {
namespace {

constexpr std::size_t reserve_pages = 256;  // for trimming and clock limits when appends are refused
constexpr std::uint64_t file_step = 4 * 1024 * 1024;
constexpr std::string_view format = "tidings lmdb 1";

// LMDB 0.9's meta page on 64-bit little-endian machines; the first two pages of a file are such.
struct MetaPage {
    std::uint64_t page_number;
    std::uint16_t pad, flags;
    std::uint32_t bounds;
    std::uint32_t magic, version;
    std::uint64_t address, map_bytes;
    std::uint32_t page_bytes;
    std::array<std::uint8_t, 92> databases;
    std::uint64_t last_page, transaction;
};
static_assert(sizeof(MetaPage) == 152);
constexpr std::uint32_t lmdb_magic = 0xBEEFC0DE;

constexpr const char* begin_anew = "restore it from a backup, or move the directory away to begin anew";

}  // namespace

bool is_full(int code) noexcept {
    return code == MDB_MAP_FULL || code == ENOSPC || code == EDQUOT || code == EFBIG;
}

Error lmdb_error(int code, std::string_view doing) {
    std::string detail{doing};
    detail.append(": ").append(mdb_strerror(code));
    if (code == MDB_MAP_FULL) {
        return {Errc::store_full,
                "the store's map is full until what it retains expires; raise store.lmdb_map"};
    }
    if (is_full(code)) return {Errc::store_full, "the disk is full: " + detail};
    switch (code) {
        case MDB_CORRUPTED:
        case MDB_PAGE_NOTFOUND:
        case MDB_INVALID:
        case MDB_VERSION_MISMATCH:
        case MDB_INCOMPATIBLE:
        case MDB_BAD_DBI: return {Errc::store_corrupt, detail + "; " + begin_anew};
        default: return {Errc::store_unavailable, detail};
    }
}

LmdbTransaction::LmdbTransaction(MDB_env* env, Kind kind)
    : status_{mdb_txn_begin(env, nullptr, kind == Kind::read ? MDB_RDONLY : 0U, &handle_)} {
    if (status_ != 0) handle_ = nullptr;
}

LmdbTransaction::~LmdbTransaction() {
    if (handle_ != nullptr) mdb_txn_abort(handle_);
}

int LmdbTransaction::commit() {
    TIDINGS_ASSERT(handle_ != nullptr);
    const int code = mdb_txn_commit(handle_);
    handle_ = nullptr;  // gone, whatever the outcome
    return code;
}

Result<void> inspect_data_file(const std::filesystem::path& file) {
    std::error_code ec;
    const auto size = std::filesystem::file_size(file, ec);
    if (ec == std::errc::no_such_file_or_directory) return {};
    if (ec) return Error{Errc::store_unavailable, file.string() + ": " + ec.message()};
    if (size == 0) return {};  // created and not yet written: LMDB begins it
    std::ifstream in{file, std::ios::binary};
    std::array<MetaPage, 2> metas{};
    in.read(reinterpret_cast<char*>(&metas[0]), sizeof(MetaPage));
    if (!in) {
        return Error{Errc::store_corrupt, file.string() + " is too short for an LMDB file; " + begin_anew};
    }
    const auto page_bytes = metas[0].page_bytes;
    if (metas[0].magic != lmdb_magic || metas[0].version != 1 || page_bytes < 256 || page_bytes > 65536) {
        return Error{Errc::store_corrupt, file.string() +
                                              " is not an LMDB file that this version reads; store.url "
                                              "must name a directory of its own"};
    }
    in.seekg(page_bytes);
    in.read(reinterpret_cast<char*>(&metas[1]), sizeof(MetaPage));
    const bool second = in && metas[1].magic == lmdb_magic;
    const auto& newest = second && metas[1].transaction > metas[0].transaction ? metas[1] : metas[0];
    const auto needed = std::max<std::uint64_t>(newest.last_page + 1, 2) * page_bytes;
    if (size < needed) {
        return Error{Errc::store_corrupt, file.string() + " is torn: it has " + std::to_string(size) +
                                              " bytes and "
                                              "needs " +
                                              std::to_string(needed) + "; " + begin_anew};
    }
    return {};
}

Result<std::unique_ptr<LmdbEnv>> LmdbEnv::open(const std::filesystem::path& directory, Durability durability,
                                               std::size_t map_bytes) {
    const auto file = directory / lmdb_data_name;
    if (auto fine = inspect_data_file(file); !fine) return fine.error();
    MDB_env* handle = nullptr;
    if (const int code = mdb_env_create(&handle); code != 0) return lmdb_error(code, "cannot begin LMDB");
    std::unique_ptr<LmdbEnv> env{new LmdbEnv{handle}};
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    env->map_pages_ = std::max<std::size_t>(map_bytes / page, 64);
    mdb_env_set_maxdbs(handle, 16);
    mdb_env_set_mapsize(handle, (env->map_pages_ + reserve_pages) * page);
    // Readers are our threads, which keep a transaction no longer than a page: MDB_NOTLS ties it to the
    // object.
    unsigned flags = MDB_NOTLS | MDB_NORDAHEAD;
    if (durability == Durability::process) flags |= MDB_NOSYNC;
    if (const int code = mdb_env_open(handle, directory.c_str(), flags, 0640); code != 0) {
        return lmdb_error(code, "cannot open " + file.string());
    }
    if (auto fine = env->open_databases(file.string()); !fine) return fine.error();
    return env;
}

LmdbEnv::~LmdbEnv() { mdb_env_close(handle_); }

Result<void> LmdbEnv::open_databases(const std::string& path) {
    LmdbTransaction txn{handle_, LmdbTransaction::Kind::write};
    if (txn.status() != 0) return lmdb_error(txn.status(), "cannot write " + path);
    MDB_stat stat{};
    MDB_dbi root = 0;
    int code = mdb_dbi_open(txn.get(), nullptr, 0, &root);
    if (code == 0) code = mdb_stat(txn.get(), root, &stat);
    if (code != 0) return lmdb_error(code, "cannot read " + path);
    page_bytes_ = stat.ms_psize;
    const bool fresh = stat.ms_entries == 0;
    MDB_val value{};
    MDB_val key = value_of("format");
    code = mdb_dbi_open(txn.get(), "tidings.meta", fresh ? MDB_CREATE : 0U, &databases_.meta);
    if (code == 0 && fresh) {
        value = value_of(format);
        code = mdb_put(txn.get(), databases_.meta, &key, &value, 0);
        if (code != 0) return lmdb_error(code, "cannot write " + path);
    }
    if (code == 0) code = mdb_get(txn.get(), databases_.meta, &key, &value);
    if (code == MDB_NOTFOUND || code == MDB_INCOMPATIBLE) {
        return Error{Errc::store_corrupt,
                     path +
                         " belongs to another application; store.url must name a directory "
                         "of its own"};
    }
    if (code != 0) return lmdb_error(code, "cannot read " + path);
    if (view_of(value) != format) {
        return Error{Errc::store_corrupt, path + " has the format \"" +
                                              std::string{view_of(value).substr(0, 64)} +
                                              "\", this version reads \"" + std::string{format} + "\""};
    }
    const std::pair<const char*, MDB_dbi*> named[] = {
        {"tidings.names", &databases_.names},     {"tidings.logs", &databases_.logs},
        {"tidings.entries", &databases_.entries}, {"tidings.expiry", &databases_.expiry},
        {"tidings.keys", &databases_.keys},       {"tidings.key_expiry", &databases_.key_expiry}};
    for (const auto& [name, dbi] : named) {
        code = mdb_dbi_open(txn.get(), name, MDB_CREATE, dbi);
        if (code != 0) return lmdb_error(code, "cannot open " + std::string{name} + " in " + path);
    }
    if (code = reserve_file(64); code != 0) return lmdb_error(code, "cannot extend " + path);
    if (code = txn.commit(); code != 0) return lmdb_error(code, "cannot write " + path);
    return {};
}

std::size_t LmdbEnv::free_pages() const {
    const LmdbTransaction txn{handle_, LmdbTransaction::Kind::read};
    MDB_cursor* cursor = nullptr;
    if (txn.status() != 0 || mdb_cursor_open(txn.get(), 0, &cursor) != 0) return 0;
    MDB_envinfo info{};
    mdb_env_info(handle_, &info);
    std::size_t pages = 0;
    MDB_val key{};
    MDB_val value{};
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        std::size_t transaction = 0;
        std::size_t count = 0;
        std::memcpy(&transaction, key.mv_data, sizeof transaction);
        std::memcpy(&count, value.mv_data, sizeof count);
        if (transaction < info.me_last_txnid)
            pages += count;  // the last commit's are not free for the next yet
    }
    mdb_cursor_close(cursor);
    return pages;
}

std::size_t LmdbEnv::pages_left(std::size_t wanted) const {
    MDB_envinfo info{};
    mdb_env_info(handle_, &info);
    const std::size_t used = info.me_last_pgno + 1;
    if (used + wanted <= map_pages_) return map_pages_ - used;
    const std::size_t total = map_pages_ + free_pages();
    return total > used ? total - used : 0;
}

int LmdbEnv::reserve_file(std::size_t pages) {
    MDB_envinfo info{};
    mdb_env_info(handle_, &info);
    const std::uint64_t needed = (info.me_last_pgno + 1 + pages) * page_bytes_;
    if (needed <= file_bytes_) return 0;
    int descriptor = -1;
    if (const int code = mdb_env_get_fd(handle_, &descriptor); code != 0) return code;
    struct stat status{};
    if (::fstat(descriptor, &status) != 0) return errno;
    file_bytes_ = static_cast<std::uint64_t>(status.st_size);
    if (needed <= file_bytes_) return 0;
    const std::uint64_t wanted = (needed + file_step - 1) / file_step * file_step;
    if (::ftruncate(descriptor, static_cast<off_t>(wanted)) != 0) {
        if (::ftruncate(descriptor, static_cast<off_t>(needed)) != 0) return errno;
        file_bytes_ = needed;
        return 0;
    }
    file_bytes_ = wanted;
    return 0;
}

std::uint64_t LmdbEnv::used_bytes() const {
    MDB_envinfo info{};
    mdb_env_info(handle_, &info);
    return (info.me_last_pgno + 1) * page_bytes_;
}

Result<void> LmdbEnv::sync() {
    if (const int code = mdb_env_sync(handle_, 1); code != 0)
        return lmdb_error(code, "cannot sync the store");
    return {};
}

}  // namespace tidings
