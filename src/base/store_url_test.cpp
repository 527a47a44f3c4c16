#include "base/store_url.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

TEST(StoreUrl, TellsRedisByItsSchemeAndHost) {
    for (const auto* url : {"redis://localhost", "redis://:secret@h:6379/0", "rediss://u:p@[::1]:6380",
                            "redis+sentinel://a:26379,b:26379/mymaster", "redis://u:p/w@h"}) {
        EXPECT_TRUE(is_redis_url(url)) << url;
    }
    for (const auto* url : {"redis://", "redis:///0", "redis://:6379", "redis://u:p@", "redis+cluster://h",
                            "redis:h", "lmdb:redis", "redis+sentinel://a,,b/m", "memory:", ""}) {
        EXPECT_FALSE(is_redis_url(url)) << url;
    }
}

TEST(StoreUrl, IsShownWithoutItsPassword) {
    EXPECT_EQ(without_password("redis://user:p@ss/wd@host:6379/0"), "redis://user:***@host:6379/0");
    EXPECT_EQ(without_password("rediss://:secret@host"), "rediss://:***@host");
    EXPECT_EQ(without_password("redis://secret@host:6379"), "redis://***@host:6379");
    EXPECT_EQ(without_password("redis://host:6379"), "redis://host:6379");
    EXPECT_EQ(without_password("lmdb:/var/lib/a@b"), "lmdb:/var/lib/a@b");
    EXPECT_EQ(without_password("memory:"), "memory:");
}

}  // namespace
}  // namespace tidings
