#include "server/publish_endpoint.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

// Redis' store answers at publish_wait itself, and knows better what became of the publish.
TEST(PublishWait, GivesAStoreThatKeepsTheTimeItselfASecondMore) {
    StoreConfig store;
    store.publish_wait = std::chrono::milliseconds{700};
    for (const auto* url : {"memory:", "lmdb:here"}) {
        store.url = url;
        EXPECT_EQ(longest_wait(store), std::chrono::milliseconds{700});
    }
    store.url = "redis://localhost";
    EXPECT_EQ(longest_wait(store), std::chrono::milliseconds{1'700});
}

}  // namespace
}  // namespace tidings
