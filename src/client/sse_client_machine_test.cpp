#include "client/sse_client_machine.hpp"

#include <gtest/gtest.h>

#include <random>

namespace tidings {
namespace {

using namespace std::chrono_literals;
using Machine = SseClientMachine;
using Do = Machine::Do;
using Outcome = Machine::Outcome;
using std::chrono::milliseconds;

SseClientSettings settings(std::string last_event_id = "") {
    return {.retry = 1s,
            .back_off_max = 8s,
            .silence = 45s,
            .answer = 15s,
            .last_event_id = std::move(last_event_id)};
}

// Without jitter, so that times can be compared.
Machine machine(std::string last_event_id = "") {
    return Machine{settings(std::move(last_event_id)), [] { return std::uint64_t{0}; }};
}

Machine::Action listen_on(Machine& client) {
    client.step(Machine::Start{});
    client.step(Machine::Connected{});
    return client.step(Machine::Head{200});
}

Machine::Head head(unsigned status, milliseconds retry_after = 0ms) {
    return {status, Machine::Head::Body::other, retry_after};
}

TEST(SseClientMachine, ConnectsAsksListens) {
    auto client = machine();
    EXPECT_EQ(client.step(Machine::Start{}), (Machine::Action{Do::connect, 15s}));
    EXPECT_EQ(client.step(Machine::Connected{}), (Machine::Action{Do::ask, 15s}));
    EXPECT_EQ(client.step(Machine::Head{200}), (Machine::Action{Do::listen, 45s}));
    EXPECT_EQ(client.step(Machine::Received{}), (Machine::Action{Do::listen, 45s}));
    EXPECT_EQ(client.outcome(), Outcome::running);
}

TEST(SseClientMachine, P2_ReturnsWithTheLastIdThatItReceived) {
    auto client = machine("from-before");
    EXPECT_EQ(client.last_event_id(), "from-before");
    listen_on(client);
    client.step(Machine::Id{"a"});
    client.step(Machine::Id{"b"});
    EXPECT_EQ(client.step(Machine::Ended{}), (Machine::Action{Do::wait, 1s}));
    EXPECT_EQ(client.step(Machine::TimedOut{}).what, Do::connect);
    EXPECT_EQ(client.step(Machine::Connected{}).what, Do::ask);
    EXPECT_EQ(client.last_event_id(), "b");
}

TEST(SseClientMachine, WaitsAsLongAsTheServerSays) {
    auto client = machine();
    listen_on(client);
    client.step(Machine::Retry{4s});
    EXPECT_EQ(client.step(Machine::Ended{}), (Machine::Action{Do::wait, 4s}));
    client.step(Machine::TimedOut{});
    client.step(Machine::Connected{});
    client.step(Machine::Head{200});
    client.step(Machine::Retry{0ms});
    EXPECT_EQ(client.step(Machine::Ended{}).time, 100ms) << "not so often that it spins";
    client.step(Machine::Retry{24h});
    client.step(Machine::TimedOut{});
    client.step(Machine::Connected{});
    client.step(Machine::Head{200});
    EXPECT_EQ(client.step(Machine::Ended{}).time, 5min) << "nor so seldom that it is lost";
}

TEST(SseClientMachine, AReturnThatGets204IsFinished) {
    auto client = machine();
    listen_on(client);
    client.step(Machine::Ended{});
    client.step(Machine::TimedOut{});
    client.step(Machine::Connected{});
    EXPECT_EQ(client.step(head(204)).what, Do::done);
    EXPECT_EQ(client.outcome(), Outcome::finished);
    EXPECT_EQ(client.step(Machine::TimedOut{}).what, Do::done) << "nothing follows";
}

TEST(SseClientMachine, GivesUpWhereAReturnIsUseless) {
    struct Case {
        Machine::Head head;
        Outcome outcome;
    };
    const Case cases[] = {{head(401), Outcome::refused},  {head(403), Outcome::refused},
                          {head(400), Outcome::rejected}, {head(404), Outcome::rejected},
                          {head(301), Outcome::rejected}, {head(200), Outcome::rejected}};
    for (const auto& [answer, outcome] : cases) {
        auto client = machine();
        client.step(Machine::Start{});
        client.step(Machine::Connected{});
        EXPECT_EQ(client.step(answer).what, Do::done) << answer.status;
        EXPECT_EQ(client.outcome(), outcome) << answer.status;
        EXPECT_EQ(client.status(), answer.status);
    }
}

TEST(SseClientMachine, BacksOffWithACapWhileTheServerIsInTrouble) {
    auto client = machine();
    listen_on(client);
    EXPECT_EQ(client.step(Machine::Ended{}).time, 1s);
    for (const auto wait : {1s, 2s, 4s, 8s, 8s, 8s}) {
        EXPECT_EQ(client.step(Machine::TimedOut{}).what, Do::connect);
        EXPECT_EQ(client.step(Machine::Unreachable{}), (Machine::Action{Do::wait, wait}));
    }
    client.step(Machine::TimedOut{});
    client.step(Machine::Connected{});
    EXPECT_EQ(client.step(head(503, 20s)).time, 20s) << "Retry-After counts";
    client.step(Machine::TimedOut{});
    client.step(Machine::Connected{});
    client.step(Machine::Head{200});
    EXPECT_EQ(client.step(Machine::Ended{}).time, 1s) << "a stream that stood forgets the failures";
}

TEST(SseClientMachine, SilenceMeansADeadPath) {
    auto client = machine();
    listen_on(client);
    client.step(Machine::Id{"a"});
    EXPECT_EQ(client.step(Machine::TimedOut{}), (Machine::Action{Do::wait, 1s}));
    EXPECT_EQ(client.step(Machine::TimedOut{}).what, Do::connect);
    EXPECT_EQ(client.last_event_id(), "a");
}

TEST(SseClientMachine, AFirstConnectionThatFailsIsSaidAtOnce) {
    auto client = machine();
    client.step(Machine::Start{});
    EXPECT_EQ(client.step(Machine::Unreachable{}).what, Do::done);
    EXPECT_EQ(client.outcome(), Outcome::unreachable);
    auto mute = machine();
    mute.step(Machine::Start{});
    mute.step(Machine::Connected{});
    mute.step(Machine::TimedOut{});
    EXPECT_EQ(mute.outcome(), Outcome::unreachable) << "one that never answers is not there either";
}

TEST(SseClientMachine, StopsInEveryState) {
    for (int steps = 0; steps < 5; ++steps) {
        auto client = machine();
        if (steps > 0) client.step(Machine::Start{});
        if (steps > 1) client.step(Machine::Connected{});
        if (steps > 2) client.step(Machine::Head{200});
        if (steps > 3) client.step(Machine::Ended{});
        EXPECT_EQ(client.step(Machine::Stop{}).what, Do::done);
        EXPECT_EQ(client.outcome(), Outcome::stopped);
    }
}

TEST(SseClientMachine, SpreadsReturnsOverAQuarter) {
    constexpr std::uint64_t seed = 7;
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random{seed};
    milliseconds least = 1h, most = 0ms;
    for (int i = 0; i < 200; ++i) {
        Machine client{settings(), [&] { return random(); }};
        listen_on(client);
        const auto wait = client.step(Machine::Ended{}).time;
        least = std::min(least, wait);
        most = std::max(most, wait);
    }
    EXPECT_GE(least, 1s);
    EXPECT_LE(most, 1250ms);
    EXPECT_GT(most - least, 100ms);
}

}  // namespace
}  // namespace tidings
