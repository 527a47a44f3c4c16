#include "redis/sentinel.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidings::redis {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using Do = SentinelAction::Do;
using In = SentinelInput;

Value address(std::string host, std::string port) {
    return Value::of_array({Value::of_text(std::move(host)), Value::of_text(std::move(port))});
}

Value other_sentinel(std::string ip, std::string port) {
    return Value::of_array({Value::of_text("name"), Value::of_text("x"), Value::of_text("ip"),
                            Value::of_text(std::move(ip)), Value::of_text("port"),
                            Value::of_text(std::move(port))});
}

const RedisUrl two = RedisUrl::parse("redis+sentinel://a,b:2/m").value();

TEST(SentinelSearch, AsksForTheMasterAndForOthers) {
    SentinelSearch search{two};
    const auto connect = search.start(0ms);
    EXPECT_EQ(connect.what, Do::connect);
    EXPECT_EQ(connect.endpoint.address(), "a:26379");
    const auto write = search.step(1ms, In::Connected{});
    EXPECT_EQ(write.what, Do::write);
    EXPECT_EQ(write.bytes, command({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", "m"}) +
                               command({"SENTINEL", "SENTINELS", "m"}));
    EXPECT_EQ(search.step(2ms, In::Reply{address("10.0.0.1", "6380")}).what, Do::none);
    const auto found = search.step(
        3ms, In::Reply{Value::of_array({other_sentinel("b", "2"), other_sentinel("10.0.0.9", "26379"),
                                        other_sentinel("", "1"), other_sentinel("x", "0"), Value{}})});
    EXPECT_EQ(found.what, Do::found);
    EXPECT_EQ(found.endpoint.address(), "10.0.0.1:6380");
    EXPECT_EQ(search.sentinels(), (std::vector<Endpoint>{{"a", 26379}, {"b", 2}, {"10.0.0.9", 26379}}));
    EXPECT_FALSE(search.wake_at());
    EXPECT_EQ(search.step(4ms, In::Failed{"late"}).what, Do::none);
}

TEST(SentinelSearch, TheOneThatAnsweredIsAskedFirst) {
    SentinelSearch search{two};
    search.start(0ms);
    EXPECT_EQ(search.step(0ms, In::Failed{"refused"}).endpoint.address(), "b:2");
    search.step(0ms, In::Connected{});
    search.step(0ms, In::Reply{address("h", "1")});
    EXPECT_EQ(search.step(0ms, In::Reply{Value::of_error("NOPERM x")}).what, Do::found);
    EXPECT_EQ(search.start(0ms).endpoint.address(), "b:2");
}

TEST(SentinelSearch, SaysWhichSentinelSaidWhat) {
    SentinelSearch search{RedisUrl::parse("redis+sentinel://a,b,c,d,e/m?sentinel_password=q").value()};
    search.start(0ms);
    search.step(0ms, In::Failed{"connection refused"});
    EXPECT_EQ(search.step(0ms, In::Tick{}).what, Do::none);
    EXPECT_EQ(search.step(1s, In::Tick{}).endpoint.host, "c") << "b was silent";
    EXPECT_THAT(search.step(1s, In::Connected{}).bytes, HasSubstr(command({"AUTH", "q"})));
    EXPECT_EQ(search.step(1s, In::Reply{Value::of_error("WRONGPASS no")}).endpoint.host, "d");
    search.step(1s, In::Connected{});
    search.step(1s, In::Reply{Value::of_status("OK")});
    EXPECT_EQ(search.step(1s, In::Reply{Value{}}).endpoint.host, "e");
    search.step(1s, In::Connected{});
    search.step(1s, In::Reply{Value::of_status("OK")});
    const auto failed = search.step(1s, In::Reply{address("host name", "1")});
    EXPECT_EQ(failed.what, Do::failed);
    EXPECT_EQ(
        failed.why,
        "no Sentinel tells where the master 'm' is: a:26379: connection refused; b:26379: no answer in time; "
        "c:26379: WRONGPASS no; d:26379: it does not know this master; e:26379: its answer is not an "
        "address");
    EXPECT_EQ(search.start(1s).endpoint.host, "a");
}

TEST(SentinelSearch, LearnsNoMoreThanItsBound) {
    SentinelSearch search{two};
    search.start(0ms);
    search.step(0ms, In::Connected{});
    search.step(0ms, In::Reply{address("h", "1")});
    std::vector<Value> many;
    for (int i = 1; i < 1000; ++i) many.push_back(other_sentinel("s", std::to_string(i)));
    search.step(0ms, In::Reply{Value::of_array(std::move(many))});
    EXPECT_EQ(search.sentinels().size(), SentinelSearch::sentinels_max);
}

TEST(SentinelWatch, SaysThatTheMasterMoved) {
    SentinelWatch watch{two};
    EXPECT_EQ(watch.start(0ms, two.hosts, {"10.0.0.1", 6379}).endpoint.host, "a");
    EXPECT_EQ(watch.step(0ms, In::Connected{}).bytes, command({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", "m"}) +
                                                          command({"SUBSCRIBE", "+switch-master"}));
    EXPECT_EQ(watch.step(0ms, In::Reply{address("10.0.0.1", "6379")}).what, Do::none);
    const auto push = [](std::string kind, std::string text) {
        return In::Reply{Value::of_array({Value::of_text(std::move(kind)), Value::of_text("+switch-master"),
                                          Value::of_text(std::move(text))})};
    };
    EXPECT_EQ(watch.step(0ms, push("subscribe", "1")).what, Do::none);
    EXPECT_EQ(watch.step(0ms, push("message", "n 10.0.0.1 6379 10.0.0.3 6379")).what, Do::none);
    const auto moved = watch.step(0ms, push("message", "m 10.0.0.1 6379 10.0.0.2 6379"));
    EXPECT_EQ(moved.what, Do::moved);
    EXPECT_EQ(moved.endpoint.host, "10.0.0.2");
    EXPECT_EQ(watch.step(0ms, push("message", "m 10.0.0.1 6379 10.0.0.2 6379")).what, Do::none);
}

TEST(SentinelWatch, HearsOfASwitchThatCameBeforeIt) {
    SentinelWatch watch{RedisUrl::parse("redis+sentinel://a/m?sentinel_user=u&sentinel_password=q").value()};
    watch.start(0ms, two.hosts, {"10.0.0.1", 6379});
    EXPECT_THAT(watch.step(0ms, In::Connected{}).bytes, HasSubstr(command({"AUTH", "u", "q"})));
    EXPECT_EQ(watch.step(0ms, In::Reply{Value::of_status("OK")}).what, Do::none);
    EXPECT_EQ(watch.step(0ms, In::Reply{address("10.0.0.2", "6379")}).what, Do::moved);
}

TEST(SentinelWatch, GoesOnWithAnotherSentinel) {
    SentinelWatch watch{two};
    watch.start(0ms, two.hosts, {"10.0.0.1", 6379});
    EXPECT_EQ(watch.step(0ms, In::Failed{"refused"}).what, Do::close);
    EXPECT_EQ(watch.step(500ms, In::Tick{}).what, Do::none);
    EXPECT_EQ(watch.step(1s, In::Tick{}).endpoint.host, "b");
    watch.step(1s, In::Connected{});
    EXPECT_EQ(watch.step(1s, In::Reply{address("10.0.0.1", "6379")}).what, Do::none);
    EXPECT_EQ(watch.step(12s, In::Tick{}).bytes, command({"PING"}));
    EXPECT_EQ(watch.step(12s, In::Reply{Value::of_array({Value::of_text("pong"), Value::of_text("")})}).what,
              Do::none);
    EXPECT_EQ(watch.step(23s, In::Tick{}).what, Do::write);
    EXPECT_EQ(watch.step(29s, In::Tick{}).what, Do::close) << "silent";
    EXPECT_EQ(watch.step(31s, In::Tick{}).endpoint.host, "a");
    watch.step(31s, In::Connected{});
    EXPECT_EQ(watch.step(31s, In::Reply{Value::of_error("NOAUTH x")}).what, Do::close);
    watch.stop();
    EXPECT_EQ(watch.step(99s, In::Tick{}).what, Do::none);
}

TEST(SwitchMaster, IsReadStrictly) {
    EXPECT_EQ(parse_switch_master("m ::1 1 ::2 2", "m"), (Endpoint{"::2", 2}));
    for (const auto* text : {"", "m", "m a 1 b", "m a 1 b x", "m a 1 b 0", "m a 1 b 65536", "m a 1 b 2 c",
                             "n a 1 b 2", "m a 1  2", "m a 1 b$ 2"}) {
        EXPECT_EQ(parse_switch_master(text, "m"), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace tidings::redis
