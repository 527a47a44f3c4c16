#include "store/lmdb_reads.hpp"

namespace tidings {
namespace {

// A cursor that closes itself before its transaction does.
class Cursor {
public:
    Cursor(MDB_txn* txn, MDB_dbi dbi) : status_{mdb_cursor_open(txn, dbi, &handle_)} {}
    Cursor(const Cursor&) = delete;
    Cursor& operator=(const Cursor&) = delete;
    ~Cursor() {
        if (status_ == 0) mdb_cursor_close(handle_);
    }
    int status() const noexcept { return status_; }
    // The first key at or after `from`, or the next one.
    int seek(std::string_view from, MDB_val& key, MDB_val& value) noexcept {
        key = value_of(from);
        return mdb_cursor_get(handle_, &key, &value, MDB_SET_RANGE);
    }
    int next(MDB_val& key, MDB_val& value) noexcept {
        return mdb_cursor_get(handle_, &key, &value, MDB_NEXT);
    }

private:
    MDB_cursor* handle_ = nullptr;
    int status_;
};

std::string_view bytes_of(const EntryKey& key) noexcept {
    return {reinterpret_cast<const char*>(key.data()), key.size()};
}

// The position of the entry at the cursor, none where the log has ended there.
std::optional<Position> entry_at(std::uint64_t log, int code, const MDB_val& key) {
    if (code != 0 || log_of(view_of(key)) != log) return std::nullopt;
    return position_of(view_of(key));
}

int fill_page(Cursor& cursor, std::uint64_t log, Position after, const ReadRequest& request, LogPage& page) {
    MDB_val key{};
    MDB_val value{};
    int code = cursor.seek(bytes_of(entry_key(log, {})), key, value);
    page.oldest = entry_at(log, code, key);
    if (!page.oldest) return code == MDB_NOTFOUND ? 0 : code;
    page.oldest_time = Timestamp{std::chrono::milliseconds{page.oldest->milliseconds}};
    PageRoom room{request.page_events, request.page_bytes};
    if (*page.oldest <= after) code = cursor.seek(bytes_of(entry_key(log, after)), key, value);
    for (; auto position = entry_at(log, code, key); code = cursor.next(key, value)) {
        if (*position <= after) continue;
        if (*position > request.bound) break;
        const auto bytes = encoded_entry_bytes(view_of(value));
        if (!bytes) return MDB_CORRUPTED;
        if (!room.take(*bytes)) {
            page.full = true;
            break;
        }
        auto entry = decode_entry(view_of(value));
        if (!entry) return MDB_CORRUPTED;
        entry->audience = page.audience;
        entry->position = *position;
        page.entries.push_back(std::move(*entry));
    }
    return code == MDB_NOTFOUND ? 0 : code;
}

}  // namespace

Result<std::vector<LogPage>> read_pages(const LmdbEnv& env, const ReadView& view,
                                        const ReadRequest& request) {
    const LmdbTransaction txn{env.get(), LmdbTransaction::Kind::read};
    if (txn.status() != 0) return lmdb_error(txn.status(), "cannot read the store");
    // After the snapshot was taken: a log that it lacks had died by this clock, so that its floor says so.
    const PageView head{*view.terms, view.clock.load(), view.policy, view.changes};
    PartitionRecord unused;
    LmdbTables tables{txn.get(), env.databases(), unused};
    Cursor cursor{txn.get(), env.databases().entries};
    if (cursor.status() != 0) return lmdb_error(cursor.status(), "cannot read the store");
    std::vector<LogPage> pages;
    pages.reserve(request.logs.size());
    for (const auto& log : request.logs) {
        const auto state = tables.find(log.audience);
        if (tables.status() != 0) return lmdb_error(tables.status(), "cannot read a log");
        auto [page, has_entries] = begin_page(log.audience, state, head, request.bound);
        if (has_entries) {
            const int code = fill_page(cursor, state->number, log.after, request, page);
            if (code != 0) return lmdb_error(code, "cannot read a log");
        }
        pages.push_back(std::move(page));
    }
    return pages;
}

LmdbReaders::LmdbReaders(const LmdbEnv& env, const ReadView& view, std::size_t threads, std::size_t queue)
    : env_{env}, view_{view}, queue_max_{queue} {
    for (std::size_t i = 0; i < std::max<std::size_t>(1, threads); ++i)
        threads_.emplace_back([this] { run(); });
}

// Wakes after it has let go of the lock: on a busy core the reader runs at once, and would sleep again for
// it.
void LmdbReaders::push(ReadRequest request, Done done) {
    Error refusal;
    bool taken = false;
    {
        const std::lock_guard lock{mutex_};
        taken = !stopping_ && queue_.size() < queue_max_;
        if (taken) {
            queue_.push_back({std::move(request), std::move(done)});
        } else {
            refusal = stopping_ ? Error{Errc::cancelled, "the store is closed"}
                                : Error{Errc::store_unavailable, "too many reads wait for the store"};
        }
    }
    if (taken) return changed_.notify_one();
    done(std::move(refusal));
}

void LmdbReaders::stop() {
    std::deque<Waiting> cancelled;
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
        cancelled.swap(queue_);
        changed_.notify_all();
    }
    for (auto& waiting : cancelled) waiting.done(Error{Errc::cancelled, "the store was closed"});
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

void LmdbReaders::run() {
    while (true) {
        Waiting waiting;
        {
            std::unique_lock lock{mutex_};
            changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
            if (stopping_) return;
            waiting = std::move(queue_.front());
            queue_.pop_front();
        }
        waiting.done(read_pages(env_, view_, waiting.request));
    }
}

}  // namespace tidings
