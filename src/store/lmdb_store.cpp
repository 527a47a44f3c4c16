#include "store/lmdb_store.hpp"

#include "base/assert.hpp"
#include "store/lmdb_committer.hpp"

namespace tidings {
namespace {

// Puts the parts together; they are made by open(), stopped by close() and freed by the destructor, so that
// calls from other threads during close() find them alive.
class LmdbStore final : public Store {
public:
    explicit LmdbStore(LmdbOptions options) : options_{std::move(options)} {}
    ~LmdbStore() override { LmdbStore::close(); }

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
    const RetentionPolicy& retention() const noexcept override { return options_.store.retention; }
    Figures figures() const override { return committer_ ? committer_->figures() : Figures{}; }

private:
    static Error not_open() { return {Errc::cancelled, "the store is not open"}; }

    const LmdbOptions options_;
    std::optional<LmdbOpened> opened_;
    ReadView view_;
    std::unique_ptr<LmdbReaders> readers_;
    std::unique_ptr<LmdbCommitter> committer_;
    std::mutex closing_;
};

Result<void> LmdbStore::open(StoreListener* listener) {
    TIDINGS_ASSERT(!committer_);
    auto opened = open_lmdb(options_);
    if (!opened) return opened.error();
    opened_ = std::move(*opened);
    view_.terms = opened_->terms;
    view_.policy = options_.store.retention;
    view_.changes = opened_->record.changes;
    if (listener != nullptr) listener->term_changed(*opened_->terms);
    committer_ = std::make_unique<LmdbCommitter>(options_, *opened_, view_, listener);
    readers_ = std::make_unique<LmdbReaders>(*opened_->env, view_, options_.readers, options_.read_queue);
    return {};
}

void LmdbStore::close() {
    const std::lock_guard lock{closing_};
    if (!opened_ || !opened_->env) return;
    readers_->stop();
    committer_->stop();
    const auto closed = close_lmdb(options_, *opened_, committer_->limit_at_end());
    if (!closed && options_.note)
        options_.note("the store did not close cleanly: " + closed.error().message());
    opened_.reset();
}

void LmdbStore::append(std::vector<AppendItem> batch, Callback<void(AppendResults)> done) {
    if (committer_) return committer_->append(std::move(batch), std::move(done));
    done(AppendResults(batch.size(), Result<Appended>{not_open()}));
}

void LmdbStore::bound(Callback<void(Result<Bound>)> done) {
    if (committer_) return committer_->bound(std::move(done));
    done(not_open());
}

void LmdbStore::read(ReadRequest request, Callback<void(Result<std::vector<LogPage>>)> done) {
    if (readers_) return readers_->push(std::move(request), std::move(done));
    done(not_open());
}

void LmdbStore::watch(std::vector<Audience>, Callback<void(Result<void>)> done) {
    // Every entry reaches the listener while the store is open: there is nothing to wait for.
    if (committer_ && !committer_->stopped()) return done({});
    done(not_open());
}

}  // namespace

std::unique_ptr<Store> make_lmdb_store(LmdbOptions options) {
    return std::make_unique<LmdbStore>(std::move(options));
}

}  // namespace tidings
