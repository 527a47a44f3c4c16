// Other systems' events in live streams: they may arrive after events that lie beyond them.

#include "net/reactor_bench.hpp"

namespace tidings {
namespace {

using namespace reactor_bench;

class ForeignTest : public ReactorTest {
public:
    static std::string foreign_id(std::uint64_t ms) {
        auto uuid = *Uuid::parse("c232ab00-9414-41ec-b3c8-9f6bdeced800");
        uuid.bytes[15] = static_cast<std::uint8_t>(ms);
        return uuid.text();
    }
    static LiveItem foreign(const Audience& audience, std::uint64_t ms) {
        auto made = item(audience, ms);
        Event event;
        event.id = *Uuid::parse(foreign_id(ms));
        event.type = "a.b";
        event.data = std::to_string(ms);
        made.frame = *Frame::encode(event, WithId::yes, Limits{});
        made.foreign = std::make_shared<const ForeignEvent>(
            ForeignEvent{at(ms), *Frame::encode(event, WithId::no, Limits{})});
        return made;
    }
    // The data of each event and, where it has one of its own, its id.
    static std::string told(const Reader& reader) {
        SseDecoder decoder;
        std::string text, last;
        for (const auto& event : decoder.feed(reader.peer->bytes)) {
            const bool own = event.last_event_id != last && !event.last_event_id.empty();
            text += event.data + (own ? "+id " : " ");
            last = event.last_event_id;
        }
        return text;
    }
};

TEST_F(ForeignTest, P9_GoesWithItsIdToAStreamThatStandsBeforeIt) {
    const auto reader = live({user("a")});
    publish({item(user("a"), 10), foreign(user("a"), 20), item(user("a"), 30)});
    EXPECT_EQ(told(reader), "10+id 20+id 30+id ");
}

TEST_F(ForeignTest, P1_GoesWithoutAnIdToAStreamThatHasPassedIt) {
    const auto reader = live({user("a")});
    publish({item(user("a"), 10), item(user("a"), 30)});
    publish({foreign(user("a"), 20)});
    publish({item(user("a"), 40), foreign(user("a"), 35), foreign(user("a"), 38), item(user("a"), 50)});
    EXPECT_EQ(told(reader), "10+id 30+id 20 40+id 35 38 50+id ");
}

// An event that no log keeps comes with the position that the store had seen last, which may lie before.
TEST_F(ForeignTest, P1_AnEventThatIsNotKeptDoesNotTakeTheStreamBack) {
    const auto reader = live({user("a")});
    publish({item(user("a"), 10)});
    auto passing = item(user("a"), 10);
    passing.retained = false;
    passing.frame = *Frame::encode({{}, "a.b", {}, user("a"), "passing", {}, {}}, WithId::no, Limits{});
    publish({foreign(user("a"), 30), passing});
    publish({foreign(user("a"), 20)});
    EXPECT_EQ(told(reader), "10+id 30+id passing 20 ");
    reactor->lose_ring({});
    ASSERT_EQ(behind.size(), 1U);
    EXPECT_EQ(behind[0].cursor, at(30));
}

// What passed was for others: its client has no id from beyond the event.
TEST_F(ForeignTest, P9_KeepsItsIdThoughOthersWereSentEventsBeyondIt) {
    const auto busy = live({user("b")});
    const auto reader = live({user("a")});
    publish({item(user("b"), 30)});
    publish({foreign(user("a"), 20), item(user("a"), 40)});
    EXPECT_EQ(told(reader), "20+id 40+id ");
    // Nothing is repeated to it, nor lost, by what follows.
    reactor->lose_ring(at(40));
    ASSERT_EQ(behind.size(), 2U);
    EXPECT_EQ(behind[1].cursor, at(40));
}

TEST_F(ForeignTest, P9_IsNeverSkippedInAHold) {
    const auto reader = open({user("a")});
    const auto hold = reactor->hold();
    publish({item(user("a"), 10), foreign(user("a"), 20), foreign(user("a"), 200), item(user("a"), 300)});
    EXPECT_TRUE(reactor->go_live(reader.handle, hold, {}, at(100)));
    EXPECT_EQ(told(reader), "20 200+id 300+id ");
}

TEST_F(ForeignTest, P2_ABlockedReaderGetsItInItsTurn) {
    const auto reader = live({user("a")});
    reader.peer->room = 0;
    publish({item(user("a"), 10), foreign(user("a"), 20)});
    publish({item(user("a"), 30), foreign(user("a"), 25)});
    reader.peer->room = 100'000;
    reactor->writable(reader.handle);
    EXPECT_EQ(told(reader), "10+id 20+id 30+id 25 ");
}

// A store that lost everything counts its terms from 1 again: positions lie below where streams stood.
TEST_F(ForeignTest, P10_GoesOnInAnotherLifeOfTheStore) {
    const auto reader = live({user("a")});
    auto old = item(user("a"), 10);
    old.position = {7, 10, 0};
    publish({old});
    reactor->lose_ring({});
    EXPECT_TRUE(reactor->go_live(reader.handle, reactor->hold(), {}, at(100)));
    publish({item(user("a"), 110)});
    EXPECT_EQ(told(reader), "10+id 110+id ");
}

}  // namespace
}  // namespace tidings
