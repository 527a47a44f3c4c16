// Other systems' events on the same Redis: delivery.md, "Foreign producers". The original publishes a message
// and then appends with `*`.

#include "broker/redis_test_support.hpp"
#include "redis/term_text.hpp"

#include <gmock/gmock.h>

namespace tidings {
namespace {

using namespace redis_test;
using namespace std::chrono_literals;
using test::RedisServer;

constexpr const char* ann_channel = "sse:user:ann";
constexpr const char* ann_stream = "sse:stream:user:ann";

std::string foreign_id(int n) {
    std::string digits = std::to_string(n);
    return "06b02312-9c1c-7534-8000-" + std::string(12 - digits.size(), '0') + digits;
}

std::string message_of(int n) {
    return R"({"event_id": ")" + foreign_id(n) +
           R"(", "event_type": "thing.happened", "user_id": "ann", "data": {"n": )" + std::to_string(n) +
           R"(}, "occurred_at": "2026-01-20T02:30:00+00:00"})";
}

std::vector<std::string> entry_of(int n) {
    return {"XADD",        ann_stream,
            "MAXLEN",      "~",
            "1000",        "*",
            "event_id",    foreign_id(n),
            "event_type",  "thing.happened",
            "data",        R"({"n": )" + std::to_string(n) + "}",
            "occurred_at", "2026-01-20T02:30:00+00:00"};
}

RedisStoreOptions foreign_options(const RedisServer& server, ForeignProducers producers) {
    auto options = options_on(server.url());
    auto registry = std::make_shared<Registry>();
    EXPECT_TRUE(registry->add_category("things"));
    EventTypeInfo type;
    type.type = "thing.happened";
    type.category = "things";
    type.description = "A thing happened.";
    EXPECT_TRUE(registry->add_type(std::move(type)));
    options.registry = [registry] { return std::shared_ptr<const Registry>{registry}; };
    options.store.foreign_producers = producers;
    return options;
}

TEST(RedisForeign, P9_ARetainedEventIsFoundInItsLogAndHasItsId) {
    RedisServer server;
    Member member{foreign_options(server, ForeignProducers::retained)};
    const auto ours = member.append(item_for(user("ann"), "1"));
    server.call({"PUBLISH", ann_channel, message_of(7)});
    const auto id = server.call(entry_of(7)).text;
    EXPECT_TRUE(comes([&] { return member.heard_entries() == 2; }));
    const auto entry = member.heard.copy().back();
    EXPECT_TRUE(entry.foreign);
    EXPECT_TRUE(entry.retained);
    EXPECT_EQ(entry.id().text(), foreign_id(7));
    EXPECT_EQ(entry.data, R"({"n":7})");
    EXPECT_EQ(entry.category, "things");
    EXPECT_EQ(redis::entry_id_text(entry.position), id);
    EXPECT_EQ(entry.previous, ours.position);
}

TEST(RedisForeign, P9_OneThatIsNotKeptGoesOutWithoutAPlace) {
    RedisServer server;
    Member member{foreign_options(server, ForeignProducers::retained)};
    server.call({"PUBLISH", ann_channel, message_of(1)});
    EXPECT_TRUE(comes([&] { return member.heard_entries() == 1; }));
    EXPECT_TRUE(member.heard.copy()[0].foreign);
    EXPECT_FALSE(member.heard.copy()[0].retained);
    server.call({"PUBLISH", "sse:broadcast", message_of(2)});
    EXPECT_TRUE(comes([&] { return member.heard_entries() == 2; }));
    EXPECT_EQ(member.heard.copy()[1].audience, Audience{});
    EXPECT_FALSE(member.heard.copy()[1].retained);
}

TEST(RedisForeign, P9_LiveTakesMessagesAloneAndNoneTakesNothing) {
    RedisServer server;
    Member live{foreign_options(server, ForeignProducers::live)};
    Member none{foreign_options(server, ForeignProducers::none)};
    server.call({"PUBLISH", ann_channel, message_of(1)});
    server.call(entry_of(1));
    EXPECT_TRUE(comes([&] { return live.heard_entries() == 1; }));
    EXPECT_FALSE(live.heard.copy()[0].retained);
    live.append(item_for(user("ann"), "1"));
    EXPECT_TRUE(comes([&] { return none.heard_entries() == 1; }));
    EXPECT_FALSE(none.heard.copy()[0].foreign) << "only ours";
    EXPECT_FALSE(live.store->foreign());
}

TEST(RedisForeign, P9_EntriesWithoutAMessageAreFoundByTheChain) {
    RedisServer server;
    Member member{foreign_options(server, ForeignProducers::retained)};
    member.append(item_for(user("ann"), "1"));
    server.call(entry_of(5));
    server.call(entry_of(6));
    member.append(item_for(user("ann"), "2"));
    EXPECT_TRUE(comes([&] { return member.heard_entries() == 4; }));
    std::vector<std::string> data;
    for (const auto& entry : member.heard.copy()) data.push_back(entry.data);
    EXPECT_THAT(data, testing::UnorderedElementsAre("1", "2", R"({"n":5})", R"({"n":6})"));
    EXPECT_EQ(member.breaks(), 0) << "nothing of ours was lost";
}

// Its producer is slow: it goes out without a place after 50 ms, and with it to who has not had it since.
TEST(RedisForeign, D3_OneThatIsAppendedLateIsHandedUpOnceMoreWithItsPlace) {
    RedisServer server;
    Member member{foreign_options(server, ForeignProducers::retained)};
    server.call({"PUBLISH", ann_channel, message_of(1)});
    EXPECT_TRUE(comes([&] { return member.heard_entries() == 1; }));
    EXPECT_FALSE(member.heard.copy()[0].retained);
    const auto id = server.call(entry_of(1)).text;
    EXPECT_TRUE(comes([&] { return member.heard_entries() == 2; }));
    const auto entry = member.heard.copy()[1];
    EXPECT_TRUE(entry.retained);
    EXPECT_EQ(entry.id().text(), foreign_id(1));
    EXPECT_EQ(redis::entry_id_text(entry.position), id);
}

// The message came before the subscription, the entry after the streams had read the log.
TEST(RedisForeign, D3_TheTailIsReadAgainSoonAfterASubscription) {
    RedisServer server;
    Member member{foreign_options(server, ForeignProducers::retained)};
    auto entry = entry_of(1);
    entry[1] = "sse:stream:user:bob";
    entry[5] = "1000-0";  // long before
    server.call(entry);
    member.watch({user("bob")});
    member.bound();
    entry = entry_of(2);
    entry[1] = "sse:stream:user:bob";
    const auto id = server.call(entry).text;
    EXPECT_TRUE(comes([&] { return member.heard_entries() == 1; }));
    EXPECT_EQ(redis::entry_id_text(member.heard.copy()[0].position), id);
    EXPECT_TRUE(member.heard.copy()[0].retained);
    // Not what was read by streams, nor what was heard.
    server.call({"PUBLISH", ann_channel, message_of(3)});
    server.call(entry_of(3));
    EXPECT_TRUE(comes([&] { return member.heard_entries() == 2; }));
    member.append(item_for(user("ann"), "1"));
    EXPECT_TRUE(comes([&] { return member.heard_entries() == 3; }));
    EXPECT_EQ(member.breaks(), 0);
}

TEST(RedisForeign, P9_OursStayInOrderAndAboveEntriesOfTheSameMillisecond) {
    RedisServer server;
    Member member{foreign_options(server, ForeignProducers::retained)};
    for (int i = 0; i < 300; ++i) {
        server.call({"PUBLISH", ann_channel, message_of(i)});
        server.call(entry_of(i));
        ASSERT_TRUE(append_one(*member.store, item_for(user("ann"), std::to_string(i))));
    }
    EXPECT_TRUE(comes([&] { return member.heard_entries() == 600; }));
    Position last;
    for (const auto& entry : member.heard.copy()) {
        if (entry.foreign) continue;
        EXPECT_GT(entry.position, last);
        last = entry.position;
    }
    const auto page = member.log(user("ann"));
    EXPECT_EQ(page.entries.size(), 600U);
    for (std::size_t i = 1; i < page.entries.size(); ++i) {
        EXPECT_EQ(page.entries[i].previous, page.entries[i - 1].position);
    }
}

TEST(RedisForeign, P9_AForeignIdIsFoundInItsLog) {
    RedisServer server;
    Member member{foreign_options(server, ForeignProducers::retained)};
    for (int i = 0; i < 700; ++i) server.call(entry_of(i));
    const auto find = [&](int n) {
        return answer_of<Result<std::optional<Position>>>([&](auto done) {
            member.store->find({user("ann"), Audience{}}, *Uuid::parse(foreign_id(n)), std::move(done));
        });
    };
    const auto found = find(1).value();
    ASSERT_TRUE(found);
    EXPECT_EQ(member.log(user("ann"), *found).entries.size(), 698U);
    EXPECT_EQ(find(1).value(), found);
    EXPECT_EQ(find(9'999).value(), std::nullopt);
}

TEST(RedisForeign, P3_TheFloorOfALogThatBeginsWithAForeignEntry) {
    RedisServer server;
    Member member{foreign_options(server, ForeignProducers::retained)};
    server.call(entry_of(1));
    const auto whole = member.log(user("ann"));
    EXPECT_EQ(whole.floor.milliseconds, whole.oldest->milliseconds - 3'600'000);
    server.call(entry_of(2));
    server.call({"XTRIM", ann_stream, "MAXLEN", "1"});
    const auto trimmed = member.log(user("ann"));
    EXPECT_EQ(trimmed.floor, trimmed.oldest->before());
}

TEST(RedisForeign, S16_EntriesThatCannotBeReadArePassedOver) {
    RedisServer server;
    Member member{foreign_options(server, ForeignProducers::retained)};
    const auto first = member.append(item_for(user("ann"), "1"));
    for (int i = 0; i < 200; ++i) server.call({"XADD", ann_stream, "*", "event_id", "x", "junk", "y"});
    member.append(item_for(user("ann"), "2"));
    ReadRequest request;
    request.logs = {{user("ann"), first.position}};
    request.bound = member.bound().position;
    const auto pages = read_all(*member.store, request).value();
    ASSERT_EQ(pages[0].entries.size(), 1U);
    EXPECT_EQ(pages[0].entries[0].data, "2");
    EXPECT_EQ(pages[0].entries[0].previous, first.position) << "no loss is told";
}

TEST(RedisForeign, D5_PoisonHurtsNobody) {
    RedisServer server;
    Member member{foreign_options(server, ForeignProducers::retained)};
    const std::vector<std::string> poison{"[]",
                                          "5",
                                          "null",
                                          "",
                                          "{",
                                          R"({"event_id": null})",
                                          "\xff\xfe",
                                          std::string(1'000'000, '['),
                                          R"({"tidings": 5})",
                                          R"({"event_id": "x", "tidings": {"v": 2}})"};
    for (const auto* channel : {ann_channel, "sse:broadcast", "sse:topic:t"}) {
        for (const auto& text : poison) server.call({"PUBLISH", channel, text});
    }
    server.call({"PUBLISH", "sse:tidings:hubs", "joined"});
    member.append(item_for(user("ann"), "1"));
    EXPECT_TRUE(comes([&] { return member.heard_entries() == 1; }));
    EXPECT_EQ(member.store->figures().ignored_messages, 3 * poison.size());
}

}  // namespace
}  // namespace tidings
