#include "store/memory_store.hpp"

#include "base/assert.hpp"
#include "store/memory_tables.hpp"

#include <algorithm>
#include <mutex>

namespace tidings {
namespace {

// One lock guards everything; it is held for one slice of a batch, one log's page or one bound at a time.
class MemoryStore final : public Store {
public:
    explicit MemoryStore(StoreOptions options) : options_{std::move(options)} {}
    ~MemoryStore() override { MemoryStore::close(); }

    Result<void> open(StoreListener* listener) override;
    void close() override;
    void append(std::vector<AppendItem> batch, Callback<void(AppendResults)> done) override;
    void bound(Callback<void(Result<Bound>)> done) override;
    void read(ReadRequest request, Callback<void(Result<std::vector<LogPage>>)> done) override;
    void watch(std::vector<Audience> audiences, Callback<void(Result<void>)> done) override;
    void unwatch(std::vector<Audience>) override {}
    void find(std::vector<Audience>, Uuid, Callback<void(Result<std::optional<Position>>)> done) override {
        done(std::optional<Position>{});
    }
    bool foreign() const noexcept override { return false; }
    const RetentionPolicy& retention() const noexcept override { return options_.retention; }
    Figures figures() const override;

private:
    bool append_slice(std::span<AppendItem> slice, AppendResults& results);
    LogPage page_of(const LogAfter& log, const ReadRequest& request);
    static Error ended() { return {Errc::cancelled, "the store is closed"}; }

    StoreOptions options_;
    mutable std::mutex mutex_;
    StoreListener* listener_ = nullptr;
    std::optional<Partition> partition_;  // while open, like the tables
    std::optional<MemoryTables> tables_;
    std::vector<Entry> published_;  // of one slice; kept for its capacity
    std::uint64_t appends_ = 0, commits_ = 0, trimmed_ = 0;
};

Result<void> MemoryStore::open(StoreListener* listener) {
    const std::lock_guard lock{mutex_};
    TIDINGS_ASSERT(!partition_);
    const auto now = options_.clock();
    const auto tag = static_cast<std::uint32_t>(options_.random());
    const auto terms = std::make_shared<const TermTable>(*next_terms({}, now, tag, false, 0));
    tables_.emplace(options_.memory_bytes);
    partition_.emplace(terms, terms->running().start);
    listener_ = listener;
    if (listener_ != nullptr) listener_->term_changed(*terms);
    return {};
}

void MemoryStore::close() {
    const std::lock_guard lock{mutex_};
    partition_.reset();
    tables_.reset();
    listener_ = nullptr;
}

bool MemoryStore::append_slice(std::span<AppendItem> slice, AppendResults& results) {
    const std::lock_guard lock{mutex_};
    if (!partition_) return false;
    partition_->observe(options_.clock());
    Appender appender{*tables_, *partition_, options_.retention, options_.limits};
    published_.clear();
    appender.sweep(4 + 2 * slice.size());
    for (auto& item : slice) results.push_back(appender.append(std::move(item), published_));
    appends_ += slice.size();
    ++commits_;
    trimmed_ += appender.trimmed();
    if (listener_ != nullptr && !published_.empty()) listener_->entries(published_);
    return true;
}

void MemoryStore::append(std::vector<AppendItem> batch, Callback<void(AppendResults)> done) {
    AppendResults results;
    results.reserve(batch.size());
    const std::size_t step = std::max<std::size_t>(1, options_.limits.append_batch);
    for (std::size_t at = 0; at < batch.size(); at += step) {
        const auto slice = std::span{batch}.subspan(at, std::min(step, batch.size() - at));
        if (!append_slice(slice, results)) break;
    }
    while (results.size() < batch.size()) results.emplace_back(ended());
    done(std::move(results));
}

void MemoryStore::bound(Callback<void(Result<Bound>)> done) {
    std::optional<Bound> bound;
    {
        const std::lock_guard lock{mutex_};
        if (partition_) {
            partition_->observe(options_.clock());
            Appender appender{*tables_, *partition_, options_.retention, options_.limits};
            appender.sweep(16);
            trimmed_ += appender.trimmed();
            bound = Bound{partition_->mint(), partition_->tag(), partition_->terms()};
        }
    }
    if (bound) return done(std::move(*bound));
    done(ended());
}

LogPage MemoryStore::page_of(const LogAfter& log, const ReadRequest& request) {
    const auto state = tables_->find(log.audience);
    const PageView view{*partition_->terms(), partition_->clock(), options_.retention,
                        partition_->age_changes()};
    auto [page, has_entries] = begin_page(log.audience, state, view, request.bound);
    if (!has_entries) return std::move(page);
    const auto entries = tables_->entries(*state);
    page.oldest = entries.front().position();
    page.oldest_time = Timestamp{std::chrono::milliseconds{page.oldest->milliseconds}};
    PageRoom room{request.page_events, request.page_bytes};
    const auto beyond = [](Position after, const KeptEntry& entry) { return after < entry.position(); };
    auto at = std::upper_bound(entries.begin(), entries.end(), log.after, beyond);
    for (; at != entries.end() && at->position() <= request.bound; ++at) {
        if (!room.take(at->bytes())) {
            page.full = true;
            break;
        }
        page.entries.push_back(at->entry(log.audience));
    }
    return std::move(page);
}

void MemoryStore::read(ReadRequest request, Callback<void(Result<std::vector<LogPage>>)> done) {
    std::vector<LogPage> pages;
    pages.reserve(request.logs.size());
    for (const auto& log : request.logs) {
        const std::lock_guard lock{mutex_};
        if (!partition_) break;
        pages.push_back(page_of(log, request));
    }
    if (pages.size() < request.logs.size()) return done(ended());
    done(std::move(pages));
}

void MemoryStore::watch(std::vector<Audience>, Callback<void(Result<void>)> done) {
    bool open = false;
    {
        const std::lock_guard lock{mutex_};
        open = partition_.has_value();
    }
    if (open) return done({});
    done(ended());
}

Store::Figures MemoryStore::figures() const {
    const std::lock_guard lock{mutex_};
    Figures figures;
    figures.appends = appends_;
    figures.commits = commits_;
    figures.trimmed = trimmed_;
    if (partition_) {
        figures.logs = tables_->logs();
        figures.entries = tables_->entries();
        figures.bytes = tables_->bytes();
        figures.clock_ahead_ms =
            static_cast<std::int64_t>(partition_->clock()) - static_cast<std::int64_t>(options_.clock());
    }
    return figures;
}

}  // namespace

std::unique_ptr<Store> make_memory_store(StoreOptions options) {
    return std::make_unique<MemoryStore>(std::move(options));
}

}  // namespace tidings
