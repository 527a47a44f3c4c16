// The Redis store passes the contract of every store, on a real server.

#include "broker/redis_store.hpp"

#include "broker/redis_test_support.hpp"
#include "store/store_contract.hpp"

namespace tidings {
namespace {

using namespace redis_test;

// One server for all tests of the process; each test has a prefix of its own.
test::RedisServer& shared_server() {
    static test::RedisServer server;  // owned by the process: starting one for each test would cost minutes
    return server;
}

RedisStoreOptions options_for(const StoreOptions& options, const std::string& prefix) {
    auto redis = options_on(shared_server().url());
    redis.store.retention = options.retention;
    redis.store.prefix = prefix;
    redis.limits = options.limits;
    redis.random = options.random;
    redis.clock = options.clock;
    return redis;
}

ContractStore redis_kind() {
    ContractStore kind;
    kind.name = "Redis";
    kind.term_each_open = false;
    kind.bounds_bytes = false;
    kind.counts_logs = false;
    kind.hears_everything = false;
    kind.finds_foreign = true;
    kind.make = [](const StoreOptions& options, const std::filesystem::path& folder) {
        // The folder's name is the test's own, and the same for a store that is opened again.
        const std::string prefix = folder.parent_path().filename().string();
        return make_redis_store(options_for(options, prefix));
    };
    return kind;
}

INSTANTIATE_TEST_SUITE_P(OnRedis, StoreContract, testing::Values(redis_kind()), name_of_kind);

}  // namespace
}  // namespace tidings
