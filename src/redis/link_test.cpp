#include "redis/link.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidings::redis {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using Do = RedisLink::Do;

const Value ok = Value::of_status("OK");

std::string info_text(std::string_view version = "7.0.15", std::string_view role = "master",
                      std::string_view more = "") {
    return "# Server\r\nredis_version:" + std::string{version} +
           "\r\nredis_mode:standalone\r\nrun_id:abc\r\n" + "loading:0\r\nrole:" + std::string{role} +
           "\r\nmaster_replid2:0000000000000000000000000000000000000000\r\n" + std::string{more};
}

Value config(std::string name, std::string value) {
    return Value::of_array({Value::of_text(std::move(name)), Value::of_text(std::move(value))});
}

// A link and its clock. Jitter adds to waiting times, so they are compared as ranges.
struct Script {
    explicit Script(std::string_view url = "redis://h", std::uint64_t seed = 1)
        : link{{.url = RedisUrl::parse(url).value(), .seed = seed}} {}

    RedisLink::Action step(const RedisLink::Input& input) { return link.step(now, input); }
    RedisLink::Action reply(Value value) { return step(RedisLink::Reply{std::move(value)}); }
    // Until the machine wants to be woken.
    RedisLink::Action tick() {
        now = link.wake_at().value();
        return step(RedisLink::Tick{});
    }
    std::chrono::milliseconds wait() const { return link.wake_at().value() - now; }
    void connect() {
        EXPECT_EQ(step(RedisLink::Start{}).what, Do::connect);
        EXPECT_EQ(step(RedisLink::Connected{}).what, Do::write);
    }
    // The answers from INFO on.
    RedisLink::Action introduce(std::string info = info_text()) {
        reply(ok);
        const auto action = reply(Value::of_text(std::move(info)));
        if (action.what != Do::none) return action;
        reply(config("appendonly", "yes"));
        reply(config("appendfsync", "everysec"));
        return reply(config("maxmemory-policy", "noeviction"));
    }

    RedisLink link;
    std::chrono::milliseconds now{1'000'000};
};

TEST(RedisLink, IntroducesItselfInOneWrite) {
    Script script{"redis://u:p@h:7/3"};
    const auto connect = script.step(RedisLink::Start{});
    EXPECT_EQ(connect.what, Do::connect);
    EXPECT_EQ(connect.endpoint, (Endpoint{"h", 7}));
    EXPECT_EQ(script.wait(), 3s);
    const auto action = script.step(RedisLink::Connected{});
    EXPECT_EQ(action.what, Do::write);
    EXPECT_EQ(action.replies, 7u);
    EXPECT_EQ(action.bytes, command({"AUTH", "u", "p"}) + command({"SELECT", "3"}) +
                                command({"CLIENT", "SETNAME", "tidings"}) + command({"INFO"}) +
                                command({"CONFIG", "GET", "appendonly"}) +
                                command({"CONFIG", "GET", "appendfsync"}) +
                                command({"CONFIG", "GET", "maxmemory-policy"}));
    EXPECT_EQ(script.wait(), 5s);
    script.reply(ok);
    script.reply(ok);
    const auto ready = script.introduce();
    EXPECT_EQ(ready.what, Do::ready);
    EXPECT_TRUE(script.link.is_ready());
    EXPECT_EQ(script.link.server(), (ServerInfo{.run_id = "abc",
                                                .version = "7.0.15",
                                                .role = "master",
                                                .address = "h:7",
                                                .fsync = "everysec",
                                                .eviction = "noeviction"}));
}

TEST(RedisLink, APasswordAloneIsSentWithoutAUser) {
    Script script{"redis://:p@h"};
    script.step(RedisLink::Start{});
    EXPECT_THAT(script.step(RedisLink::Connected{}).bytes, HasSubstr(command({"AUTH", "p"})));
}

TEST(RedisLink, WhatMayNotBeAskedStaysUnknown) {
    Script script;
    script.connect();
    script.reply(Value::of_error("NOPERM this user has no permissions to run the 'client|setname' command"));
    script.reply(Value::of_text(info_text("6.2.0", "master")));
    script.reply(Value::of_error("ERR unknown command `CONFIG`"));
    script.reply(Value::of_error("NOPERM this user has no permissions to run the 'config|get' command"));
    EXPECT_EQ(script.reply(Value::of_array({})).what, Do::ready);
    EXPECT_EQ(script.link.server().fsync, "unknown");
    EXPECT_EQ(script.link.server().eviction, "unknown");
}

TEST(RedisLink, KnowsWhatIsKeptOnDisk) {
    struct Row {
        std::string append_only, fsync, expected;
    };
    for (const auto& row :
         {Row{"yes", "always", "always"}, Row{"yes", "no", "no"}, Row{"no", "always", "off"}}) {
        Script script;
        script.connect();
        script.reply(ok);
        script.reply(Value::of_text(info_text("7.2.0", "master", "master_replid2:12ab\r\n")));
        script.reply(config("appendonly", row.append_only));
        script.reply(config("appendfsync", row.fsync));
        script.reply(config("maxmemory-policy", "allkeys-lru"));
        EXPECT_EQ(script.link.server().fsync, row.expected);
        EXPECT_EQ(script.link.server().eviction, "allkeys-lru");
        EXPECT_TRUE(script.link.server().promoted);
    }
}

TEST(RedisLink, RefusesServersThatItCannotUse) {
    struct Row {
        std::string info, says;
        bool slow;
    };
    const Row rows[] = {
        {info_text("6.0.16"), "Redis 6.0.16 is too old: Tidings needs 6.2 or newer", true},
        {info_text("5"), "too old", true},
        {info_text("7.0.15", "slave"), "a replica, not the master: name the master", false},
        {info_text("7.0.15", "master", "loading:1\r\n"), "reading its data", false},
        {info_text("7.0.15", "master", "redis_mode:cluster\r\n"), "Cluster", true},
        {info_text("7.0.15", "sentinel", "redis_mode:sentinel\r\n"), "this is a Sentinel", true},
        {"hello", "does not answer INFO", true},
        {"", "does not answer INFO", true},
    };
    for (const auto& row : rows) {
        Script script;
        script.connect();
        const auto action = script.introduce(row.info);
        EXPECT_EQ(action.what, Do::close) << row.info;
        ASSERT_TRUE(action.log) << row.info;
        EXPECT_THAT(action.log->text, HasSubstr(row.says));
        EXPECT_EQ(script.wait() >= 5s, row.slow) << row.info;
        EXPECT_EQ(script.tick().what, Do::connect);
    }
}

TEST(RedisLink, NewVersionsAreNewEnough) {
    for (const auto* version : {"6.2.0", "6.2", "7.4.1", "10.0.0", "255.255.255"}) {
        Script script;
        script.connect();
        EXPECT_EQ(script.introduce(info_text(version)).what, Do::ready) << version;
    }
}

TEST(RedisLink, AWrongPasswordIsTriedSlowlyAndLoggedOnce) {
    Script script{"redis://u:geheim@h"};
    script.connect();
    const auto refused = script.reply(Value::of_error("WRONGPASS invalid username-password pair"));
    EXPECT_EQ(refused.what, Do::close);
    EXPECT_EQ(refused.log.value().level, LogLevel::warning);
    EXPECT_THAT(refused.log->text, HasSubstr("check the user and the password"));
    EXPECT_THAT(refused.log->text, Not(HasSubstr("geheim")));
    int attempts = 0;
    const auto end = script.now + 10min;
    while (script.now < end) {
        EXPECT_GE(script.wait(), 5s);
        EXPECT_LE(script.wait(), 38s);
        EXPECT_EQ(script.tick().what, Do::connect);
        script.step(RedisLink::Connected{});
        EXPECT_FALSE(script.reply(Value::of_error("WRONGPASS invalid username-password pair")).log);
        ++attempts;
    }
    EXPECT_LE(attempts, 30);
    script.tick();
    EXPECT_TRUE(script.step(RedisLink::Failed{"refused"}).log) << "another cause is another line";
    script.tick();
    script.step(RedisLink::Connected{});
    script.reply(ok);
    EXPECT_EQ(script.introduce().log.value().level, LogLevel::info);
}

TEST(RedisLink, BacksOffAndReturnsToTheBeginningOnceSettled) {
    Script script;
    script.step(RedisLink::Start{});
    for (const auto expected : {100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 5000ms, 5000ms}) {
        script.step(RedisLink::Failed{"refused"});
        EXPECT_GE(script.wait(), expected);
        EXPECT_LE(script.wait(), expected + expected / 4);
        EXPECT_EQ(script.tick().what, Do::connect);
    }
    script.step(RedisLink::Connected{});
    EXPECT_EQ(script.introduce().what, Do::ready);
    script.now += 1s;
    script.step(RedisLink::Failed{"reset"});
    EXPECT_GE(script.wait(), 5s) << "it was not ready for long";
    script.tick();
    script.step(RedisLink::Connected{});
    script.introduce();
    script.now += 10s;
    script.step(RedisLink::Failed{"reset"});
    EXPECT_LE(script.wait(), 125ms);
}

TEST(RedisLink, AsksASilentServerAndLeavesIt) {
    Script script;
    script.connect();
    script.introduce();
    EXPECT_EQ(script.wait(), 5s);
    const auto ping = script.tick();
    EXPECT_EQ(ping.what, Do::write);
    EXPECT_EQ(ping.bytes, command({"PING"}));
    EXPECT_EQ(ping.replies, 1u);
    script.now += 1s;
    script.step(RedisLink::Received{});
    EXPECT_EQ(script.reply(Value::of_status("PONG")).what, Do::none);
    EXPECT_EQ(script.tick().what, Do::none) << "it was heard since";
    EXPECT_EQ(script.tick().what, Do::write);
    const auto lost = script.tick();
    EXPECT_EQ(lost.what, Do::close);
    EXPECT_THAT(lost.log.value().text, HasSubstr("silent"));
    EXPECT_FALSE(script.link.is_ready());
}

TEST(RedisLink, ATrafficOfAnyKindSavesThePing) {
    Script script;
    script.connect();
    script.introduce();
    for (int i = 0; i < 20; ++i) {
        script.now += 1s;
        script.step(RedisLink::Received{});
        EXPECT_EQ(script.step(RedisLink::Tick{}).what, Do::none);
    }
}

TEST(RedisLink, EachStageHasItsTime) {
    Script script;
    script.step(RedisLink::Start{});
    EXPECT_EQ(script.step(RedisLink::Tick{}).what, Do::none) << "not yet";
    EXPECT_EQ(script.tick().what, Do::close);
    EXPECT_THAT(script.link.cause(), HasSubstr("no connection to h:6379 in time"));
    script.tick();
    script.step(RedisLink::Connected{});
    script.reply(ok);
    EXPECT_EQ(script.tick().what, Do::close);
    EXPECT_THAT(script.link.cause(), HasSubstr("did not answer in time"));
}

TEST(RedisLink, FindsTheMasterBeforeEachConnection) {
    Script script{"redis+sentinel://a,b/m"};
    EXPECT_EQ(script.step(RedisLink::Start{}).what, Do::find);
    const auto connect = script.step(RedisLink::Found{{"10.0.0.1", 6380}});
    EXPECT_EQ(connect.what, Do::connect);
    EXPECT_EQ(connect.endpoint.address(), "10.0.0.1:6380");
    script.step(RedisLink::Connected{});
    EXPECT_EQ(script.introduce(info_text("7.0.15", "slave")).what, Do::close);
    EXPECT_THAT(script.link.cause(), Not(HasSubstr("redis+sentinel")));
    EXPECT_EQ(script.tick().what, Do::find);
    EXPECT_EQ(script.step(RedisLink::Failed{"nobody knows"}).what, Do::close);
    EXPECT_EQ(script.tick().what, Do::find);
    EXPECT_EQ(script.tick().what, Do::close);
    EXPECT_THAT(script.link.cause(), HasSubstr("no Sentinel answered in time"));
}

TEST(RedisLink, ACertificateThatDoesNotVerifyIsTriedSlowly) {
    Script script{"rediss://h"};
    script.step(RedisLink::Start{});
    script.step(RedisLink::Failed{"certificate", RedisLink::Failed::Cause::lasting});
    EXPECT_GE(script.wait(), 5s);
}

TEST(RedisLink, TriesAtOnceWhenTheCauseMayHaveGone) {
    Script script;
    EXPECT_EQ(script.step(RedisLink::Hurry{}).what, Do::none) << "not started";
    script.connect();
    EXPECT_EQ(script.step(RedisLink::Hurry{}).what, Do::none) << "it is under way";
    script.step(RedisLink::Failed{"x", RedisLink::Failed::Cause::lasting});
    EXPECT_EQ(script.step(RedisLink::Hurry{}).what, Do::connect);
    script.step(RedisLink::Failed{"x", RedisLink::Failed::Cause::lasting});
    EXPECT_GE(script.wait(), 10s) << "the back-off goes on where it was";
    script.step(RedisLink::Stop{});
    EXPECT_EQ(script.step(RedisLink::Hurry{}).what, Do::none);
}

TEST(RedisLink, IgnoresWhatComesTooLate) {
    Script script;
    EXPECT_EQ(script.step(RedisLink::Failed{"x"}).what, Do::none);
    EXPECT_EQ(script.step(RedisLink::Connected{}).what, Do::none);
    EXPECT_EQ(script.reply(ok).what, Do::none);
    EXPECT_EQ(script.step(RedisLink::Found{}).what, Do::none);
    script.connect();
    script.step(RedisLink::Failed{"x"});
    EXPECT_EQ(script.reply(ok).what, Do::none);
    EXPECT_EQ(script.step(RedisLink::Failed{"y"}).what, Do::none);
    EXPECT_EQ(script.link.cause(), "x");
    EXPECT_EQ(script.step(RedisLink::Stop{}).what, Do::close);
    EXPECT_EQ(script.step(RedisLink::Start{}).what, Do::none);
    EXPECT_FALSE(script.link.wake_at());
}

TEST(RedisLink, CleansWhatAServerSaysOfItself) {
    const auto info =
        InfoText::parse("run_id:a\x1b[1m\nredis_version:" + std::string(500, '7') + "\nrole\n:\n");
    EXPECT_EQ(info.run_id, "a?[1m");
    EXPECT_EQ(info.version.size(), 100u);
    EXPECT_EQ(info.role, "");
}

}  // namespace
}  // namespace tidings::redis
