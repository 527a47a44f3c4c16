#include "store/lmdb_committer.hpp"

#include <algorithm>

namespace tidings {
namespace {

constexpr Milliseconds limit_ahead = 1000;
constexpr std::size_t fixed_pages = 24;    // paths to the changed leaves of all databases, and the free list
constexpr std::size_t pages_per_item = 6;  // entry, log, name, expiry, key, key's expiry
constexpr std::size_t sweep_fixed = 256;   // entries, beside two for each appended item

std::size_t pages_of(const AppendItem& item, std::size_t page_bytes) {
    return pages_per_item + entry_bytes(item) / page_bytes + 1;
}

}  // namespace

LmdbCommitter::LmdbCommitter(const LmdbOptions& options, LmdbOpened& opened, ReadView& view,
                             StoreListener* listener)
    : options_{options},
      opened_{opened},
      view_{view},
      listener_{listener},
      partition_{opened.terms, opened.terms->running().start, opened.record.changes} {
    view_.clock = partition_.clock();
    thread_ = std::thread{[this] { run(); }};
}

bool LmdbCommitter::admits(std::size_t items, std::uint64_t bytes) {
    const auto& limits = options_.store.limits;
    // A request larger than the queue is let in where nothing else waits, or it could never be done.
    const bool fits = queued_items_ == 0 || (queued_items_ + items <= limits.append_queue &&
                                             queued_bytes_ + bytes <= limits.append_queue_bytes);
    if (stopping_ || !fits) return false;
    queued_items_ += items;
    queued_bytes_ += bytes;
    return true;
}

Error LmdbCommitter::refusal() const {
    const std::lock_guard lock{mutex_};
    if (stopping_) return {Errc::cancelled, "the store is closed"};
    return {Errc::store_unavailable, "the store's append queue is full; nothing was stored, try again"};
}

void LmdbCommitter::append(std::vector<AppendItem> items, AppendDone done) {
    std::uint64_t bytes = 0;
    for (const auto& item : items) bytes += entry_bytes(item);
    const auto count = items.size();
    {
        const std::lock_guard lock{mutex_};
        if (admits(count, bytes)) {
            queue_.emplace_back(AppendRequest{std::move(items), std::move(done), bytes});
            changed_.notify_one();
            return;
        }
    }
    done(AppendResults(count, Result<Appended>{refusal()}));
}

void LmdbCommitter::bound(BoundDone done) {
    std::optional<Bound> bound;
    {
        const std::lock_guard lock{mutex_};
        bound = bound_at_once();
        if (!bound && admits(1, 0)) {
            queue_.emplace_back(std::move(done));
            changed_.notify_one();
            return;
        }
    }
    if (bound) return done(std::move(*bound));
    done(refusal());
}

// Under the lock. Nothing that was appended earlier is still to be handed up, and what comes later finds the
// clock and the last position moved on. The limit that the disk has lies beyond it, as for every bound: after
// a kill the next term begins there.
std::optional<Bound> LmdbCommitter::bound_at_once() {
    if (stopping_ || busy_ || !queue_.empty()) return std::nullopt;
    partition_.observe(options_.store.clock());
    const auto position = partition_.mint();
    if (needs_commit()) return std::nullopt;  // what was minted is skipped; the thread mints another
    view_.clock = partition_.clock();
    return Bound{position, partition_.tag(), partition_.terms()};
}

bool LmdbCommitter::stopped() const {
    const std::lock_guard lock{mutex_};
    return stopping_;
}

void LmdbCommitter::stop() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
        changed_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

void LmdbCommitter::run() {
    std::deque<Request> taken;
    while (take(taken)) {
        perform(taken);
        taken.clear();
    }
}

// Whole requests, up to a batch's items; false once stopped and empty.
bool LmdbCommitter::take(std::deque<Request>& taken) {
    std::unique_lock lock{mutex_};
    busy_ = false;
    changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    std::size_t items = 0;
    while (!queue_.empty() && items < options_.store.limits.append_batch) {
        auto& front = queue_.front();
        const auto* append = std::get_if<AppendRequest>(&front);
        const std::size_t count = append != nullptr ? append->items.size() : 1;
        items += append != nullptr ? std::max<std::size_t>(1, count) : 0;
        queued_items_ -= count;
        queued_bytes_ -= append != nullptr ? append->bytes : 0;
        taken.push_back(std::move(front));
        queue_.pop_front();
    }
    busy_ = !taken.empty();
    return busy_;
}

void LmdbCommitter::perform(std::deque<Request>& taken) {
    const std::size_t batch = std::max<std::size_t>(1, options_.store.limits.append_batch);
    std::vector<Slot> slots;
    std::vector<BoundDone> bounds;
    for (auto& request : taken) {
        if (auto* append = std::get_if<AppendRequest>(&request)) {
            append->results.assign(append->items.size(), Result<Appended>{Errc::internal});
            for (std::size_t i = 0; i < append->items.size(); ++i) slots.push_back({append, i});
        } else if (auto* bound = std::get_if<BoundDone>(&request)) {
            bounds.push_back(std::move(*bound));
        }
    }
    for (std::size_t at = 0; at < slots.size(); at += batch) {
        commit_slots(std::span{slots}.subspan(at, std::min(batch, slots.size() - at)));
    }
    for (auto& request : taken) {
        if (auto* append = std::get_if<AppendRequest>(&request)) append->done(std::move(append->results));
    }
    if (!slots.empty()) step(CommitStep::answered);
    if (!bounds.empty()) answer_bounds(bounds);
}

bool LmdbCommitter::has_room(std::span<const Slot> slots) const {
    std::size_t pages = fixed_pages;
    for (const auto& slot : slots) pages += pages_of(slot.item(), opened_.env->page_bytes());
    return opened_.env->pages_left(pages) >= pages;
}

// Two commits, because LMDB reuses what one frees only after the next.
bool LmdbCommitter::make_room(std::span<const Slot> slots) {
    for (int attempt = 0; attempt < 2; ++attempt) {
        if (has_room(slots)) return true;
        if (maintain(Write::always) != 0) return false;
    }
    return has_room(slots);
}

void LmdbCommitter::commit_slots(std::span<const Slot> slots) {
    const auto smaller = [](const Slot& a, const Slot& b) {
        return entry_bytes(a.item()) < entry_bytes(b.item());
    };
    const auto smallest = std::min_element(slots.begin(), slots.end(), smaller);
    uncertain_ = false;
    int code = make_room(std::span{&*smallest, 1}) ? 0 : MDB_MAP_FULL;
    if (code != 0) return fail(slots, code);
    code = has_room(slots) ? try_commit(slots) : MDB_MAP_FULL;
    note_health(code);
    if (code == 0) {
        if (listener_ != nullptr && !published_.empty()) listener_->entries(published_);
        return step(CommitStep::listener_told);
    }
    if (code != MDB_MAP_FULL || slots.size() == 1) return fail(slots, code);
    // Some may fit: the halves find out which.
    commit_slots(slots.first(slots.size() / 2));
    commit_slots(slots.subspan(slots.size() / 2));
}

int LmdbCommitter::try_commit(std::span<const Slot> slots) {
    published_.clear();
    std::size_t pages = fixed_pages + sweep_fixed;
    for (const auto& slot : slots) pages += pages_of(slot.item(), opened_.env->page_bytes());
    if (const int code = opened_.env->reserve_file(pages); code != 0) return code;
    LmdbTransaction txn{opened_.env->get(), LmdbTransaction::Kind::write};
    if (txn.status() != 0) return txn.status();
    step(CommitStep::begun);
    partition_.observe(options_.store.clock());
    LmdbTables tables{txn.get(), opened_.env->databases(), opened_.record};
    Appender appender{tables, partition_, options_.store.retention, options_.store.limits};
    for (const auto& slot : slots) {
        slot.result() = appender.append(slot.item(), published_);
        if (tables.status() != 0) return tables.status();
    }
    appender.sweep(sweep_fixed + 2 * slots.size());
    if (const int code = finish(txn, tables, appender); code != 0) return code;
    appends_ += slots.size();
    return 0;
}

// The clock limit, the record and the commit of whatever a transaction did.
int LmdbCommitter::finish(LmdbTransaction& txn, LmdbTables& tables, Appender& appender) {
    const auto before = opened_.record.limit;
    if (partition_.clock() >= before) {
        opened_.record.limit = std::max(partition_.clock() + 1, options_.store.clock() + limit_ahead);
    }
    tables.save_partition();
    const auto due = tables.next_due();
    MDB_stat logs{};
    MDB_stat entries{};
    mdb_stat(txn.get(), opened_.env->databases().logs, &logs);
    mdb_stat(txn.get(), opened_.env->databases().entries, &entries);
    step(CommitStep::written);
    // Before the commit: a reader that sees its snapshot must see a clock that covers it.
    view_.clock = partition_.clock();
    int code = tables.status();
    if (code == 0) {
        code = txn.commit();
        uncertain_ = code != 0;
    }
    if (code != 0) {
        opened_.record.limit = before;
        return code;
    }
    step(CommitStep::committed);
    due_ = due;
    logs_ = logs.ms_entries;
    entries_ = entries.ms_entries;
    bytes_ = opened_.env->used_bytes();
    trimmed_ += appender.trimmed();
    ++commits_;
    return 0;
}

// Whether the clock has reached the limit on the disk, or something has died.
bool LmdbCommitter::needs_commit() const noexcept {
    return partition_.clock() >= opened_.record.limit || partition_.clock() > due_;
}

// Extends the clock limit where the clock has reached it and removes what has died, in a commit of its own.
int LmdbCommitter::maintain(Write write) {
    partition_.observe(options_.store.clock());
    if (write == Write::when_due && !needs_commit()) return 0;
    if (const int code = opened_.env->reserve_file(fixed_pages + sweep_fixed); code != 0) return code;
    LmdbTransaction txn{opened_.env->get(), LmdbTransaction::Kind::write};
    if (txn.status() != 0) return txn.status();
    LmdbTables tables{txn.get(), opened_.env->databases(), opened_.record};
    Appender appender{tables, partition_, options_.store.retention, options_.store.limits};
    appender.sweep(sweep_fixed);
    const int code = finish(txn, tables, appender);
    note_health(code);
    return code;
}

void LmdbCommitter::fail(std::span<const Slot> slots, int code) {
    auto error = lmdb_error(code, "cannot append");
    if (uncertain_ && !is_full(code)) {
        error = {Errc::outcome_unknown, error.detail + "; repeat it with the same idempotency key"};
    }
    for (const auto& slot : slots) slot.result() = error;
}

// A full store still reads and bounds; anything else that fails means that the store is away.
void LmdbCommitter::note_health(int code) {
    const bool healthy = code == 0 || is_full(code);
    if (healthy != away_ || listener_ == nullptr) return;
    away_ = !healthy;
    if (away_) {
        listener_->away(lmdb_error(code, "cannot write the store"));
    } else {
        listener_->back();
    }
}

void LmdbCommitter::answer_bounds(std::vector<BoundDone>& bounds) {
    partition_.observe(options_.store.clock());
    const auto position = partition_.mint();
    if (const int code = maintain(Write::when_due); code != 0) {
        for (auto& done : bounds) done(lmdb_error(code, "cannot advance the store's clock"));
        return;
    }
    view_.clock = partition_.clock();
    for (auto& done : bounds) done(Bound{position, partition_.tag(), partition_.terms()});
}

Store::Figures LmdbCommitter::figures() const {
    Store::Figures figures;
    figures.logs = logs_;
    figures.entries = entries_;
    figures.bytes = bytes_;
    figures.appends = appends_;
    figures.commits = commits_;
    figures.trimmed = trimmed_;
    figures.clock_ahead_ms =
        static_cast<std::int64_t>(view_.clock.load()) - static_cast<std::int64_t>(options_.store.clock());
    return figures;
}

}  // namespace tidings
