#include "store/failing_store.hpp"

#include "store/store_test_support.hpp"

namespace tidings {
namespace {

using namespace store_test;

TEST(FailingStore, FailsTheOperationsItWasToldTo) {
    HandClock clock;
    StoreOptions options;
    options.clock = clock.wall();
    options.random = seeded(1);
    const auto memory = make_memory_store(options);
    FailingStore store{*memory};
    ASSERT_TRUE(store.open(nullptr));
    store.fail({.first = 2, .count = 2});
    EXPECT_TRUE(append_one(store, item_for(user("a"))));
    EXPECT_EQ(append_one(store, item_for(user("a"))).error().code, Errc::store_unavailable);
    EXPECT_EQ(bound_of(store).error().code, Errc::store_unavailable);
    EXPECT_EQ(read_log(store, user("a")).entries.size(), 1U);
    EXPECT_EQ(store.operations(), 5U);
}

TEST(MemoryStore, P6_IsBoundedInAll) {
    HandClock clock;
    StoreOptions options;
    options.clock = clock.wall();
    options.random = seeded(1);
    options.memory_bytes = 100'000;
    const auto store = make_memory_store(options);
    ASSERT_TRUE(store->open(nullptr));
    std::size_t stored = 0;
    for (int i = 0; i < 500; ++i) {
        const auto result =
            append_one(*store, item_for(user(("u" + std::to_string(i)).c_str()), std::string(500, 'x')));
        stored += result ? 1 : 0;
        EXPECT_TRUE(result || result.error().code == Errc::store_full);
    }
    EXPECT_GT(stored, 50U);
    EXPECT_LT(store->figures().bytes, 102'000U);
    clock.now += 3'600'001;
    for (int i = 0; i < 20; ++i) bound_of(*store).value();
    EXPECT_TRUE(append_one(*store, item_for(user("later"))));
}

}  // namespace
}  // namespace tidings
