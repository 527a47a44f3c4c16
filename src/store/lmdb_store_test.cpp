// What only the LMDB store promises: the ends of runs, torn and foreign files, full maps, full disks, one
// process.

#include "store/lmdb_env.hpp"
#include "store/store_test_support.hpp"

#include <sys/resource.h>

#include <csignal>
#include <fstream>

namespace tidings {
namespace {

using namespace std::chrono_literals;
using namespace store_test;
namespace fs = std::filesystem;

class LmdbStoreTest : public testing::Test {
protected:
    LmdbOptions options() {
        LmdbOptions lmdb;
        lmdb.store.clock = clock.wall();
        lmdb.store.random = [this] { return random(); };
        lmdb.directory = folder.path() / "store";
        lmdb.map_bytes = 8 << 20;
        lmdb.boot_id = "boot-1";
        lmdb.note = [this](std::string_view text) { notes.emplace_back(text); };
        return lmdb;
    }
    static std::unique_ptr<Store> opened(LmdbOptions lmdb, StoreListener* listener = nullptr) {
        auto store = make_lmdb_store(std::move(lmdb));
        const auto result = store->open(listener);
        EXPECT_TRUE(result) << result.error().message();
        return store;
    }
    static Error open_error(LmdbOptions lmdb) {
        auto store = make_lmdb_store(std::move(lmdb));
        const auto result = store->open(nullptr);
        EXPECT_FALSE(result);
        return result ? Error{} : result.error();
    }
    // The directory as kill -9 would leave it now: nothing is being written.
    fs::path killed_copy() {
        const auto copy = folder.path() / ("copy" + std::to_string(++copies));
        fs::create_directory(copy);
        for (const auto* name : {"data.mdb", "tidings.state"})
            fs::copy(folder.path() / "store" / name, copy / name);
        return copy;
    }

    TemporaryFolder folder;
    HandClock clock;
    std::mt19937_64 random{11};
    std::vector<std::string> notes;
    int copies = 0;
};

TEST_F(LmdbStoreTest, P7_AKilledProcessLosesNothingUnderTheSameBoot) {
    auto store = opened(options());
    const auto appended = append_one(*store, item_for(user("a"), "1")).value();
    const auto bound = bound_of(*store).value();
    auto lmdb = options();
    lmdb.directory = killed_copy();
    auto again = opened(lmdb);
    const auto after = bound_of(*again).value();
    EXPECT_GT(after.position, bound.position);
    EXPECT_EQ(interpret(bound.id().text(), *after.terms, after.position).kind, CursorKind::ours);
    EXPECT_TRUE(after.terms->terms[0].sealed);
    EXPECT_EQ(read_log(*again, user("a")).entries.at(0).id(), appended.id);
    EXPECT_TRUE(notes.empty());
}

TEST_F(LmdbStoreTest, P3_AnotherBootAfterAnUncleanEndBeginsAnewAndSaysSo) {
    auto store = opened(options());
    const auto appended = append_one(*store, item_for(user("a"), "1")).value();
    auto lmdb = options();
    lmdb.directory = killed_copy();
    lmdb.boot_id = "boot-2";
    auto again = opened(lmdb);
    const auto after = bound_of(*again).value();
    EXPECT_EQ(interpret(appended.id.text(), *after.terms, after.position).kind, CursorKind::store_reset);
    EXPECT_TRUE(read_log(*again, user("a")).entries.empty());
    EXPECT_TRUE(fs::exists(lmdb.directory / "data.mdb.unclean"));
    ASSERT_EQ(notes.size(), 1U);
    EXPECT_NE(notes[0].find("data.mdb.unclean"), std::string::npos);
}

TEST_F(LmdbStoreTest, P7_SyncAndCleanEndsSurviveAnotherBoot) {
    for (const auto durability : {Durability::sync, Durability::process}) {
        auto lmdb = options();
        lmdb.durability = durability;
        auto store = opened(lmdb);
        const auto appended = append_one(*store, item_for(user("a"), "1")).value();
        if (durability == Durability::process) store->close();
        lmdb.directory = killed_copy();
        lmdb.boot_id = "boot-2";
        auto again = opened(lmdb);
        const auto after = bound_of(*again).value();
        EXPECT_EQ(interpret(appended.id.text(), *after.terms, after.position).kind, CursorKind::ours);
        store.reset();
    }
    EXPECT_TRUE(notes.empty());
}

TEST_F(LmdbStoreTest, P7_BoundsAndPositionsNeverRunBackAcrossKillsThoughTheClockDoes) {
    Position last;
    auto lmdb = options();
    for (int i = 0; i < 5; ++i) {
        auto store = opened(lmdb);
        for (int n = 0; n < 3; ++n) {
            const auto position = append_one(*store, item_for(user("a"))).value().position;
            EXPECT_GT(position, last);
            last = bound_of(*store).value().position;
            EXPECT_GT(last, position);
            clock.now += 400;
        }
        const auto copy = folder.path() / ("kill" + std::to_string(i));
        fs::create_directory(copy);
        for (const auto* name : {"data.mdb", "tidings.state"}) fs::copy(lmdb.directory / name, copy / name);
        store.reset();
        lmdb.directory = copy;
        clock.now -= 1'000;
    }
}

TEST_F(LmdbStoreTest, P2_ABoundAloneSurvivesAKillThoughTheClockStepsBack) {
    auto store = opened(options());
    bound_of(*store).value();
    clock.now += 5'000;
    const auto bound = bound_of(*store).value();
    auto lmdb = options();
    lmdb.directory = killed_copy();
    clock.now -= 10'000;
    auto again = opened(lmdb);
    const auto after = bound_of(*again).value();
    EXPECT_GT(after.position, bound.position);
    EXPECT_EQ(interpret(bound.id().text(), *after.terms, after.position).kind, CursorKind::ours);
}

TEST_F(LmdbStoreTest, P3_ATornFileIsRefusedWithoutACrash) {
    {
        auto store = opened(options());
        std::vector<AppendItem> batch(200, item_for(user("a"), std::string(2'000, 'x')));
        append_all(*store, batch);
    }
    const auto file = folder.path() / "store/data.mdb";
    fs::resize_file(file, 100'000);
    const auto error = open_error(options());
    EXPECT_EQ(error.code, Errc::store_corrupt);
    EXPECT_NE(error.detail.find("torn"), std::string::npos) << error.detail;
    EXPECT_NE(error.detail.find("move the directory away"), std::string::npos) << error.detail;
    fs::resize_file(file, 50);
    EXPECT_EQ(open_error(options()).code, Errc::store_corrupt);
    EXPECT_EQ(fs::file_size(file), 50U);  // nothing was written to it
}

TEST_F(LmdbStoreTest, P3_AFlippedBitInAnEntryIsToldAsCorrupt) {
    const std::string mark = "a-mark-that-stands-once-in-the-file";
    auto lmdb = options();
    {
        append_one(*opened(lmdb), item_for(user("a"), mark)).value();
    }
    std::fstream file{lmdb.directory / "data.mdb", std::ios::in | std::ios::out | std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{file}, {}};
    for (auto at = bytes.find(mark); at != std::string::npos; at = bytes.find(mark, at + 1)) {
        file.clear();
        file.seekp(static_cast<std::streamoff>(at + 2));
        file.put('M');
    }
    file.close();
    auto store = opened(lmdb);
    ReadRequest request{{{user("a"), {}}}, bound_of(*store).value().position};
    EXPECT_EQ(read_all(*store, request).error().code, Errc::store_corrupt);
}

TEST_F(LmdbStoreTest, P3_ForeignFilesAreNamedAndLeftAlone) {
    const auto directory = options().directory;
    fs::create_directories(directory);
    std::ofstream{directory / "data.mdb"} << std::string(10'000, 'z');
    auto error = open_error(options());
    EXPECT_EQ(error.code, Errc::store_corrupt);
    EXPECT_NE(error.detail.find("not an LMDB file"), std::string::npos) << error.detail;
    fs::remove(directory / "data.mdb");
    MDB_env* env = nullptr;
    ASSERT_EQ(mdb_env_create(&env), 0);
    ASSERT_EQ(mdb_env_open(env, directory.c_str(), 0, 0640), 0);
    MDB_txn* txn = nullptr;
    MDB_dbi dbi = 0;
    ASSERT_EQ(mdb_txn_begin(env, nullptr, 0, &txn), 0);
    ASSERT_EQ(mdb_dbi_open(txn, nullptr, 0, &dbi), 0);
    MDB_val text = value_of("theirs");
    ASSERT_EQ(mdb_put(txn, dbi, &text, &text, 0), 0);
    ASSERT_EQ(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    error = open_error(options());
    EXPECT_EQ(error.code, Errc::store_corrupt);
    EXPECT_NE(error.detail.find("another application"), std::string::npos) << error.detail;
    // Also where a state file of ours lies beside it.
    ASSERT_TRUE(write_run_state(directory, {RunState::End::closed, Durability::process, "boot-1"}));
    EXPECT_NE(open_error(options()).detail.find("another application"), std::string::npos);
    std::ofstream{directory / "tidings.state"} << "tidings-store 9\n";
    EXPECT_EQ(open_error(options()).code, Errc::store_corrupt);
}

TEST_F(LmdbStoreTest, ASecondOpenerIsRefused) {
    auto store = opened(options());
    const auto error = open_error(options());
    EXPECT_EQ(error.code, Errc::store_unavailable);
    EXPECT_NE(error.detail.find("in use by another Tidings"), std::string::npos) << error.detail;
    EXPECT_EQ(reset_lmdb_store(options().directory).error().code, Errc::store_unavailable);
    store->close();
    opened(options());
}

TEST_F(LmdbStoreTest, P3_AResetStoreBeginsANewLife) {
    const auto appended = append_one(*opened(options()), item_for(user("a"))).value();
    ASSERT_TRUE(reset_lmdb_store(options().directory));
    auto store = opened(options());
    const auto bound = bound_of(*store).value();
    EXPECT_EQ(interpret(appended.id.text(), *bound.terms, bound.position).kind, CursorKind::store_reset);
    EXPECT_TRUE(read_log(*store, user("a")).entries.empty());
}

TEST_F(LmdbStoreTest, P7_AFullMapRefusesAppendsKeepsTheRestAndRecovers) {
    auto lmdb = options();
    lmdb.map_bytes = 1 << 20;
    lmdb.store.retention.user = {.events = 1'000, .age = 10s, .bytes = 1 << 30};
    Heard heard;
    auto store = opened(lmdb, &heard);
    std::vector<Uuid> kept;
    std::size_t refused = 0;
    for (int i = 0; i < 40; ++i) {
        std::vector<AppendItem> batch(
            20, item_for(user(("u" + std::to_string(i)).c_str()), std::string(3'000, 'x')));
        for (const auto& result : append_all(*store, batch)) {
            if (result) kept.push_back(result->id);
            if (!result) {
                EXPECT_EQ(result.error().code, Errc::store_full);
                ++refused;
            }
        }
        ASSERT_TRUE(bound_of(*store));  // streams go on
        clock.now += 100;
    }
    EXPECT_GT(refused, 0U);
    EXPECT_GT(kept.size(), 100U);
    EXPECT_EQ(heard.copy().size(), kept.size());
    EXPECT_TRUE(heard.outages.empty());
    EXPECT_LE(fs::file_size(lmdb.directory / "data.mdb"), (1U << 20) + (5U << 20));
    std::size_t found = 0;
    for (int i = 0; i < 40; ++i)
        found += read_log(*store, user(("u" + std::to_string(i)).c_str())).entries.size();
    EXPECT_EQ(found, kept.size());
    clock.now += 11'000;
    for (int i = 0; i < 20; ++i) bound_of(*store).value();
    EXPECT_EQ(store->figures().entries, 0U);
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(append_one(*store, item_for(user("later"), std::string(3'000, 'y'))));
    }
}

TEST_F(LmdbStoreTest, P7_AFullStoreThatTrimsServesForEver) {
    auto lmdb = options();
    lmdb.map_bytes = 1 << 20;
    lmdb.store.retention.user = {.events = 20, .age = 3600s, .bytes = 1 << 30};
    auto store = opened(lmdb);
    for (int i = 0; i < 300; ++i) {
        std::vector<AppendItem> batch(5, item_for(user("a"), std::string(4'000, 'x')));
        for (const auto& result : append_all(*store, batch)) ASSERT_TRUE(result) << result.error().message();
    }
    EXPECT_EQ(read_log(*store, user("a")).entries.size(), 20U);
}

// RLIMIT_FSIZE stands in for a full disk: the same writes fail, with EFBIG instead of ENOSPC.
TEST_F(LmdbStoreTest, P7_AFullDiskRefusesAppendsKeepsTheRestAndRecovers) {
    auto lmdb = options();
    lmdb.map_bytes = 64 << 20;
    lmdb.store.retention.user = {.events = 100'000, .age = 3600s, .bytes = 1 << 30};
    auto store = opened(lmdb);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    rlimit small = before;
    small.rlim_cur = fs::file_size(lmdb.directory / "data.mdb") + 100'000;
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    std::size_t kept = 0;
    Errc last_error{};
    for (int i = 0; i < 60; ++i) {
        std::vector<AppendItem> batch(20, item_for(user("a"), std::string(10'000, 'x')));
        for (const auto& result : append_all(*store, batch)) {
            kept += result ? 1 : 0;
            if (!result) last_error = result.error().code;
        }
    }
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    std::signal(SIGXFSZ, handler);
    EXPECT_EQ(last_error, Errc::store_full);
    EXPECT_GT(kept, 20U);
    EXPECT_EQ(read_log(*store, user("a")).entries.size(), kept);
    EXPECT_TRUE(append_one(*store, item_for(user("a"))));
    store = opened([&] {
        store->close();
        return lmdb;
    }());
    EXPECT_EQ(read_log(*store, user("a")).entries.size(), kept + 1);
}

TEST_F(LmdbStoreTest, P8_AFullQueueRefusesAtOnceAndNeverBlocks) {
    auto lmdb = options();
    lmdb.store.limits.append_queue = 10;
    lmdb.read_queue = 3;
    std::promise<void> gate;
    auto passed = gate.get_future().share();
    std::promise<void> reached;
    std::once_flag once;
    lmdb.at_step = [&](CommitStep step) {
        if (step == CommitStep::begun)
            std::call_once(once, [&] {
                reached.set_value();
                passed.wait();
            });
    };
    auto store = opened(lmdb);
    std::atomic<int> stored{0};
    std::atomic<int> refused{0};
    const auto count = [&](const AppendResults& results) {
        for (const auto& result : results) {
            ++(result ? stored : refused);
            EXPECT_TRUE(result || result.error().code == Errc::store_unavailable);
        }
    };
    store->append({item_for(user("a"))}, count);
    reached.get_future().wait();
    for (int i = 0; i < 6; ++i) store->append({item_for(user("a")), item_for(user("a"))}, count);
    EXPECT_EQ(refused, 2);
    int bound_refused = 0;
    store->bound([&](Result<Bound> bound) { bound_refused += bound ? 0 : 1; });
    EXPECT_EQ(bound_refused, 1);
    gate.set_value();
    store->close();
    EXPECT_EQ(stored, 11);
}

TEST_F(LmdbStoreTest, GroupsWhatWaitsIntoOneCommit) {
    auto lmdb = options();
    std::promise<void> gate;
    auto passed = gate.get_future().share();
    lmdb.at_step = [&](CommitStep) { passed.wait(); };
    auto store = opened(lmdb);
    for (int i = 0; i < 200; ++i) store->append({item_for(user("a"))}, [](AppendResults) {});
    gate.set_value();
    bound_of(*store).value();
    EXPECT_EQ(store->figures().appends, 200U);
    EXPECT_LE(store->figures().commits, 3U);
}

}  // namespace
}  // namespace tidings
