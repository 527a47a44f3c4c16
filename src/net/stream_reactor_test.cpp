#include "net/reactor_bench.hpp"

#include <fcntl.h>

namespace tidings {
namespace {

using namespace reactor_bench;

TEST_F(ReactorTest, P5_GivesAnEventToItsAudienceAlone) {
    const Reader alice = live({user("alice"), Audience::broadcast()});
    const Reader bob = live({user("bob"), Audience::broadcast()});
    publish({item(user("alice"), 10), item(user("bob"), 20), item(user("carol"), 30),
             item(Audience::broadcast(), 40)});
    EXPECT_EQ(alice.story(), "10 40 ");
    EXPECT_EQ(bob.story(), "20 40 ");
}

TEST_F(ReactorTest, P4_FiltersByCategory) {
    const Reader reader = live({user("alice")}, 2);
    publish({item(user("alice"), 10, 1), item(user("alice"), 20, 2), item(user("alice"), 30, 0)});
    EXPECT_EQ(reader.story(), "20 ");
}

TEST_F(ReactorTest, C67_WritesSeveralEventsOfOneTurnAtOnce) {
    const Reader reader = live({user("alice")});
    std::vector<LiveItem> items;
    for (std::uint64_t ms = 10; ms < 20; ++ms) items.push_back(item(user("alice"), ms));
    publish(std::move(items));
    EXPECT_EQ(reader.peer->writes, 1U);
    EXPECT_EQ(reader.story(), "10 11 12 13 14 15 16 17 18 19 ");
}

TEST_F(ReactorTest, YieldsAfterSomeSends) {
    std::vector<Reader> readers;
    for (int i = 0; i < 10; ++i) readers.push_back(live({Audience::broadcast()}));
    accept({item(Audience::broadcast(), 10)});
    EXPECT_TRUE(reactor->flush(now));
    EXPECT_EQ(readers[3].story(), "10 ");
    EXPECT_EQ(readers[4].story(), "");
    EXPECT_TRUE(reactor->flush(now));
    EXPECT_FALSE(reactor->flush(now));
    EXPECT_EQ(readers[9].story(), "10 ");
}

TEST_F(ReactorTest, P2_SendsFromTheHoldWhatLiesBeyondTheBound) {
    const Reader reader = open({user("alice")});
    const auto hold = reactor->hold();
    publish({item(user("alice"), 10), item(user("alice"), 20), item(user("alice"), 30)});
    EXPECT_EQ(reader.story(), "");
    EXPECT_TRUE(reactor->go_live(reader.handle, hold, {}, at(20)));
    EXPECT_EQ(reader.story(), "30 ");
    publish({item(user("alice"), 40)});
    EXPECT_EQ(reader.story(), "30 40 ");
}

TEST_F(ReactorTest, P2_SaysWhenTheRingHasMovedPastTheHold) {
    const Reader reader = open({user("alice")});
    const auto hold = reactor->hold();
    for (std::uint64_t ms = 1; ms <= 80; ++ms)
        publish({item(user("bob"), ms), item(user("alice"), ms + 100)});
    EXPECT_FALSE(reactor->go_live(reader.handle, hold, {}, at(5)));
    EXPECT_EQ(reader.story(), "");
}

TEST_F(ReactorTest, P6_KeepsACursorForABlockedReaderAndGoesOn) {
    const Reader reader = live({user("alice")});
    const Reader other = live({user("alice")});
    reader.peer->room = 10;
    publish({item(user("alice"), 10)});
    publish({item(user("alice"), 20), item(user("alice"), 30)});
    EXPECT_EQ(reader.peer->bytes.size(), 10U);
    EXPECT_EQ(other.story(), "10 20 30 ");
    reader.peer->room = ~std::size_t{0};
    reactor->writable(reader.handle);
    EXPECT_EQ(reader.story(), "10 20 30 ");
    EXPECT_EQ(reader.peer->bytes, other.peer->bytes);
}

TEST_F(ReactorTest, C64_SendsAReaderBeyondItsBoundToTheLog) {
    const Reader reader = live({user("alice")});
    reader.peer->room = 10;
    for (std::uint64_t ms = 10; ms < 30; ++ms) publish({item(user("alice"), ms)});
    EXPECT_EQ(reactor->state(reader.handle), StreamState::catching_up);
    EXPECT_TRUE(behind.empty());  // not before it has taken what was cut
    reader.peer->room = ~std::size_t{0};
    reactor->writable(reader.handle);
    ASSERT_EQ(behind.size(), 1U);
    EXPECT_EQ(behind[0].cursor, at(10));
    EXPECT_EQ(reader.story(), "10 ");
    EXPECT_TRUE(reactor->write(reader.handle, {item(user("alice"), 11).frame}, at(11)));
    EXPECT_TRUE(reactor->go_live(reader.handle, reactor->hold(), {}, at(29)));
    publish({item(user("alice"), 30)});
    EXPECT_EQ(reader.story(), "10 11 30 ");
}

TEST_F(ReactorTest, P3_TellsWhatItDroppedInItsPlace) {
    const Reader reader = live({user("alice")});
    reactor->checkpoint(at(1), 9);
    reader.peer->room = 10;
    for (std::uint64_t ms = 10; ms < 30; ++ms) publish({item(user("alice"), ms, 1, SlowReader::drop)});
    EXPECT_EQ(reactor->state(reader.handle), StreamState::live);
    reader.peer->room = ~std::size_t{0};
    reactor->writable(reader.handle);
    SseDecoder decoder;
    const auto events = decoder.feed(reader.peer->bytes);
    ASSERT_GE(events.size(), 3U);
    EXPECT_EQ(events[0].data, "10");
    EXPECT_EQ(events[1].type, "tidings.gap");
    const auto received = events.size() - 1;
    EXPECT_EQ(events[1].data, "{\"reason\":\"overflow\",\"count\":" + std::to_string(20 - received) + "}");
    EXPECT_EQ(events.back().data, "29");
    // The gap's id resumes at exactly the next event.
    EXPECT_LT(events[1].last_event_id, events[2].last_event_id);
}

TEST_F(ReactorTest, P3_CountsAsDroppedOnlyWhatWasNotDelivered) {
    const Reader reader = open({user("alice")});
    reactor->checkpoint(at(1), 9);
    const auto hold = reactor->hold();
    for (std::uint64_t ms = 10; ms < 16; ++ms) publish({item(user("alice"), ms, 1, SlowReader::drop)});
    // What the log gave lies in the hold too; the reader blocks as it turns live.
    reader.peer->room = 5;
    EXPECT_TRUE(reactor->go_live(reader.handle, hold, {item(user("alice"), 15).frame}, at(15)));
    for (std::uint64_t ms = 20; ms < 29; ++ms) publish({item(user("alice"), ms, 1, SlowReader::drop)});
    reader.peer->room = ~std::size_t{0};
    reactor->writable(reader.handle);
    EXPECT_EQ(reader.story(), "15 tidings.gap{\"reason\":\"overflow\",\"count\":5} 25 26 27 28 ");
}

TEST_F(ReactorTest, P3_ReadsTheLogWhenTheRingWasLost) {
    const Reader idle = live({user("alice")});
    const Reader blocked = live({user("alice")});
    publish({item(user("alice"), 10)});
    blocked.peer->room = 0;
    publish({item(user("alice"), 20)});
    reactor->lose_ring(at(20));
    ASSERT_EQ(behind.size(), 1U);
    EXPECT_EQ(behind[0].handle, idle.handle);
    EXPECT_EQ(behind[0].cursor, at(20));
    blocked.peer->room = ~std::size_t{0};
    reactor->writable(blocked.handle);
    ASSERT_EQ(behind.size(), 2U);
    EXPECT_GE(behind[1].cursor, at(10));
    EXPECT_LT(behind[1].cursor, at(20));
}

TEST_F(ReactorTest, P3_AHoldDoesNotOutliveALostRing) {
    const Reader reader = open({user("alice")});
    const auto hold = reactor->hold();
    publish({item(user("alice"), 10)});
    reactor->lose_ring(at(10));
    EXPECT_FALSE(reactor->go_live(reader.handle, hold, {}, at(0)));
    EXPECT_EQ(reader.story(), "");
}

TEST_F(ReactorTest, C20_BeatsOnlyInSilence) {
    const Reader reader = live({user("alice")});
    pass(14'000);
    EXPECT_EQ(reader.peer->bytes, "");
    publish({item(user("alice"), 10)});
    const auto size = reader.peer->bytes.size();
    pass(14'000);
    EXPECT_EQ(reader.peer->bytes.size(), size);
    pass(2'000);
    EXPECT_EQ(reader.peer->bytes.substr(size), ": hb\n");
    pass(30'000);
    EXPECT_EQ(reader.peer->bytes.substr(size), ": hb\n: hb\n: hb\n");
}

TEST_F(ReactorTest, P4_GivesAQuietReaderAnIdToReturnWith) {
    auto made = options();
    made.checkpoint_after = std::chrono::milliseconds{4'000};
    use(std::move(made));
    const Reader quiet = live({user("alice")});
    reactor->checkpoint(at(500), 9);
    pass(6'000);
    SseDecoder decoder;
    const auto events = decoder.feed(quiet.peer->bytes);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].type, "tidings.checkpoint");
    EXPECT_EQ(events[0].last_event_id, (EventId{at(500), 9, 0}.uuid().text()));
}

TEST_F(ReactorTest, C34_EndsUncleanlyAfterARetryAndAMoment) {
    const Reader reader = live({user("alice")});
    reactor->end(reader.handle, EndReason::drained);
    EXPECT_EQ(reader.peer->bytes, "retry: 3000\n");
    EXPECT_FALSE(reader.peer->closed);
    publish({item(user("alice"), 10)});
    EXPECT_EQ(reader.peer->bytes, "retry: 3000\n");
    pass(50);
    EXPECT_FALSE(reader.peer->closed);
    pass(200);
    EXPECT_EQ(reader.peer->closed, CloseKind::abort);
    ASSERT_EQ(ends.size(), 1U);
    EXPECT_EQ(ends[0].reason, EndReason::drained);
    EXPECT_EQ(reactor->streams(), 0U);
}

TEST_F(ReactorTest, C33_EndsCleanlyWhenEveryTopicIsFinished) {
    const Audience topic = *Audience::topic("chat");
    const Reader reader = live({topic});
    const Reader mixed = live({topic, user("alice")});
    LiveItem end;
    end.frame = Frame::control("tidings.closed", "{}", std::nullopt);
    end.audience = topic.text();
    end.position = at(20);
    end.closes = true;
    publish({item(topic, 10), end});
    EXPECT_EQ(reader.story(), "10 tidings.closed{} ");
    EXPECT_EQ(reader.peer->closed, CloseKind::clean);
    EXPECT_EQ(mixed.story(), "10 tidings.closed{} ");
    EXPECT_FALSE(mixed.peer->closed);
}

TEST_F(ReactorTest, C45_WarnsThenEndsAtTheCredentialsEnd) {
    Reader reader{{}, std::make_shared<PipePeer>()};
    StreamSpec spec;
    spec.writer = std::make_unique<PipeWriter>(reader.peer);
    spec.audiences = {user("alice")};
    spec.heartbeat = std::chrono::milliseconds{0};
    spec.expires_in = std::chrono::milliseconds{90'000};
    reader.handle = *reactor->adopt(std::move(spec));
    EXPECT_TRUE(reactor->go_live(reader.handle, reactor->hold(), {}, at(0)));
    pass(29'000);
    EXPECT_EQ(reader.story(), "");
    pass(2'000);
    EXPECT_EQ(reader.story().substr(0, 16), "tidings.expiring");
    pass(58'000);
    EXPECT_FALSE(reader.peer->closed);
    pass(2'000);
    EXPECT_EQ(reader.peer->closed, CloseKind::abort);
    EXPECT_EQ(ends.at(0).reason, EndReason::expired);
}

TEST_F(ReactorTest, P6_EndsAReaderThatTakesNothing) {
    const Reader reader = live({user("alice")});
    reader.peer->room = 3;
    publish({item(user("alice"), 10)});
    pass(29'000);
    EXPECT_TRUE(ends.empty());
    pass(2'000);
    ASSERT_EQ(ends.size(), 1U);
    EXPECT_EQ(ends[0].reason, EndReason::stalled);
}

TEST_F(ReactorTest, C37_ForgetsAClientThatIsGone) {
    const Reader reader = live({user("alice"), Audience::broadcast()});
    reader.peer->gone = true;
    publish({item(Audience::broadcast(), 10)});
    EXPECT_EQ(ends.at(0).reason, EndReason::client_gone);
    EXPECT_EQ(reactor->streams(), 0U);
    EXPECT_EQ(reactor->audiences(), 0U);
    const Reader next = live({user("bob")});
    EXPECT_FALSE(reactor->alive(reader.handle));
    publish({item(user("bob"), 20)});
    EXPECT_EQ(next.story(), "20 ");
}

TEST_F(ReactorTest, C45_EndsAStreamAtItsLongestLife) {
    auto made = options();
    made.delivery.lifetime = std::chrono::milliseconds{5'000};
    use(std::move(made));
    const Reader reader = live({user("alice")});
    pass(4'900);
    EXPECT_TRUE(ends.empty());
    pass(500);
    EXPECT_EQ(ends.at(0).reason, EndReason::lifetime);
}

TEST_F(ReactorTest, P6_IsBoundedWhateverABlockedReaderIsSent) {
    auto made = options();
    made.limits.queue_events = 1000;
    use(std::move(made));
    const Reader reader = live({user("alice")});
    reader.peer->room = 0;
    for (std::uint64_t ms = 10; ms < 500; ++ms) publish({item(user("alice"), ms)});
    reader.peer->room = ~std::size_t{0};
    reactor->writable(reader.handle);
    // The ring forgot what it was to be sent, so the log is read from the place where it was cut.
    ASSERT_EQ(behind.size(), 1U);
    EXPECT_LT(behind[0].cursor, at(10));
}

// The place where it last stood in the ring means nothing to a stream that has had everything.
TEST_F(ReactorTest, P1_RepeatsNothingAfterAHeartbeatThatBlocked) {
    const Reader reader = live({user("alice")});
    LiveItem passing = item(user("alice"), 10);
    passing.retained = false;
    publish({passing});
    reader.peer->room = 2;
    pass(16'000);
    LiveItem next = item(user("alice"), 20);
    next.retained = false;
    publish({next});
    reader.peer->room = ~std::size_t{0};
    reactor->writable(reader.handle);
    EXPECT_EQ(reader.story(), "10 20 ");
}

TEST_F(ReactorTest, P6_StaysLiveWhenAHeartbeatBlockedAndTheRingWentOn) {
    const Reader reader = live({user("alice")});
    publish({item(user("alice"), 10)});
    for (std::uint64_t ms = 20; ms < 120; ++ms) publish({item(user("bob"), ms)});
    reader.peer->room = 2;
    pass(16'000);
    reader.peer->room = ~std::size_t{0};
    reactor->writable(reader.handle);
    EXPECT_TRUE(behind.empty());
    publish({item(user("alice"), 200)});
    EXPECT_EQ(reader.story(), "10 200 ");
}

TEST_F(ReactorTest, C45_KeepsAStreamWhoseCredentialEndsInManyYears) {
    for (const int years : {6, 7, 14, 80, 8000}) {
        Reader reader{{}, std::make_shared<PipePeer>()};
        StreamSpec spec;
        spec.writer = std::make_unique<PipeWriter>(reader.peer);
        spec.audiences = {user("alice")};
        // Seven years and a little are 2^32 ticks.
        spec.expires_in = years == 7 ? std::chrono::milliseconds{(std::uint64_t{1} << 32) * tick_ms + 1'000}
                                     : std::chrono::years{years};
        reader.handle = *reactor->adopt(std::move(spec));
        pass(10'000);
        EXPECT_TRUE(reactor->alive(reader.handle)) << years;
        EXPECT_EQ(reader.peer->bytes, "") << years;
    }
}

TEST_F(ReactorTest, P6_BoundsMoreEventsThanSixteenBitsCount) {
    auto made = options();
    made.limits.queue_events = 70'000;
    made.limits.queue_bytes = made.limits.ring_bytes = 1 << 30;
    made.limits.ring_events = 200'000;
    use(std::move(made));
    const Reader reader = live({user("alice")});
    reader.peer->room = 0;
    for (std::uint64_t ms = 10; ms < 80'010; ++ms) publish({item(user("alice"), ms)});
    reader.peer->room = ~std::size_t{0};
    reactor->writable(reader.handle);
    EXPECT_EQ(behind.size(), 1U);
}

TEST_F(ReactorTest, P6_SaysThatTheKernelRefusedADescriptor) {
    StreamSpec spec;
    spec.descriptor = ::open("/proc/self/maps", O_RDONLY | O_CLOEXEC);  // which no epoll takes
    ASSERT_GE(spec.descriptor, 0);
    const int descriptor = spec.descriptor;
    EXPECT_FALSE(reactor->refuse(std::move(spec), 1000));
    EXPECT_EQ(::fcntl(descriptor, F_GETFD), -1);
    EXPECT_TRUE(ends.empty());
    EXPECT_EQ(reactor->streams(), 0U);
}

}  // namespace
}  // namespace tidings
