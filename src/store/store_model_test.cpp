// Random histories of appends, closes, bounds, reads, clock steps and reopenings, against a model that keeps
// everything: what a store has lost must lie at or below the floor that it tells. P-1, P-2, P-3, P-7.

#include "store/log_rules.hpp"
#include "store/store_test_support.hpp"

#include <map>

namespace tidings {
namespace {

using namespace std::chrono_literals;
using namespace store_test;

enum class Kind { memory, lmdb };

struct ModelEntry {
    Position position;
    std::string data;
};

// One history on one store.
class History {
public:
    History(Kind kind, std::uint64_t seed) : kind_{kind}, random_{seed} {
        options_.retention.user = {.events = 6, .age = 4s, .bytes = 2'000};
        options_.retention.topic = {.events = 3, .age = 8s, .bytes = 100'000};
        options_.retention.broadcast = {.events = 10, .age = 2s, .bytes = 100'000};
        options_.clock = clock_.wall();
        options_.random = seeded(seed + 1);
        options_.limits.append_batch = 4;
        reopen();
    }

    void run(int steps) {
        for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
            const auto choice = below(100);
            if (choice < 50) {
                append();
            } else if (choice < 60) {
                take_bound();
            } else if (choice < 85) {
                read();
            } else if (choice < 99) {
                move_clock();
            } else {
                reopen();
            }
        }
    }

private:
    std::size_t below(std::size_t limit) { return random_() % limit; }

    void reopen() {
        store_.reset();
        if (kind_ == Kind::memory) {
            model_.clear();
            closed_.clear();
            last_ = {};
            store_ = make_memory_store(options_);
        } else {
            LmdbOptions lmdb;
            lmdb.store = options_;
            lmdb.directory = folder_.path();
            lmdb.map_bytes = 8 << 20;
            store_ = make_lmdb_store(std::move(lmdb));
        }
        const auto opened = store_->open(nullptr);
        ASSERT_TRUE(opened) << opened.error().message();
    }

    Audience some_audience() {
        const auto choice = below(7);
        if (choice == 0) return Audience{};
        if (choice < 3) return topic(choice == 1 ? "t" : "u");
        return user(std::to_string(choice).c_str());
    }

    void append() {
        std::vector<AppendItem> batch;
        for (std::size_t i = 0; i <= below(6); ++i) {
            auto audience = some_audience();
            if (audience.kind == Audience::Kind::topic && below(12) == 0) {
                batch.push_back(closing(audience));
            } else {
                batch.push_back(item_for(audience, std::to_string(++serial_) + std::string(below(600), '.')));
                batch.back().retain = below(8) != 0;
            }
        }
        const auto results = append_all(*store_, batch);
        ASSERT_EQ(results.size(), batch.size());
        for (std::size_t i = 0; i < batch.size(); ++i) account(batch[i], results[i]);
    }

    void account(const AppendItem& item, const Result<Appended>& result) {
        if (!result) {
            ASSERT_EQ(result.error().code, Errc::topic_closed);
            ASSERT_TRUE(closed_.contains(item.audience));
            return;
        }
        if (result->duplicate) {
            ASSERT_TRUE(item.close);
            ASSERT_EQ(closed_.at(item.audience), result->position);
            return;
        }
        if (!item.retain && !item.close) return;
        ASSERT_GT(result->position, last_);
        last_ = result->position;
        closed_.erase(item.audience);  // it was let in: the tombstone has expired
        if (item.close) {
            closed_[item.audience] = last_;
        } else {
            model_[item.audience].push_back({last_, item.data});
        }
    }

    void take_bound() {
        const auto bound = bound_of(*store_);
        ASSERT_TRUE(bound);
        ASSERT_GT(bound->position, last_);
        last_ = bound->position;
        bounds_.push_back(last_);
    }

    Position some_position() {
        if (bounds_.empty() || below(4) == 0) return {};
        return bounds_[bounds_.size() - 1 - below(std::min<std::size_t>(bounds_.size(), 20))];
    }

    void read() {
        take_bound();
        const auto bound = below(2) == 0 ? last_ : std::max(some_position(), Position{1, 0, 0});
        ReadRequest request;
        for (std::size_t i = 0; i < 4; ++i) request.logs.push_back({some_audience(), some_position()});
        request.bound = bound;
        request.page_events = 1 + below(4);
        request.page_bytes = 200 + below(1'000);
        const auto pages = read_all(*store_, request);
        ASSERT_TRUE(pages) << pages.error().message();
        ASSERT_EQ(pages->size(), request.logs.size());
        for (std::size_t i = 0; i < pages->size(); ++i) check(request, request.logs[i], pages->at(i));
    }

    // The page holds a run of the model's entries after max(after, floor), and all of them unless it is full.
    void check(const ReadRequest& request, const LogAfter& asked, const LogPage& page) {
        ASSERT_EQ(page.audience, asked.audience);
        ASSERT_LE(page.entries.size(), request.page_events);
        std::vector<ModelEntry> expected;
        // No needless gap: a floor is something that was trimmed, or one age ago.
        const auto age = age_of(options_.retention, asked.audience.kind);
        const auto at_floor = [&](const ModelEntry& entry) { return entry.position == page.floor; };
        ASSERT_TRUE(page.floor.milliseconds + age <= last_.milliseconds ||
                    std::any_of(model_[asked.audience].begin(), model_[asked.audience].end(), at_floor));
        for (const auto& entry : model_[asked.audience]) {
            const bool wanted = entry.position > asked.after && entry.position <= request.bound;
            if (wanted && entry.position > page.floor) expected.push_back(entry);
        }
        if (page.full) {
            ASSERT_LT(page.entries.size(), expected.size());
        } else {
            ASSERT_EQ(page.entries.size(), expected.size());
        }
        Position previous = page.floor;
        for (std::size_t i = 0; i < page.entries.size(); ++i) {
            const auto& entry = page.entries[i];
            ASSERT_EQ(entry.position, expected[i].position);
            ASSERT_EQ(entry.data, expected[i].data);
            if (asked.after <= page.floor || i > 0) {
                ASSERT_EQ(entry.previous, previous);
            }
            previous = entry.position;
        }
        const auto tombstone = closed_.find(asked.audience);
        if (page.closed) {
            ASSERT_TRUE(tombstone != closed_.end() && tombstone->second == *page.closed);
        }
    }

    void move_clock() {
        const auto choice = below(10);
        if (choice < 7) clock_.now += below(700);
        if (choice == 7) clock_.now += below(9'000);
        if (choice == 8) clock_.now -= below(5'000);
        if (choice == 9) clock_.now = std::max<Milliseconds>(clock_.now, last_.milliseconds);
    }

    Kind kind_;
    std::mt19937_64 random_;
    TemporaryFolder folder_;
    HandClock clock_;
    StoreOptions options_;
    std::unique_ptr<Store> store_;
    std::map<Audience, std::vector<ModelEntry>> model_;
    std::map<Audience, Position> closed_;
    std::vector<Position> bounds_;
    Position last_;
    std::uint64_t serial_ = 0;
};

void run_histories(Kind kind, int histories, int steps) {
    const std::uint64_t base = std::random_device{}();
    for (int i = 0; i < histories && !testing::Test::HasFailure(); ++i) {
        SCOPED_TRACE("seed " + std::to_string(base + static_cast<std::uint64_t>(i)));
        History{kind, base + static_cast<std::uint64_t>(i)}.run(steps);
    }
}

TEST(StoreModel, P3_MemoryKeepsOrTellsInRandomHistories) { run_histories(Kind::memory, 60, 500); }
TEST(StoreModel, P3_LmdbKeepsOrTellsInRandomHistories) { run_histories(Kind::lmdb, 12, 300); }

}  // namespace
}  // namespace tidings
