// The reactor over sockets, on each of the ways that bytes take to the kernel.

#include "net/reactor_bench.hpp"
#include "net/socket_pair.hpp"

#include <poll.h>

#include <deque>

namespace tidings {
namespace {

using namespace reactor_bench;

struct SocketReader {
    SocketPair pair;
    StreamHandle handle{};
    std::string story() {
        while (pair.read()) {
        }
        return told(pair.bytes);
    }
    // The data of each event in a body of chunks.
    static std::string told(std::string_view body) {
        std::string text;
        while (!body.empty()) {
            const auto line = body.find("\r\n");
            const auto size = std::stoul(std::string{body.substr(0, line)}, nullptr, 16);
            text += body.substr(line + 2, size);
            body.remove_prefix(std::min(body.size(), line + 2 + size + 2));
        }
        SseDecoder decoder;
        std::string story;
        for (const auto& event : decoder.feed(text)) {
            story += event.type == "a.b" ? event.data.substr(0, event.data.find('x')) : event.type;
            story += ' ';
        }
        return story;
    }
};

struct Way {
    SendPath path;
    SocketKind kind;
};

class StreamSocketsTest : public ReactorTest, public testing::WithParamInterface<Way> {
public:
    void SetUp() override {
        const auto offered = uring_offered();
        if (GetParam().path == SendPath::io_uring && !offered) GTEST_SKIP() << offered.error().detail;
        use(socket_options());
    }
    static ReactorOptions socket_options() {
        auto made = options();
        made.send_path = GetParam().path;
        made.limits.sends_per_turn = 300;
        made.limits.queue_events = 1000;
        made.limits.queue_bytes = 64 * 1024 * 1024;
        made.limits.ring_events = 1000;
        return made;
    }
    SocketReader& reader(std::vector<Audience> audiences, CategoryMask categories = all_categories,
                         std::chrono::milliseconds heartbeat = std::chrono::milliseconds{15'000}) {
        auto& made = readers.emplace_back(SocketReader{SocketPair{GetParam().kind}});
        StreamSpec spec;
        spec.descriptor = made.pair.hub;
        spec.audiences = std::move(audiences);
        spec.categories = categories;
        spec.heartbeat = heartbeat;
        made.handle = *reactor->adopt(std::move(spec));
        EXPECT_TRUE(reactor->go_live(made.handle, reactor->hold(), {}, at(last)));
        return made;
    }
    // An event whose data is its number and so much padding.
    static LiveItem big(const Audience& audience, std::uint64_t ms, std::size_t padding) {
        auto made = item(audience, ms);
        Event event;
        event.id = EventId{at(ms), 9, 0}.uuid();
        event.type = "a.b";
        event.data = std::to_string(ms) + std::string(padding, 'x');
        made.frame = *Frame::encode(event, WithId::yes, Limits{});
        return made;
    }
    // Everybody reads on until it is so, or for much longer than it takes.
    template <class Done>
    void read_until(Done&& done) {
        for (int idle = 0; idle < 400 && !done();) {
            pollfd ready{reactor->descriptor(), POLLIN, 0};
            if (::poll(&ready, 1, 0) > 0) reactor->poll(now);
            bool any = false;
            for (auto& each : readers) any = each.pair.read() || any;
            if (any) {
                idle = 0;
            } else {
                ++idle;
                ::poll(&ready, 1, 25);
            }
        }
        for (auto& each : readers) each.pair.read();
    }
    std::deque<SocketReader> readers;
};

TEST_P(StreamSocketsTest, P1_GivesManyReadersOneEventAndManyAtOnce) {
    for (int i = 0; i < 400; ++i) reader({Audience::broadcast()});
    publish({item(Audience::broadcast(), 10)});
    publish({item(Audience::broadcast(), 20), item(Audience::broadcast(), 30)});
    for (auto& each : readers) EXPECT_EQ(each.story(), "10 20 30 ");
    EXPECT_EQ(reactor->counters().writes, 800U);
    EXPECT_EQ(reactor->counters().deliveries, 1200U);
}

TEST_P(StreamSocketsTest, P4_P5_SharesNothingBetweenThoseWhoSeeDifferently) {
    auto& all = reader({Audience::broadcast()});
    auto& first = reader({Audience::broadcast()}, 1);
    auto& second = reader({Audience::broadcast()}, 2);
    auto& neither = reader({Audience::broadcast()}, 4);
    auto& alice = reader({Audience::broadcast(), user("alice")});
    auto& bob = reader({user("bob")});
    publish({item(Audience::broadcast(), 10, 1), item(Audience::broadcast(), 20, 2),
             item(Audience::broadcast(), 30, 1)});
    publish({item(Audience::broadcast(), 40, 1), item(user("alice"), 50), item(Audience::broadcast(), 60, 2),
             item(user("bob"), 70)});
    EXPECT_EQ(all.story(), "10 20 30 40 60 ");
    EXPECT_EQ(first.story(), "10 30 40 ");
    EXPECT_EQ(second.story(), "20 60 ");
    EXPECT_EQ(neither.story(), "");
    EXPECT_EQ(alice.story(), "10 20 30 40 50 60 ");
    EXPECT_EQ(bob.story(), "70 ");
}

// Frames are cut wherever the socket is full, in runs and out of them.
TEST_P(StreamSocketsTest, P1_P6_GoesOnWhereAFrameWasCut) {
    std::string expected;
    for (int i = 0; i < 20; ++i) {
        auto& made = reader(i % 3 == 0 ? std::vector{Audience::broadcast(), user("alice")}
                                       : std::vector{Audience::broadcast()});
        const int small = 8 * 1024;
        ::setsockopt(made.pair.hub, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    }
    std::size_t size = 0;
    std::uint64_t ms = 10;
    for (int turn = 0; turn < 12; ++turn) {
        std::vector<LiveItem> items;
        for (int i = 0; i < 9; ++i, ++ms) {
            items.push_back(big(Audience::broadcast(), ms, static_cast<std::size_t>(ms * 997 % 30'000)));
            size += items.back().frame->chunk().size();
            expected += std::to_string(ms) + " ";
        }
        publish(std::move(items));
        for (std::size_t i = 0; i < readers.size(); ++i) readers[i].pair.read(i * 7'000);
        reactor->poll(now);
    }
    read_until([&] {
        return std::ranges::all_of(readers, [&](auto& each) { return each.pair.bytes.size() == size; });
    });
    EXPECT_GT(reactor->counters().blocked, 0U);
    EXPECT_TRUE(behind.empty());
    for (auto& each : readers) EXPECT_EQ(each.story(), expected);
}

TEST_P(StreamSocketsTest, C37_ForgetsWhoIsGoneAndServesTheOthers) {
    for (int i = 0; i < 60; ++i) reader({Audience::broadcast()});
    for (std::size_t i = 0; i < readers.size(); i += 3) {
        const linger reset{1, 0};
        ::setsockopt(readers[i].pair.client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        readers[i].pair.close_client();
    }
    publish({item(Audience::broadcast(), 10)});
    publish({item(Audience::broadcast(), 20), item(Audience::broadcast(), 30)});
    EXPECT_EQ(ends.size(), 20U);
    for (const auto& end : ends) EXPECT_EQ(end.reason, EndReason::client_gone);
    EXPECT_EQ(reactor->streams(), 40U);
    for (std::size_t i = 0; i < readers.size(); ++i) {
        EXPECT_EQ(readers[i].story(), i % 3 == 0 ? "" : "10 20 30 ");
    }
}

TEST_P(StreamSocketsTest, C20_BeatsTogether) {
    for (int i = 0; i < 400; ++i) {
        reader({Audience::broadcast()}, all_categories, std::chrono::milliseconds{1'000});
    }
    readers[7].pair.close_client();
    pass(2'000);
    for (std::size_t i = 0; i < readers.size(); ++i) {
        if (i == 7) continue;
        readers[i].pair.read();
        EXPECT_EQ(readers[i].pair.bytes, "5\r\n: hb\n\r\n5\r\n: hb\n\r\n");
    }
    EXPECT_EQ(reactor->streams(), 399U);
}

TEST_P(StreamSocketsTest, P6_AHeartbeatThatFindsNoRoomComesLater) {
    auto& slow = reader({user("alice")}, all_categories, std::chrono::milliseconds{1'000});
    const std::string much(1 << 20, 'y');
    std::size_t filled = 0;
    for (ssize_t taken = 0; (taken = ::send(slow.pair.hub, much.data(), much.size(), MSG_DONTWAIT)) > 0;) {
        filled += static_cast<std::size_t>(taken);
    }
    pass(1'500);
    EXPECT_EQ(reactor->counters().blocked, 1U);
    publish({item(user("alice"), 10)});
    for (int round = 0; round < 100; ++round) {
        slow.pair.read();
        reactor->poll(now);
    }
    ASSERT_GT(slow.pair.bytes.size(), filled + 10);
    EXPECT_EQ(slow.pair.bytes.substr(filled, 10), "5\r\n: hb\n\r\n");
    EXPECT_EQ(SocketReader::told(std::string_view{slow.pair.bytes}.substr(filled)), "10 ");
}

TEST_P(StreamSocketsTest, C33_EndsCleanlyOnItsTopicsEnd) {
    const Audience topic = *Audience::topic("chat");
    auto& only = reader({topic});
    auto& mixed = reader({topic, user("alice")});
    LiveItem end = item(topic, 20);
    end.closes = true;
    publish({item(topic, 10), end});
    EXPECT_EQ(only.story(), "10 20 ");
    EXPECT_TRUE(only.pair.bytes.ends_with("0\r\n\r\n"));
    EXPECT_EQ(mixed.story(), "10 20 ");
    EXPECT_FALSE(mixed.pair.bytes.ends_with("0\r\n\r\n"));
    ASSERT_EQ(ends.size(), 1U);
    EXPECT_EQ(ends[0].reason, EndReason::finished);
    ::close(ends[0].descriptor);
}

std::string name_of_way(const testing::TestParamInfo<Way>& each) {
    const std::string path = each.param.path == SendPath::send       ? "send"
                             : each.param.path == SendPath::io_uring ? "io_uring"
                                                                     : "automatic";
    return path + (each.param.kind == SocketKind::tcp ? "_tcp" : "_local");
}

INSTANTIATE_TEST_SUITE_P(Ways, StreamSocketsTest,
                         testing::Values(Way{SendPath::send, SocketKind::local},
                                         Way{SendPath::send, SocketKind::tcp},
                                         Way{SendPath::io_uring, SocketKind::local},
                                         Way{SendPath::io_uring, SocketKind::tcp},
                                         Way{SendPath::automatic, SocketKind::tcp}),
                         name_of_way);

// Streams leave and others move in an audience's array while its round is under way.
TEST_F(ReactorTest, P2_PassesNobodyOverWhenStreamsLeaveDuringARound) {
    std::vector<Reader> leaving;
    for (int i = 0; i < 12; ++i) leaving.push_back(live({Audience::broadcast()}));
    std::vector<Reader> staying;
    for (int i = 0; i < 6; ++i) staying.push_back(live({Audience::broadcast()}));
    accept({item(Audience::broadcast(), 10)});
    EXPECT_TRUE(reactor->flush(now));
    for (const auto& reader : leaving) reactor->end(reader.handle, EndReason::stopped);
    while (reactor->flush(now)) {
    }
    for (const auto& reader : staying) EXPECT_EQ(reader.story(), "10 ");
}

TEST_F(ReactorTest, P2_ARoundComesToItsEndWhileStreamsLeave) {
    std::vector<Reader> readers;
    for (int i = 0; i < 200; ++i) {
        readers.push_back(live({Audience::broadcast(), user(("user" + std::to_string(i)).c_str())}));
    }
    accept({item(Audience::broadcast(), 10)});
    // In each turn somebody goes who has had it.
    std::size_t turns = 0;
    for (; reactor->flush(now) && turns < readers.size(); ++turns) {
        if (turns < 90) reactor->end(readers[turns].handle, EndReason::stopped);
    }
    EXPECT_LE(turns, 60U);
    for (std::size_t i = 90; i < readers.size(); ++i) EXPECT_EQ(readers[i].story(), "10 ") << i;
}

TEST_F(ReactorTest, P1_WhatComesDuringARoundReachesAllOnce) {
    std::vector<Reader> readers;
    for (int i = 0; i < 10; ++i) readers.push_back(live({Audience::broadcast(), user("alice")}));
    accept({item(Audience::broadcast(), 10), item(user("alice"), 20)});
    EXPECT_TRUE(reactor->flush(now));
    accept({item(Audience::broadcast(), 30), item(user("alice"), 40)});
    EXPECT_TRUE(reactor->flush(now));
    accept({item(user("alice"), 50)});
    while (reactor->flush(now)) {
    }
    for (const auto& reader : readers) EXPECT_EQ(reader.story(), "10 20 30 40 50 ");
}

TEST_F(ReactorTest, P3_ARingThatIsOverrunBeforeItIsSentIsToldWithItsPlace) {
    const Reader reader = live({user("alice")});
    publish({item(user("alice"), 5)});
    for (std::uint64_t ms = 10; ms < 100; ++ms) accept({item(user("alice"), ms)});
    while (reactor->flush(now)) {
    }
    ASSERT_EQ(behind.size(), 1U);
    EXPECT_GE(behind[0].cursor, at(5));
    EXPECT_LT(behind[0].cursor, at(10));
}

TEST_F(ReactorTest, P3_WhoWaitsForAnEventKeepsItsPlaceWhenTheRingIsLost) {
    const Reader reader = live({user("alice")});
    const Reader other = live({user("bob")});
    accept({item(user("bob"), 20), item(user("alice"), 30)});
    reactor->lose_ring(at(40));
    ASSERT_EQ(behind.size(), 2U);
    EXPECT_LT(behind[0].cursor, at(30));
    EXPECT_GE(behind[0].cursor, at(20));
    EXPECT_LT(behind[1].cursor, at(20));
    EXPECT_FALSE(reactor->flush_pending());
}

}  // namespace
}  // namespace tidings
