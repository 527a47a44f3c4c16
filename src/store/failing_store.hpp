#pragma once
// A store that fails on purpose, for tests of everything above the stores.

#include "store/store.hpp"

#include <atomic>

namespace tidings {

// Passes everything to another store, but fails the N-th operation (append, bound, read, find or watch,
// counted from 1) and `count` of them in all, with `error`; a failed operation does not reach the other
// store. Callbacks of failures come inline. Any thread; owned by a test, the other store outlives it.
class FailingStore final : public Store {
public:
    struct Plan {
        std::uint64_t first = 0;  // 0: never
        std::uint64_t count = 1;
        Error error{Errc::store_unavailable, "this operation fails on purpose"};
    };
    explicit FailingStore(Store& store) : store_{store} {}

    // From now on: operations count anew.
    void fail(Plan plan) {
        plan_ = std::move(plan);
        operations_ = 0;
    }
    // How many operations came since; run a scenario once to learn it, then fail each in turn.
    std::uint64_t operations() const noexcept { return operations_; }

    Result<void> open(StoreListener* listener) override { return store_.open(listener); }
    void close() override { store_.close(); }
    void append(std::vector<AppendItem> batch, Callback<void(AppendResults)> done) override {
        if (fails()) return done(AppendResults(batch.size(), Result<Appended>{plan_.error}));
        store_.append(std::move(batch), std::move(done));
    }
    void bound(Callback<void(Result<Bound>)> done) override {
        if (fails()) return done(plan_.error);
        store_.bound(std::move(done));
    }
    void read(ReadRequest request, Callback<void(Result<std::vector<LogPage>>)> done) override {
        if (fails()) return done(plan_.error);
        store_.read(std::move(request), std::move(done));
    }
    void watch(std::vector<Audience> audiences, Callback<void(Result<void>)> done) override {
        if (fails()) return done(plan_.error);
        ++watching_;
        store_.watch(std::move(audiences), std::move(done));
    }
    void unwatch(std::vector<Audience> audiences) override {
        --watching_;
        store_.unwatch(std::move(audiences));
    }
    // Calls of watch() that reached the other store and were not taken back.
    std::int64_t watching() const noexcept { return watching_; }
    void find(std::vector<Audience> logs, Uuid id,
              Callback<void(Result<std::optional<Position>>)> done) override {
        if (fails()) return done(plan_.error);
        store_.find(std::move(logs), id, std::move(done));
    }
    bool foreign() const noexcept override { return store_.foreign(); }
    const RetentionPolicy& retention() const noexcept override { return store_.retention(); }
    Figures figures() const override { return store_.figures(); }

private:
    bool fails() {
        const auto number = ++operations_;
        return plan_.first != 0 && number >= plan_.first && number < plan_.first + plan_.count;
    }

    Store& store_;
    Plan plan_;  // changed between operations only
    std::atomic<std::uint64_t> operations_{0};
    std::atomic<std::int64_t> watching_{0};
};

}  // namespace tidings
