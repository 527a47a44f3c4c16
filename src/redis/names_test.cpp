#include "redis/names.hpp"

#include <gtest/gtest.h>

namespace tidings::redis {
namespace {

const Audience ann{Audience::Kind::user, "0190b6d1-3c1a-7000-8000-000000000001"};
const Audience room{Audience::Kind::topic, "chat:7/a"};

TEST(RedisNames, K1_UsersAndBroadcastHaveTheOriginalsNames) {
    const Names names;
    EXPECT_EQ(names.stream(ann), "sse:stream:user:" + ann.name);
    EXPECT_EQ(names.channel(ann), "sse:user:" + ann.name);
    EXPECT_EQ(names.channel(Audience::broadcast()), "sse:broadcast");
}

TEST(RedisNames, TheOthersAreOurs) {
    const Names names{"x"};
    EXPECT_EQ(names.stream(Audience::broadcast()), "x:stream:broadcast");
    EXPECT_EQ(names.stream(room), "x:stream:topic:chat:7/a");
    EXPECT_EQ(names.channel(room), "x:topic:chat:7/a");
    EXPECT_EQ(names.tombstone(room), "x:tidings:closed:chat:7/a");
    EXPECT_EQ(names.hub_channel("h"), "x:tidings:hub:h");
}

TEST(RedisNames, AnAudienceIsReadBackFromItsChannel) {
    const Names names;
    for (const auto& audience : {ann, room, Audience::broadcast()}) {
        EXPECT_EQ(names.audience_of(names.channel(audience)), audience);
    }
    for (const auto* other : {"sse:tidings:hubs", "sse:stream:broadcast", "other:user:a", "sse:topic:", ""}) {
        EXPECT_FALSE(names.audience_of(other)) << other;
    }
}

}  // namespace
}  // namespace tidings::redis
