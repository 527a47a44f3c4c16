// The contract of store.hpp, passed alike by every store. P-7, and what P-1 to P-3 need of a store.

#include "store/store_contract.hpp"

#include <thread>

namespace tidings {
namespace {

using namespace std::chrono_literals;
using namespace store_test;

TEST_P(StoreContract, P1_PositionsRiseAlsoWhenTheClockStepsBack) {
    auto& s = open();
    Position last;
    for (const auto now : {noon, noon, noon + 500, noon - 3'600'000, noon + 400}) {
        clock.now = now;
        for (const auto& result :
             append_all(s, {item_for(user("a")), item_for(user("b")), item_for(Audience{})})) {
            EXPECT_GT(result.value().position, last);
            last = result.value().position;
            EXPECT_EQ(EventId::from(result.value().id)->position, last);
        }
    }
    EXPECT_GE(s.figures().clock_ahead_ms, 100);
}

TEST_P(StoreContract, P1_TheListenerHearsPositionOrderBeforeTheCaller) {
    auto& s = open();
    for (int i = 0; i < 20; ++i) {
        const auto id = append_one(s, item_for(user(i % 2 == 0 ? "a" : "b"), std::to_string(i))).value().id;
        ASSERT_EQ(heard.copy().back().id(), id);
    }
    const auto all = heard.copy();
    ASSERT_EQ(all.size(), 20U);
    for (std::size_t i = 1; i < all.size(); ++i) EXPECT_LT(all[i - 1].position, all[i].position);
    for (std::size_t i = 2; i < all.size(); ++i) EXPECT_EQ(all[i].previous, all[i - 2].position);
    EXPECT_EQ(all[3].tag, heard.terms.running().name.tag);
}

TEST_P(StoreContract, P1_ABatchIsHandedUpInBoundedSlices) {
    options.limits.append_batch = 8;
    auto& s = open();
    std::vector<AppendItem> batch(30, item_for(user("a")));
    const auto results = append_all(s, batch);
    EXPECT_EQ(results.size(), 30U);
    for (std::size_t i = 1; i < results.size(); ++i)
        EXPECT_LT(results[i - 1]->position, results[i]->position);
    EXPECT_EQ(heard.copy().size(), 30U);
    EXPECT_LE(heard.largest_batch, 8U);
    EXPECT_TRUE(append_all(s, {}).empty());
}

TEST_P(StoreContract, P2_NothingIsEverAppendedAtOrBeforeABound) {
    auto& s = open();
    Position last;
    for (const auto now : {noon, noon, noon + 5, noon - 1000}) {
        clock.now = now;
        const auto bound = bound_of(s).value();
        EXPECT_GT(bound.position, last);
        EXPECT_EQ(bound.terms->running().name, (TermName{bound.position.term, bound.tag}));
        last = append_one(s, item_for(user("a"))).value().position;
        EXPECT_GT(last, bound.position);
    }
}

TEST_P(StoreContract, P2_ABoundComesAfterEarlierAppendsWereHandedUp) {
    auto& s = open();
    std::atomic<int> appended{0};
    for (int i = 0; i < 50; ++i) s.append({item_for(user("a"))}, [&](AppendResults) { ++appended; });
    const auto heard_at_bound = answer_of<std::size_t>([&](auto done) {
        s.bound([&, done = std::move(done)](Result<Bound>) mutable { done(heard.copy().size()); });
    });
    EXPECT_EQ(heard_at_bound, 50U);
    EXPECT_EQ(appended, 50);
}

TEST_P(StoreContract, P2_ReadsSeveralLogsAfterTheirPositionsUpToABound) {
    auto& s = open();
    append_all(s, {item_for(user("a"), "1"), item_for(topic("t"), "2"), item_for(Audience{}, "3")});
    const auto middle = append_one(s, item_for(user("a"), "4")).value().position;
    append_all(s, {item_for(topic("t"), "5"), item_for(user("a"), "6")});
    const auto bound = bound_of(s).value().position;
    append_one(s, item_for(user("a"), "7"));
    ReadRequest request{{{user("a"), middle}, {topic("t"), {}}, {user("nobody"), {}}, {Audience{}, middle}},
                        bound};
    const auto pages = read_all(s, request).value();
    ASSERT_EQ(pages.size(), 4U);
    EXPECT_EQ(data_of(pages[0]), (std::vector<std::string>{"6"}));
    EXPECT_EQ(data_of(pages[1]), (std::vector<std::string>{"2", "5"}));
    EXPECT_TRUE(pages[2].entries.empty());
    EXPECT_TRUE(pages[3].entries.empty());
    EXPECT_EQ(pages[1].audience, topic("t"));
    EXPECT_FALSE(pages[1].full);
    EXPECT_TRUE(pages[3].oldest);
    EXPECT_FALSE(pages[2].oldest);
    EXPECT_EQ(pages[0].oldest_time, Timestamp{std::chrono::milliseconds{noon}});
}

TEST_P(StoreContract, P2_AnEntryKeepsEverythingItCameWith) {
    auto& s = open();
    auto item = item_for(topic("t"), R"({"n":1})");
    item.key = "file-1";
    item.occurred_at = Timestamp{std::chrono::microseconds{-12'345}};
    const auto id = append_one(s, item).value().id;
    const auto entry = read_log(s, topic("t")).entries.at(0);
    EXPECT_EQ(entry.id(), id);
    EXPECT_EQ(entry.audience, item.audience);
    EXPECT_EQ(entry.type, item.type);
    EXPECT_EQ(entry.category, item.category);
    EXPECT_EQ(entry.data, item.data);
    EXPECT_EQ(entry.key, item.key);
    EXPECT_EQ(entry.occurred_at, item.occurred_at);
    EXPECT_TRUE(entry.retained);
    EXPECT_EQ(entry.previous, heard.copy().at(0).previous);
}

TEST_P(StoreContract, P2_PagesEndAtTheirEventsAndBytes) {
    options.retention.user.events = 100;
    auto& s = open();
    for (int i = 0; i < 10; ++i) append_one(s, item_for(user("a"), json_text(100, 'x')));
    ReadRequest request{{{user("a"), {}}}, bound_of(s).value().position};
    request.page_events = 4;
    std::vector<std::size_t> sizes;
    for (bool full = true; full;) {
        const auto page = read_all(s, request).value().at(0);
        full = page.full;
        sizes.push_back(page.entries.size());
        request.logs[0].after = page.entries.back().position;
    }
    EXPECT_EQ(sizes, (std::vector<std::size_t>{4, 4, 2}));
    request.logs[0].after = {};
    request.page_events = 100;
    request.page_bytes = 600;
    EXPECT_LE(read_all(s, request).value().at(0).entries.size(), 5U);
    request.page_bytes = 1;  // one entry always fits, or nobody could pass it
    EXPECT_EQ(read_all(s, request).value().at(0).entries.size(), 1U);
    EXPECT_TRUE(read_all(s, request).value().at(0).full);
}

TEST_P(StoreContract, P3_TheFloorOfAnUntrimmedLogIsItsBirthMinusTheAge) {
    auto& s = open();
    clock.now += 60'000;
    append_one(s, item_for(user("a")));
    clock.now += 5'000;
    EXPECT_EQ(read_log(s, user("a")).floor.milliseconds, noon + 60'000 - 10'000);
    EXPECT_EQ(read_log(s, user("absent")).floor.milliseconds, noon + 65'000 - 10'000);
}

TEST_P(StoreContract, P3_TrimmingByEventsRaisesTheFloor) {
    auto& s = open();
    std::vector<Position> positions;
    for (int i = 0; i < 9; ++i)
        positions.push_back(append_one(s, item_for(user("a"), std::to_string(i)))->position);
    const auto page = read_log(s, user("a"));
    EXPECT_EQ(data_of(page), (std::vector<std::string>{"4", "5", "6", "7", "8"}));
    EXPECT_EQ(page.floor, positions[3]);
    EXPECT_EQ(page.oldest, positions[4]);
    EXPECT_EQ(page.entries[0].previous, positions[3]);
    if (counts_logs()) {
        EXPECT_EQ(s.figures().trimmed, 4U);
    }
}

TEST_P(StoreContract, P3_TrimmingByBytesKeepsTheNewest) {
    if (!GetParam().bounds_bytes) return;
    auto& s = open();
    for (int i = 0; i < 3; ++i) append_one(s, item_for(Audience{}, json_text(400, 'x')));
    EXPECT_EQ(read_log(s, Audience{}).entries.size(), 2U);
    append_one(s, item_for(Audience{}, json_text(5'000, 'y')));
    const auto page = read_log(s, Audience{});
    ASSERT_EQ(page.entries.size(), 1U);
    EXPECT_EQ(page.entries[0].previous, page.floor);
}

TEST_P(StoreContract, P3_AWholeLogDiesOneAgeAfterItsLastAppend) {
    auto& s = open();
    append_one(s, item_for(user("a"), "1"));
    clock.now += 9'000;
    const auto second = append_one(s, item_for(user("a"), "2")).value().position;
    clock.now += 10'000;
    EXPECT_EQ(read_log(s, user("a")).entries.size(), 2U);  // renewed by each append
    clock.now += 1;
    const auto page = read_log(s, user("a"));
    EXPECT_TRUE(page.entries.empty());
    EXPECT_GT(page.floor, second);
    const auto floor = page.floor;
    clock.now -= 3'600'000;  // the clock steps back: what has died cannot come back
    EXPECT_GE(read_log(s, user("a")).floor, floor);
    append_one(s, item_for(user("a"), "3"));
    const auto reborn = read_log(s, user("a"));
    EXPECT_EQ(data_of(reborn), (std::vector<std::string>{"3"}));
    EXPECT_GT(reborn.floor, second);
}

TEST_P(StoreContract, P6_ExpiredLogsAreDroppedThoughNobodyTouchesThem) {
    if (!counts_logs()) return;  // the server drops them by itself
    auto& s = open();
    std::vector<AppendItem> batch;
    for (std::uint8_t i = 0; i < 200; ++i) {
        batch.push_back(with_key(item_for(user(("u" + std::to_string(i)).c_str())), i, 1));
    }
    append_all(s, batch);
    EXPECT_EQ(s.figures().logs, 200U);
    clock.now += 11'000;
    for (int i = 0; i < 60; ++i) bound_of(s).value();
    EXPECT_EQ(s.figures().logs, 0U);
    EXPECT_EQ(s.figures().entries, 0U);
    EXPECT_EQ(s.figures().trimmed, 200U);
}

TEST_P(StoreContract, P6_AnAppendToADeadLogLeavesNothingOfItBehind) {
    auto& s = open();
    append_all(s, {item_for(user("a")), item_for(user("a")), item_for(user("a"))});
    clock.now += 11'000;
    append_one(s, item_for(user("a"))).value();
    EXPECT_EQ(read_log(s, user("a")).entries.size(), 1U);
    if (!counts_logs()) return;
    EXPECT_EQ(s.figures().entries, 1U);
    EXPECT_EQ(s.figures().logs, 1U);
}

TEST_P(StoreContract, P7_ARepeatedIdempotencyKeyPublishesNothingAndReturnsTheFirstId) {
    auto& s = open();
    const auto first = append_one(s, with_key(item_for(user("a")), 1, 1)).value();
    EXPECT_FALSE(first.duplicate);
    clock.now += 10'000;
    const auto again = append_one(s, with_key(item_for(user("a")), 1, 1)).value();
    EXPECT_TRUE(again.duplicate);
    EXPECT_EQ(again.id, first.id);
    EXPECT_EQ(append_one(s, with_key(item_for(user("a")), 1, 2)).error().code, Errc::idempotency_conflict);
    EXPECT_EQ(heard.copy().size(), 1U);
    EXPECT_EQ(read_log(s, user("a")).entries.size(), 1U);
    clock.now += 1;  // one age later the key is free
    EXPECT_FALSE(append_one(s, with_key(item_for(user("a")), 1, 2)).value().duplicate);
}

TEST_P(StoreContract, P2_AStoreWithoutForeignEntriesFindsNone) {
    auto& s = open();
    ASSERT_EQ(s.foreign(), GetParam().finds_foreign);
    if (s.foreign()) return;
    const auto ours = append_one(s, item_for(user("a"))).value();
    const auto found = answer_of<Result<std::optional<Position>>>(
        [&](auto done) { s.find({user("a")}, ours.id, std::move(done)); });
    EXPECT_EQ(found.value(), std::nullopt);
    ReadRequest request;
    request.logs = {{user("a"), ours.position}};
    request.bound = bound_of(s).value().position;
    request.repeat_foreign = std::chrono::seconds{2};
    EXPECT_TRUE(read_all(s, request).value().at(0).repeats.empty());
    EXPECT_EQ(heard.breaks, 0);
}

TEST_P(StoreContract, P7_IdempotencyKeysHoldWithinOneBatch) {
    auto& s = open();
    const auto results =
        append_all(s, {with_key(item_for(user("a")), 1, 1), with_key(item_for(user("a")), 1, 1),
                       with_key(item_for(user("a")), 1, 2), item_for(user("a"))});
    EXPECT_FALSE(results[0]->duplicate);
    EXPECT_TRUE(results[1]->duplicate);
    EXPECT_EQ(results[1]->id, results[0]->id);
    EXPECT_EQ(results[2].error().code, Errc::idempotency_conflict);
    EXPECT_TRUE(results[3]);
    EXPECT_EQ(heard.copy().size(), 2U);
}

TEST_P(StoreContract, P7_AnItemFailsAlone) {
    auto& s = open();
    append_one(s, closing(topic("done"))).value();
    auto huge = item_for(user("a"), json_text(options.limits.event_bytes + 1, 'x'));
    const auto results =
        append_all(s, {item_for(topic("done")), huge, closing(user("a")), item_for(user("a")),
                       item_for(Audience{Audience::Kind::user, std::string(600, 'n')})});
    EXPECT_EQ(results[0].error().code, Errc::topic_closed);
    EXPECT_EQ(results[1].error().code, Errc::event_too_large);
    EXPECT_EQ(results[2].error().code, Errc::invalid_field);
    EXPECT_TRUE(results[3]);
    EXPECT_EQ(results[4].error().code, Errc::invalid_field);
    EXPECT_TRUE(read_log(s, Audience{Audience::Kind::user, std::string(600, 'n')}).entries.empty());
}

TEST_P(StoreContract, C33_AClosedTopicKeepsItsRestAndATombstoneForItsAge) {
    auto& s = open();
    const auto last = append_one(s, item_for(topic("t"), "1")).value().position;
    const auto before = bound_of(s).value().position;
    const auto closed = append_one(s, closing(topic("t"))).value();
    EXPECT_FALSE(closed.duplicate);
    EXPECT_EQ(heard.copy().back().id(), closed.id);
    EXPECT_TRUE(heard.copy().back().closes);
    EXPECT_EQ(heard.copy().back().previous, last);
    EXPECT_EQ(append_one(s, item_for(topic("t"))).error().code, Errc::topic_closed);
    auto unretained = item_for(topic("t"));
    unretained.retain = false;
    EXPECT_EQ(append_one(s, unretained).error().code, Errc::topic_closed);
    const auto again = append_one(s, closing(topic("t"))).value();
    EXPECT_TRUE(again.duplicate);
    EXPECT_EQ(again.id, closed.id);
    auto page = read_log(s, topic("t"));
    EXPECT_EQ(page.closed, closed.position);
    EXPECT_EQ(data_of(page), (std::vector<std::string>{"1"}));
    EXPECT_FALSE(read_all(s, {{{topic("t"), {}}}, before}).value().at(0).closed);
    clock.now += 20'001;
    page = read_log(s, topic("t"));
    EXPECT_FALSE(page.closed);
    EXPECT_TRUE(page.entries.empty());
    EXPECT_TRUE(append_one(s, item_for(topic("t"))));
}

TEST_P(StoreContract, C33_ClosingAnUnknownTopicMakesATombstone) {
    auto& s = open();
    const auto closed = append_one(s, closing(topic("t"))).value();
    EXPECT_EQ(append_one(s, item_for(topic("t"))).error().code, Errc::topic_closed);
    const auto page = read_log(s, topic("t"));
    EXPECT_EQ(page.closed, closed.position);
    EXPECT_TRUE(page.entries.empty());
    EXPECT_FALSE(page.oldest);
    EXPECT_EQ(page.floor.milliseconds, noon - 20'000);
}

TEST_P(StoreContract, P1_UnretainedEventsPassInOrderAndAreNotKept) {
    auto& s = open();
    auto passing = item_for(user("a"), R"("passing")");
    passing.retain = false;
    const auto results =
        append_all(s, {item_for(user("a"), R"("kept")"), with_key(passing, 1, 1), item_for(user("a"))});
    EXPECT_TRUE(results[1]->id.nil());
    EXPECT_EQ(results[1]->position, results[0]->position);
    const auto all = heard.copy();
    ASSERT_EQ(all.size(), 3U);
    EXPECT_FALSE(all[1].retained);
    EXPECT_EQ(all[1].data, R"("passing")");
    EXPECT_EQ(all[1].position, all[0].position);
    EXPECT_EQ(all[2].previous, all[0].position);
    EXPECT_EQ(read_log(s, user("a")).entries.size(), 2U);
    const auto again = append_one(s, with_key(passing, 1, 1)).value();
    EXPECT_TRUE(again.duplicate);
    EXPECT_TRUE(again.id.nil());
}

TEST_P(StoreContract, C29_AReopenedStoreKnowsItsIdsOrGivesAReset) {
    open();
    const auto appended = append_one(*store, item_for(user("a"), "1")).value();
    append_one(*store, with_key(item_for(user("a"), "2"), 9, 9)).value();
    const auto closed = append_one(*store, closing(topic("t"))).value();
    const auto bound = bound_of(*store).value();
    auto& s = open();
    const auto after = bound_of(s).value();
    const auto meaning = interpret(appended.id.text(), *after.terms, after.position);
    if (!durable()) {
        EXPECT_EQ(meaning.kind, CursorKind::store_reset);
        return;
    }
    EXPECT_GT(after.position, bound.position);
    EXPECT_EQ(meaning.kind, CursorKind::ours);
    EXPECT_EQ(interpret(bound.id().text(), *after.terms, after.position).kind, CursorKind::ours);
    EXPECT_EQ(data_of(read_log(s, user("a"), appended.position)), (std::vector<std::string>{"2"}));
    EXPECT_EQ(read_log(s, user("a")).entries.at(0).id(), appended.id);
    EXPECT_TRUE(append_one(s, with_key(item_for(user("a"), "2"), 9, 9)).value().duplicate);
    EXPECT_EQ(append_one(s, closing(topic("t"))).value().id, closed.id);
    if (!GetParam().term_each_open) return;
    ASSERT_EQ(after.terms->terms.size(), 2U);
    EXPECT_TRUE(after.terms->terms[0].sealed);
    EXPECT_EQ(heard.terms.running().name.number, 2U);
    EXPECT_LE(s.figures().clock_ahead_ms, 1);
}

TEST_P(StoreContract, P3_ALongerAgeDoesNotMakeAFloorOlderThanItsChange) {
    if (!durable() || !counts_logs()) return;  // Redis' own clock, which no hand moves, ends its logs
    open();
    const auto lost = append_one(*store, item_for(user("a"))).value().position;
    clock.now += 11'000;
    bound_of(*store).value();
    EXPECT_EQ(store->figures().logs, 0U);
    options.retention.user.age = 24h;
    auto& s = open();
    EXPECT_GT(read_log(s, user("a")).floor, lost);
    EXPECT_GE(read_log(s, user("a")).floor.milliseconds, noon + 11'000);
}

TEST_P(StoreContract, AnswersEveryCallOnceAlsoAtClose) {
    auto& s = open();
    std::atomic<int> answers{0};
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 3; ++caller) {
        callers.emplace_back([&] {
            for (int i = 0; i < 100; ++i) {
                s.append({item_for(user("a"))}, [&](AppendResults) { ++answers; });
                s.bound([&](Result<Bound>) { ++answers; });
                s.read({{{user("a"), {}}}, {1, noon, 0}}, [&](Result<std::vector<LogPage>>) { ++answers; });
                s.watch({user("a")}, [&](Result<void>) { ++answers; });
            }
        });
    }
    s.close();
    for (auto& caller : callers) caller.join();
    EXPECT_EQ(answers, 1200);
    s.close();
    EXPECT_EQ(append_one(s, item_for(user("a"))).error().code, Errc::cancelled);
    EXPECT_EQ(bound_of(s).error().code, Errc::cancelled);
    EXPECT_EQ(read_all(s, {{{user("a"), {}}}, {}}).error().code, Errc::cancelled);
}

TEST_P(StoreContract, P1_HoldsItsOrderUnderConcurrentCallers) {
    options.retention.user.events = 10'000;
    auto& s = open();
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 3; ++caller) {
        callers.emplace_back([&s, caller] {
            for (int i = 0; i < 60; ++i)
                append_one(s, item_for(user("a"), std::to_string(caller * 1000 + i))).value();
        });
    }
    for (auto& caller : callers) caller.join();
    const auto all = heard.copy();
    const auto page = read_log(s, user("a"));
    ASSERT_EQ(all.size(), 180U);
    ASSERT_EQ(page.entries.size(), 180U);
    for (std::size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(all[i].position, page.entries[i].position);
    }
    for (std::size_t i = 1; i < all.size(); ++i) EXPECT_EQ(all[i].previous, all[i - 1].position);
}

ContractStore memory() {
    ContractStore kind;
    kind.name = "Memory";
    kind.durable = false;
    kind.make = [](const StoreOptions& options, const std::filesystem::path&) {
        return make_memory_store(options);
    };
    return kind;
}

ContractStore lmdb(std::string name, Durability durability) {
    ContractStore kind;
    kind.name = std::move(name);
    kind.make = [durability](const StoreOptions& options, const std::filesystem::path& folder) {
        LmdbOptions lmdb;
        lmdb.store = options;
        lmdb.directory = folder;
        lmdb.durability = durability;
        lmdb.map_bytes = 16 << 20;
        return make_lmdb_store(std::move(lmdb));
    };
    return kind;
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreContract,
                         testing::Values(memory(), lmdb("LmdbProcess", Durability::process),
                                         lmdb("LmdbSync", Durability::sync)),
                         name_of_kind);

}  // namespace
}  // namespace tidings
