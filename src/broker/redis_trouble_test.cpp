// What the Redis store says of a Redis that refuses it (S17, D5): by name, and not more often than an
// operator can read.

#include "broker/redis_test_support.hpp"

#include "redis/rights.hpp"

#include <algorithm>

namespace tidings {
namespace {

using namespace redis_test;
using test::RedisServer;

// Lines of the log, from the store's thread.
class Lines {
public:
    RedisStoreOptions options_on(const std::string& url) {
        auto options = redis_test::options_on(url);
        options.log = [this](LogLevel level, std::string_view text, std::initializer_list<LogField>) {
            const std::lock_guard lock{mutex_};
            if (level >= LogLevel::warning) lines_.emplace_back(text);
        };
        return options;
    }
    std::size_t with(std::string_view part) const {
        const std::lock_guard lock{mutex_};
        return static_cast<std::size_t>(std::ranges::count_if(
            lines_, [&](const std::string& line) { return line.find(part) != std::string::npos; }));
    }
    std::size_t count() const {
        const std::lock_guard lock{mutex_};
        return lines_.size();
    }

private:
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
};

TEST(RedisTrouble, S17_AKeyOfAWrongTypeIsNamedAndHurtsItsUserAlone) {
    RedisServer server;
    Lines lines;
    Member member{lines.options_on(server.url())};
    server.call({"SET", "sse:stream:user:bob", "text"});
    const auto bound = member.bound();
    for (int i = 0; i < 10; ++i) {
        const auto refused = append_one(*member.store, item_for(user("bob"), "1"));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Errc::store_corrupt);
    }
    EXPECT_EQ(lines.with("sse:stream:user:bob"), 1U);
    ReadRequest request;
    request.logs = {{user("bob"), {}}};
    request.bound = bound.position;
    EXPECT_EQ(read_all(*member.store, request).error().code, Errc::store_corrupt);
    EXPECT_EQ(lines.with("refuses to read sse:stream:user:bob"), 1U);
    EXPECT_TRUE(append_one(*member.store, item_for(user("ann"), "1")));
    server.call({"DEL", "sse:stream:user:bob"});
    EXPECT_TRUE(append_one(*member.store, item_for(user("bob"), "2")));
}

TEST(RedisTrouble, APartitionOfAWrongTypeIsNamed) {
    RedisServer server;
    Lines lines;
    Member member{lines.options_on(server.url())};
    server.call({"DEL", "sse:tidings:partition"});
    server.call({"SET", "sse:tidings:partition", "text"});
    EXPECT_TRUE(comes([&] { return lines.with("sse:tidings:partition: Redis answered: WRONGTYPE") > 0; }));
    EXPECT_FALSE(append_one(*member.store, item_for(user("ann"), "1")));
    server.call({"DEL", "sse:tidings:partition"});
    member.append(item_for(user("ann"), "2"));
}

// Redis does not say what it denies inside a script.
TEST(RedisTrouble, AllRightsAreNamedOnceWhenOneIsMissing) {
    RedisServer server;
    server.call({"ACL", "SETUSER", "hub", "on", ">p", "~*", "&*", "+@all"});
    Lines lines;
    Member member{lines.options_on("redis://hub:p@127.0.0.1:" + std::to_string(server.port()))};
    const auto rights = redis::rights_needed("sse");
    EXPECT_EQ(lines.with(rights), 0U);
    server.call({"ACL", "SETUSER", "hub", "-xadd"});
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(append_one(*member.store, item_for(user("ann"), "1")));
    EXPECT_EQ(lines.with(rights), 1U);
    // The command of a transaction that was denied, not that the transaction was aborted.
    server.call({"ACL", "SETUSER", "hub", "+xadd", "-xrange"});
    ReadRequest request;
    request.logs = {{user("ann"), {}}};
    request.bound = member.bound().position;
    const auto refused = read_all(*member.store, request);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().detail.find("'xrange'"), std::string::npos) << refused.error().detail;
    EXPECT_EQ(lines.with("EXECABORT"), 0U);
    std::vector<std::string> rules{"ACL", "SETUSER", "hub", "reset", "on", ">p"};
    for (std::size_t at = 0; at < rights.size();) {
        const auto end = std::min(rights.find(' ', at), rights.size());
        rules.push_back(rights.substr(at, end - at));
        at = end + 1;
    }
    server.call(rules);
    EXPECT_EQ(member.log(user("ann")).entries.size(), 0U);
    member.append(item_for(user("ann"), "2"));
    EXPECT_EQ(member.log(user("ann")).entries.size(), 1U);
}

TEST(RedisTrouble, WhatAllLinksSufferFromIsSaidOnce) {
    RedisServer server;
    Lines lines;
    Member member{lines.options_on(server.url())};
    server.kill();
    EXPECT_TRUE(comes([&] { return lines.with("refused") > 0; }));
    server.restart();
    member.append(item_for(user("ann"), "1"));
    EXPECT_EQ(lines.with("Connection refused"), 1U);
}

// Whoever may publish can copy a hub's message and bend its id: no stream may stand where nothing is.
TEST(RedisTrouble, D5_AForgedPositionIsNotBelieved) {
    RedisServer server;
    Member member{options_on(server.url())};
    const auto bound = member.bound();
    const auto real = member.append(item_for(user("ann"), "1"));
    const auto forged = [&](std::string_view audience) {
        const Position far{real.position.term, real.position.milliseconds + 3'600'000, 0};
        const std::string prev = std::to_string(bound.position.term) + "-" +
                                 std::to_string(bound.position.milliseconds - 3'600'000) + "-0";
        return R"({"event_id": ")" + EventId{far, bound.tag, 0}.uuid().text() +
               R"(", "event_type": "a.b", "user_id": "ann", "data": {}, )" +
               R"("occurred_at": "2026-01-20T02:30:00+00:00", "tidings": {"v": 1, "prev": ")" + prev +
               R"(", "audience": ")" + std::string{audience} + R"(", "category": "things"}})";
    };
    server.call({"PUBLISH", "sse:broadcast", forged("user:ann")});
    EXPECT_TRUE(comes([&] { return member.store->figures().ignored_messages == 1; })) << "another's channel";
    // The second comes too soon to be mended at once, and is not forgotten.
    for (int i = 1; i <= 2; ++i) {
        server.call({"PUBLISH", "sse:user:ann", forged("user:ann")});
        EXPECT_TRUE(comes([&] { return member.breaks() == i; }));
    }
    EXPECT_EQ(member.heard_entries(), 1U);
    const auto next = member.append(item_for(user("ann"), "2"));
    EXPECT_TRUE(comes([&] { return member.heard_entries() == 2; }));
    EXPECT_EQ(member.heard.copy()[1].position, next.position);
    EXPECT_LT(next.position.milliseconds, real.position.milliseconds + 3'000'000);
}

TEST(RedisTrouble, D5_PoisonDoesNotFillTheLog) {
    RedisServer server;
    Lines lines;
    Member member{lines.options_on(server.url())};
    for (int i = 0; i < 200; ++i)
        server.call({"PUBLISH", "sse:user:ann", "\"poison " + std::to_string(i) + "\" x"});
    EXPECT_TRUE(comes([&] { return member.store->figures().ignored_messages == 200; }));
    EXPECT_LE(lines.count(), 5U);
    EXPECT_GE(lines.count(), 1U);
}

}  // namespace
}  // namespace tidings
