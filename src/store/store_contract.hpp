#pragma once
// The fixture of the contract suite, for every store: store_contract_test.cpp holds the tests and brings the
// embedded stores, others bring themselves with INSTANTIATE_TEST_SUITE_P.

#include "store/store_test_support.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <string>

namespace tidings::store_test {

// One kind of store, and what it does differently on purpose.
struct ContractStore {
    std::string name;
    // A store on the folder; for the same folder the same logs.
    std::function<std::unique_ptr<Store>(const StoreOptions&, const std::filesystem::path&)> make;
    bool durable = true;           // its logs outlive it
    bool term_each_open = true;    // else a term is its server's reign
    bool bounds_bytes = true;      // Retention::bytes counts
    bool counts_logs = true;       // figures() knows logs and entries
    bool hears_everything = true;  // else it hears what is watched
    bool finds_foreign = false;
};

inline std::ostream& operator<<(std::ostream& out, const ContractStore& kind) { return out << kind.name; }

class StoreContract : public testing::TestWithParam<ContractStore> {
protected:
    void SetUp() override {
        using namespace std::chrono_literals;
        options.retention.user = {.events = 5, .age = 10s, .bytes = 100'000};
        options.retention.topic = {.events = 5, .age = 20s, .bytes = 100'000};
        options.retention.broadcast = {.events = 5, .age = 30s, .bytes = 1'000};
        options.clock = clock.wall();
        options.random = seeded(7);
    }
    Store& open() {
        store.reset();
        store = GetParam().make(options, folder.path() / "store");
        const auto opened = store->open(&heard);
        EXPECT_TRUE(opened) << opened.error().message();
        if (!GetParam().hears_everything) watch_all();
        return *store;
    }
    bool durable() const { return GetParam().durable; }
    bool counts_logs() const { return GetParam().counts_logs; }

    TemporaryFolder folder;
    HandClock clock;
    StoreOptions options;
    Heard heard;
    std::unique_ptr<Store> store;

private:
    void watch_all() {
        const std::vector<Audience> audiences{user("a"), user("b"), topic("t"), topic("done"), Audience{}};
        const auto watched =
            answer_of<Result<void>>([&](auto done) { store->watch(audiences, std::move(done)); });
        EXPECT_TRUE(watched) << watched.error().message();
    }
};

inline std::string name_of_kind(const testing::TestParamInfo<ContractStore>& info) { return info.param.name; }

}  // namespace tidings::store_test
