#include "net/reactor_bench.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace tidings {
namespace {

using reactor_bench::Reader;

constexpr std::size_t plenty = ~std::size_t{0};

class ConflationTest : public reactor_bench::ReactorTest {
public:
    // Of the policy conflate; no key: it conflates with nothing.
    static LiveItem keyed(const Audience& audience, std::uint64_t ms, const char* key,
                          CategoryMask mask = 1) {
        LiveItem made = item(audience, ms, mask, SlowReader::conflate);
        if (*key != '\0') made.identity = std::make_shared<const std::string>(std::string{"a.b\n"} + key);
        return made;
    }
    void let_read(const Reader& reader) const {
        reader.peer->room = plenty;
        reactor->writable(reader.handle);
    }
    // What waits for a reader: events, bytes.
    std::pair<std::uint32_t, std::uint32_t> pending(const Reader& reader) const {
        std::pair<std::uint32_t, std::uint32_t> found;
        reactor->for_each([&](StreamHandle handle, const StreamRecord& record) {
            if (handle == reader.handle) found = {record.pending_events, record.pending_bytes};
        });
        return found;
    }
    static std::size_t written(std::uint64_t ms) { return item(user("alice"), ms).frame->text().size(); }
    static std::uint32_t bytes(std::uint64_t ms) {
        return static_cast<std::uint32_t>(item(user("alice"), ms).frame->chunk().size());
    }
};

TEST_F(ConflationTest, C64_AReaderThatKeepsUpGetsEveryEvent) {
    const Reader reader = live({user("alice")});
    for (std::uint64_t ms = 10; ms < 14; ++ms) publish({keyed(user("alice"), ms, "k")});
    publish({keyed(user("alice"), 14, "k"), keyed(user("alice"), 15, "k"), keyed(user("alice"), 16, "k")});
    EXPECT_EQ(reader.story(), "10 11 12 13 14 15 16 ");
    EXPECT_EQ(reactor->counters().conflated_events, 0U);
}

TEST_F(ConflationTest, C64_ABlockedReaderGetsTheNewestOfEachKeyAtItsOwnPlace) {
    const Reader reader = live({user("alice"), Audience::broadcast()});
    reader.peer->room = 10;
    publish({item(user("alice"), 10)});
    publish({keyed(user("alice"), 11, "k")});
    publish({keyed(user("alice"), 12, "other")});
    publish({keyed(Audience::broadcast(), 13, "k")});
    publish({item(user("alice"), 14)});
    publish({keyed(user("alice"), 15, "")});
    publish({keyed(user("alice"), 16, "k")});
    publish({keyed(user("alice"), 17, "")});
    publish({keyed(user("alice"), 18, "k"), keyed(Audience::broadcast(), 19, "k")});
    EXPECT_EQ(pending(reader).first, 6U);
    let_read(reader);
    EXPECT_EQ(reader.story(), "10 12 14 15 17 18 19 ");
    EXPECT_EQ(reactor->counters().conflated_events, 3U);
    // It has everything, and keeps up again.
    publish({keyed(user("alice"), 20, "k"), keyed(user("alice"), 21, "k")});
    EXPECT_EQ(reader.story(), "10 12 14 15 17 18 19 20 21 ");
}

TEST_F(ConflationTest, C64_AReaderThatDoesNotTakeItsOpeningIsBehindToo) {
    Reader reader{{}, std::make_shared<PipePeer>()};
    reader.peer->room = 3;
    StreamSpec spec;
    spec.writer = std::make_unique<PipeWriter>(reader.peer);
    spec.audiences = {user("alice")};
    spec.opening = Frame::raw(": tidings\n");
    reader.handle = *reactor->adopt(std::move(spec));
    ASSERT_TRUE(reactor->go_live(reader.handle, reactor->hold(), {}, at(last)));
    reactor->writable(reader.handle);
    publish({keyed(user("alice"), 10, "k")});
    publish({keyed(user("alice"), 11, "k"), keyed(user("alice"), 12, "other")});
    EXPECT_EQ(pending(reader).first, 2U);
    let_read(reader);
    EXPECT_EQ(reader.story(), "11 12 ");
}

TEST_F(ConflationTest, C64_OneWriteThatBlocksInTheMiddleConflatesItsRest) {
    const Reader reader = live({user("alice")});
    reader.peer->room = written(10) + 3;  // one whole event, and a cut one
    publish({keyed(user("alice"), 10, "k"), keyed(user("alice"), 11, "k"), keyed(user("alice"), 12, "k"),
             keyed(user("alice"), 13, "k")});
    EXPECT_EQ(pending(reader), (std::pair{1U, bytes(13)}));
    let_read(reader);
    EXPECT_EQ(reader.story(), "10 11 13 ");
}

TEST_F(ConflationTest, P6_WhatTakesAnothersPlaceMakesTheQueueNoLonger) {
    const Reader reader = live({user("alice")});
    reader.peer->room = 10;
    publish({item(user("alice"), 10)});
    for (std::uint64_t ms = 11; ms < 1000; ++ms) {
        publish({keyed(user("alice"), ms, ms % 2 == 0 ? "even" : "odd")});
        ASSERT_EQ(pending(reader).first, std::min<std::uint64_t>(ms - 10, 2));
    }
    EXPECT_EQ(pending(reader).second, 2 * bytes(999));
    // The ring, of 64, has forgotten nearly all of them: the stream's place moved on with the oldest key.
    EXPECT_EQ(reactor->counters().fell_behind, 0U);
    let_read(reader);
    EXPECT_TRUE(behind.empty());
    EXPECT_EQ(reader.story(), "10 998 999 ");
    EXPECT_EQ(reactor->counters().conflated_events, 987U);
}

TEST_F(ConflationTest, C64_MoreKeysThanTheBoundAreReadFromTheLog) {
    const Reader reader = live({user("alice")});
    reader.peer->room = 10;
    publish({item(user("alice"), 10)});
    for (std::uint64_t ms = 11; ms < 21; ++ms)
        publish({keyed(user("alice"), ms, std::to_string(ms).c_str())});
    EXPECT_EQ(reactor->state(reader.handle), StreamState::catching_up);
    let_read(reader);
    ASSERT_EQ(behind.size(), 1U);
    EXPECT_EQ(behind[0].cursor, at(10));
    EXPECT_EQ(behind[0].dropped, 0U);
}

TEST_F(ConflationTest, P3_MoreKeysThanTheBoundThatNoLogHasAreTold) {
    const Reader reader = live({user("alice")});
    reactor->checkpoint(at(1), 9);
    reader.peer->room = 10;
    publish({item(user("alice"), 10)});
    for (std::uint64_t ms = 11; ms < 21; ++ms) {
        LiveItem passing = keyed(user("alice"), ms, std::to_string(ms % 9).c_str());
        passing.retained = false;
        publish({std::move(passing)});
    }
    let_read(reader);
    EXPECT_EQ(reader.story(), "10 tidings.gap{\"reason\":\"overflow\",\"count\":5} 16 17 18 19 20 ");
}

TEST_F(ConflationTest, P2_TheCursorNeverPassesWhatTookAnothersPlace) {
    const Reader reader = live({user("alice"), user("bob")});
    reader.peer->room = 10;
    publish({item(user("alice"), 10)});
    publish({keyed(user("alice"), 11, "k")});
    publish({item(user("bob"), 12)});
    publish({keyed(user("alice"), 13, "k")});
    publish({item(user("bob"), 14)});
    reader.peer->room = written(10) - 10 + written(12);
    reactor->writable(reader.handle);
    EXPECT_EQ(reader.story(), "10 12 ");
    reactor->lose_ring(at(14));
    let_read(reader);
    ASSERT_EQ(behind.size(), 1U);
    EXPECT_EQ(behind[0].cursor, at(12));  // 13 is read from the log
}

TEST_F(ConflationTest, P4_AnEventOfACategoryThatIsNotReadTakesNoPlace) {
    const Reader reader = live({user("alice")}, 1);
    reader.peer->room = 10;
    publish({item(user("alice"), 10)});
    publish({keyed(user("alice"), 11, "k", 1)});
    publish({keyed(user("alice"), 12, "k", 2)});  // the registry was changed meanwhile
    EXPECT_EQ(pending(reader).first, 1U);
    let_read(reader);
    EXPECT_EQ(reader.story(), "10 11 ");
}

// Random events for random readers over a log, which readers that have fallen behind are given.
class ConflationModel : public ConflationTest {
public:
    struct Told {
        std::uint64_t ms;
        std::size_t audience;
        int key;  // -1: of another policy; -2: conflates with nothing
    };
    struct Client {
        Reader reader;
        std::size_t audiences;  // one bit for each
        std::uint64_t hold = 0;
        std::uint64_t bound = 0;
        bool keeps_up = false;
    };

    static Audience audience(std::size_t number) {
        return number == 0 ? user("alice") : Audience::broadcast();
    }

    void run(std::uint32_t seed) {
        random.seed(seed);
        auto made = options();
        made.limits.queue_events = 4 + random() % 12;
        made.limits.ring_events = 8 + random() % 56;
        use(std::move(made));
        for (std::size_t i = 0; i < 6; ++i) {
            const std::size_t wish = 1 + i % 3;
            std::vector<Audience> list;
            for (std::size_t a = 0; a < 2; ++a) {
                if ((wish >> a & 1) != 0) list.push_back(audience(a));
            }
            clients.push_back({live(std::move(list)), wish, 0, 0, i < 3});
        }
        for (int step = 0; step < 300; ++step) {
            random() % 4 == 0 ? give_room() : tell();
            settle();
        }
        for (const auto& client : clients) let_read(client.reader);
        settle();
        check(seed);
    }

private:
    void tell() {
        std::vector<LiveItem> batch;
        for (std::size_t i = 1 + random() % 5; i > 0; --i) {
            const Told told{last + batch.size() + 1, random() % 2, static_cast<int>(random() % 6) - 2};
            log.push_back(told);
            batch.push_back(made(told));
        }
        publish(std::move(batch));
    }
    static LiveItem made(const Told& told) {
        const auto to = audience(told.audience);
        if (told.key == -1) return item(to, told.ms);
        return keyed(to, told.ms, told.key < 0 ? "" : std::to_string(told.key).c_str());
    }
    void give_room() {
        auto& client = clients[random() % clients.size()];
        if (client.keeps_up) return;
        client.reader.peer->room = random() % 400;
        reactor->writable(client.reader.handle);
    }
    Client& client_of(StreamHandle handle) {
        return *std::find_if(clients.begin(), clients.end(),
                             [&](const Client& client) { return client.reader.handle == handle; });
    }
    void settle() {
        while (!behind.empty() || !drained_handles.empty()) {
            if (!behind.empty()) {
                const auto request = behind.back();
                behind.pop_back();
                read_log(client_of(request.handle), request.cursor);
            } else {
                auto& client = client_of(drained_handles.back());
                drained_handles.pop_back();
                turn_live(client);
            }
        }
    }
    void read_log(Client& client, Position cursor) {
        client.hold = reactor->hold();
        client.bound = last;
        std::vector<FramePtr> frames;
        for (const auto& told : log) {
            if (at(told.ms) > cursor && (client.audiences >> told.audience & 1) != 0)
                frames.push_back(made(told).frame);
        }
        if (reactor->write(client.reader.handle, std::move(frames), at(last))) turn_live(client);
    }
    void turn_live(Client& client) {
        if (!reactor->go_live(client.reader.handle, client.hold, {}, at(client.bound)))
            read_log(client, at(client.bound));
    }

    void check(std::uint32_t seed) const {
        std::uint64_t missing = 0;
        for (const auto& client : clients) {
            std::set<std::uint64_t> received;
            SseDecoder decoder;
            std::uint64_t before = 0;
            for (const auto& event : decoder.feed(client.reader.peer->bytes)) {
                ASSERT_EQ(event.type, "a.b") << seed;
                const std::uint64_t ms = std::stoull(event.data);
                ASSERT_GT(ms, before) << seed;  // in order, none twice: never an older one after a newer one
                received.insert(before = ms);
            }
            std::map<std::pair<std::size_t, int>, std::uint64_t> newest;
            for (const auto& told : log) {
                if ((client.audiences >> told.audience & 1) == 0) continue;
                const bool has = received.contains(told.ms);
                ASSERT_TRUE(has || (told.key >= 0 && !client.keeps_up)) << seed << " " << told.ms;
                if (told.key >= 0) newest[{told.audience, told.key}] = told.ms;
                missing += has ? 0 : 1;
            }
            for (const auto& [place, ms] : newest) ASSERT_TRUE(received.contains(ms)) << seed << " " << ms;
        }
        ASSERT_EQ(missing, reactor->counters().conflated_events) << seed;
    }

    std::mt19937 random;
    std::vector<Told> log;
    std::vector<Client> clients;
};

// A case of its own for each: the reactor of the fixture is used up.
class ConflationSeeds : public ConflationModel, public testing::WithParamInterface<std::uint32_t> {};

TEST_P(ConflationSeeds, C64_EveryReaderEndsWithTheNewestOfEachKeyInOrder) { run(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Model, ConflationSeeds, testing::Range(1U, 101U));

}  // namespace
}  // namespace tidings
