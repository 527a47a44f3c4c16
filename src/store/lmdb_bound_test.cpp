// Bounds that the LMDB store answers where they are asked for: never past what is under way, never past what
// a kill would take back.

#include "store/store_test_support.hpp"

namespace tidings {
namespace {

using namespace store_test;
namespace fs = std::filesystem;

class LmdbBoundTest : public testing::Test {
protected:
    LmdbOptions options() {
        LmdbOptions lmdb;
        lmdb.store.clock = clock.wall();
        lmdb.store.random = [this] { return random(); };
        lmdb.directory = folder.path() / "store";
        lmdb.map_bytes = 8 << 20;
        lmdb.boot_id = "boot-1";
        return lmdb;
    }
    void open(LmdbOptions lmdb) {
        store = make_lmdb_store(std::move(lmdb));
        const auto result = store->open(&heard);
        ASSERT_TRUE(result) << result.error().message();
    }
    // Whether the answer came before bound() returned, on this thread. The committer may not have begun to
    // rest when it has just answered an earlier call, so a caller that needs rest asks again.
    bool answers_at_once() {
        const auto here = std::this_thread::get_id();
        return answer_of<bool>([&](auto done) {
            store->bound([&, done = std::move(done)](const Result<Bound>& bound) mutable {
                EXPECT_TRUE(bound);
                done(std::this_thread::get_id() == here);
            });
        });
    }
    void wait_for_rest() {
        while (!answers_at_once()) std::this_thread::yield();
    }

    TemporaryFolder folder;
    HandClock clock;
    std::mt19937_64 random{13};
    Heard heard;
    std::unique_ptr<Store> store;
};

TEST_F(LmdbBoundTest, P2_AtRestABoundIsAnsweredInlineWithoutACommit) {
    open(options());
    wait_for_rest();
    const auto commits = store->figures().commits;
    Position last;
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(answers_at_once());
        const auto bound = bound_of(*store).value();
        EXPECT_GT(bound.position, last);
        EXPECT_EQ(bound.position.milliseconds, clock.now);
        last = bound.position;
        clock.now += 5;
    }
    EXPECT_EQ(store->figures().commits, commits);
    EXPECT_GT(append_one(*store, item_for(user("a"))).value().position, last);
}

// Time passes while inline bounds are given out, and then the process dies: the limit on the disk is beyond
// each of them, so that no position of the next run lies before one, though its clock steps back.
TEST_F(LmdbBoundTest, P2_WhatWasAnsweredInlineIsNotOvertakenAfterAKill) {
    open(options());
    wait_for_rest();
    Position last;
    int inline_answers = 0;
    for (int i = 0; i < 40; ++i) {
        clock.now += 97;  // crosses the limit several times
        inline_answers += answers_at_once() ? 1 : 0;
        wait_for_rest();
        last = bound_of(*store).value().position;
        auto lmdb = options();
        lmdb.directory = folder.path() / ("copy" + std::to_string(i));
        fs::create_directory(lmdb.directory);
        for (const auto* name : {"data.mdb", "tidings.state"})
            fs::copy(folder.path() / "store" / name, lmdb.directory / name);
        lmdb.store.clock = [] { return noon - 10'000; };
        auto again = make_lmdb_store(std::move(lmdb));
        ASSERT_TRUE(again->open(nullptr));
        ASSERT_GT(append_one(*again, item_for(user("a"))).value().position, last);
        ASSERT_GT(bound_of(*again).value().position, last);
    }
    EXPECT_GT(inline_answers, 10);
}

TEST_F(LmdbBoundTest, P2_ABoundWaitsForTheCommitThatIsUnderWay) {
    auto lmdb = options();
    std::promise<void> gate;
    auto passed = gate.get_future().share();
    std::promise<void> reached;
    std::atomic<bool> armed{false};
    lmdb.at_step = [&](CommitStep step) {
        if (step != CommitStep::committed || !armed.exchange(false)) return;
        reached.set_value();
        passed.wait();
    };
    open(lmdb);
    wait_for_rest();
    armed = true;
    std::promise<Position> appended;
    store->append({item_for(user("a"))},
                  [&](AppendResults results) { appended.set_value(results.at(0).value().position); });
    reached.get_future().wait();
    // On the disk, and nobody has heard of it yet.
    std::atomic<bool> answered{false};
    std::promise<std::pair<Position, std::size_t>> bound;
    store->bound([&](const Result<Bound>& result) {
        answered = true;
        bound.set_value({result.value().position, heard.copy().size()});
    });
    EXPECT_FALSE(answered);
    EXPECT_TRUE(heard.copy().empty());
    gate.set_value();
    const auto [position, heard_then] = bound.get_future().get();
    EXPECT_EQ(heard_then, 1U);
    EXPECT_GT(position, appended.get_future().get());
}

TEST_F(LmdbBoundTest, P2_BoundsBesideAppendsHaveEverythingUpToThemHandedUp) {
    auto lmdb = options();
    lmdb.store.retention.user = {.events = 100'000, .age = std::chrono::hours{1}, .bytes = 1 << 24};
    open(lmdb);
    std::atomic<bool> over{false};
    std::thread publisher{[&] {
        for (int i = 0; i < 1'500; ++i) append_one(*store, item_for(user("a"))).value();
        over = true;
    }};
    struct Seen {
        Position bound;
        std::size_t heard;
    };
    std::vector<Seen> seen;
    while (!over) {
        seen.push_back(answer_of<Seen>([&](auto done) {
            store->bound([&, done = std::move(done)](const Result<Bound>& bound) mutable {
                done(Seen{bound.value().position, heard.copy().size()});
            });
        }));
        if (seen.size() % 50 == 0) clock.now += 1;
    }
    publisher.join();
    const auto all = heard.copy();
    ASSERT_EQ(all.size(), 1'500U);
    Position last;
    for (const auto& [bound, count] : seen) {
        ASSERT_GT(bound, last);
        last = bound;
        // Whatever was handed up later lies beyond the bound.
        if (count < all.size()) {
            ASSERT_GT(all[count].position, bound);
        }
    }
}

TEST_F(LmdbBoundTest, WatchesNeedNoThread) {
    open(options());
    bool watched = false;
    store->watch({user("a")}, [&](const Result<void>& done) { watched = done.has_value(); });
    EXPECT_TRUE(watched);
    store->close();
    store->watch({user("a")}, [&](const Result<void>& done) { watched = done.has_value(); });
    EXPECT_FALSE(watched);
}

}  // namespace
}  // namespace tidings
