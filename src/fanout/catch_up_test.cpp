#include "fanout/catch_up_script.hpp"

namespace tidings {
namespace {

using namespace catch_up_script;

TEST(CatchUp, GoesLiveFromAFreshBoundWithoutReading) {
    Script script;
    script.add(alice(), 10);
    CatchUp machine{request({}), registry(), Limits{}};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    EXPECT_EQ(script.story(), "caught_up ");
    EXPECT_EQ(script.told[0].last_event_id, id_of(1000));
    EXPECT_EQ(script.reads, 0);
}

TEST(CatchUp, P2_ReplaysAllLogsMergedByPosition) {
    Script script;
    for (const auto ms : {10, 30, 50}) script.add(alice(), static_cast<std::uint64_t>(ms));
    for (const auto ms : {20, 40}) script.add(Audience::broadcast(), static_cast<std::uint64_t>(ms));
    script.floors[Audience::broadcast()] = {};
    CatchUp machine{request(id_of(20)), registry(), Limits{}};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    EXPECT_EQ(script.story(), "30 40 50 caught_up ");
    EXPECT_EQ(script.told.back().data, "{\"replayed\":3,\"ignored_categories\":[]}");
    EXPECT_EQ(script.delivered, at(1000));
}

TEST(CatchUp, P1_SendsOnlyACompletePrefixOfAllLogsPageByPage) {
    Script script;
    Limits limits;
    limits.page_events = 3;
    std::string expected;
    for (std::uint64_t ms = 10; ms < 60; ++ms) {
        script.add(ms % 4 == 0 ? Audience::broadcast() : alice(), ms);
        if (ms > 12) expected += std::to_string(ms) + " ";
    }
    CatchUp machine{request(id_of(12)), registry(), limits};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    EXPECT_EQ(script.story(), expected + "caught_up ");
    EXPECT_GT(script.reads, 10);
}

TEST(CatchUp, P4_FiltersReplayAndStillMovesItsPrefix) {
    Script script;
    Limits limits;
    limits.page_events = 2;
    for (std::uint64_t ms = 10; ms < 20; ++ms) script.add(alice(), ms, ms == 17 ? "money" : "news");
    auto wanted = request(id_of(10));
    wanted.categories = CategoryMask{2};
    CatchUp machine{wanted, registry(), limits};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    EXPECT_EQ(script.story(), "17 caught_up ");
}

TEST(CatchUp, P4_MatchesNothingWhenNoNamedCategoryIsLeft) {
    Script script;
    script.add(alice(), 20);
    auto wanted = request(id_of(10));
    wanted.categories = 0;
    wanted.ignored_categories = {"gone"};
    CatchUp machine{wanted, registry(), Limits{}};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    EXPECT_EQ(script.told.back().data, "{\"replayed\":0,\"ignored_categories\":[\"gone\"]}");
}

TEST(CatchUp, C26_TellsACursorThatIsNoneAndGoesLive) {
    for (const auto* cursor : {"abc", "c232ab00-9414-11ec-b3c8-9f6bdeced846"}) {
        Script script;
        script.add(alice(), 10'000 / 1000);
        CatchUp machine{request(cursor), registry(), Limits{}};
        EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
        EXPECT_EQ(script.story(),
                  "gap{\"reason\":\"unknown_id\",\"oldest\":\"1970-01-01T00:00:00Z\"} caught_up ");
        EXPECT_EQ(script.told[0].last_event_id, id_of(1000));
    }
}

TEST(CatchUp, P3_TellsAResetStoreAndReplaysAllWhenAsked) {
    Script script;
    for (const std::uint64_t ms : {10, 20}) script.add(alice(), ms);
    auto wanted = request(EventId{at(15), tag + 1, 0}.uuid().text());
    wanted.on_gap = OnGap::replay;
    CatchUp machine{wanted, registry(), Limits{}};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    EXPECT_EQ(script.story(),
              "gap{\"reason\":\"store_reset\",\"oldest\":\"1970-01-01T00:00:00Z\"} 10 20 caught_up ");
    EXPECT_EQ(script.told[0].last_event_id, (EventId{at(10).before(), tag, 0}.uuid().text()));
}

TEST(CatchUp, P3_TellsATrimmedLogOnceAndGoesLive) {
    Script script;
    script.add(alice(), 50);
    script.logs[alice()][0].previous = at(40);
    script.floors[alice()] = at(40);
    CatchUp machine{request(id_of(30)), registry(), Limits{}};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    EXPECT_EQ(script.story(), "gap{\"reason\":\"trimmed\",\"oldest\":\"1970-01-01T00:00:00Z\"} caught_up ");
    EXPECT_EQ(machine.gaps(), 1U);
}

TEST(CatchUp, P3_PutsTheGapBeforeTheOldestOfTheLogConcerned) {
    Script script;
    for (const std::uint64_t ms : {31, 60}) script.add(Audience::broadcast(), ms);
    script.add(alice(), 50);
    script.logs[alice()][0].previous = at(40);
    auto wanted = request(id_of(30));
    wanted.on_gap = OnGap::replay;
    CatchUp machine{wanted, registry(), Limits{}};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    EXPECT_EQ(script.story(),
              "31 gap{\"reason\":\"trimmed\",\"oldest\":\"1970-01-01T00:00:00Z\"} 50 60 caught_up ");
    EXPECT_EQ(script.told[1].last_event_id, (EventId{at(50).before(), tag, 0}.uuid().text()));
}

// A client that is cut after 45 comes back with an id beyond the loss: nothing would tell it any more.
TEST(CatchUp, P3_PutsTheGapBeforeAnyIdBeyondTheLoss) {
    for (const bool died_whole : {true, false}) {
        Script script;
        for (const std::uint64_t ms : {31, 45, 60}) script.add(Audience::broadcast(), ms);
        script.floors[alice()] = at(40);
        if (!died_whole) {
            script.add(alice(), 50);
            script.logs[alice()][0].previous = at(40);
        }
        auto wanted = request(id_of(30));
        wanted.on_gap = OnGap::replay;
        CatchUp machine{wanted, registry(), Limits{}};
        EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
        EXPECT_EQ(script.story(), std::string{"31 gap{\"reason\":\"trimmed\","
                                              "\"oldest\":\"1970-01-01T00:00:00Z\"} 45 "} +
                                      (died_whole ? "" : "50 ") + "60 caught_up ");
        EXPECT_EQ(script.told[1].last_event_id, (EventId{at(45).before(), tag, 0}.uuid().text()));
    }
}

TEST(CatchUp, P3_TellsALossThatAnotherLogsFullPagePassesBy) {
    Script script;
    Limits limits;
    limits.page_events = 2;
    for (const std::uint64_t ms : {31, 45, 60}) script.add(Audience::broadcast(), ms);
    script.add(alice(), 50);
    script.logs[alice()][0].previous = at(40);
    auto wanted = request(id_of(30));
    wanted.on_gap = OnGap::replay;
    CatchUp machine{wanted, registry(), limits};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    EXPECT_EQ(script.story(),
              "31 gap{\"reason\":\"trimmed\",\"oldest\":\"1970-01-01T00:00:00Z\"} 45 50 60 caught_up ");
    EXPECT_EQ(machine.gaps(), 1U);
}

TEST(CatchUp, P3_TellsALogThatDiedWhole) {
    for (const OnGap policy : {OnGap::live, OnGap::replay}) {
        Script script;
        script.floors[alice()] = at(40);
        auto wanted = request(id_of(30));
        wanted.on_gap = policy;
        CatchUp machine{wanted, registry(), Limits{}};
        EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
        EXPECT_EQ(script.story(), "gap{\"reason\":\"trimmed\"} caught_up ");
    }
}

TEST(CatchUp, C27_EarliestSendsAllThatIsRetainedAndNeverAGap) {
    Script script;
    script.add(alice(), 50);
    script.logs[alice()][0].previous = at(40);
    script.floors[Audience::broadcast()] = at(45);
    auto wanted = request({});
    wanted.from.kind = CatchUpFrom::Kind::earliest;
    CatchUp machine{wanted, registry(), Limits{}};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    EXPECT_EQ(script.story(), "50 caught_up ");
}

TEST(CatchUp, P3_TellsWhatAFullQueueDropped) {
    Script script;
    script.add(alice(), 50);
    CatchUpRequest wanted;
    wanted.audiences = {alice()};
    wanted.from = {CatchUpFrom::Kind::position, {}, at(40)};
    wanted.dropped = 7;
    CatchUp machine{wanted, registry(), Limits{}};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    EXPECT_EQ(script.story(),
              "gap{\"reason\":\"overflow\",\"count\":7,\"oldest\":\"1970-01-01T00:00:00Z\"} 50 caught_up ");
}

TEST(CatchUp, ReadsOnFromItsBoundWhenTheHoldIsLost) {
    Script script;
    script.add(alice(), 10);
    CatchUp machine{request(id_of(5)), registry(), Limits{}};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    script.told.clear();
    script.add(alice(), 1500);
    script.bound.position = at(2000);
    EXPECT_EQ(script.run(machine, machine.on_hold_lost()), Kind::go_live);
    EXPECT_EQ(script.story(), "1500 caught_up ");
}

// What a lost hold kept from being written is still to be told.
TEST(CatchUp, P3_TellsItsGapAlsoWhenTheHoldWasLost) {
    Script script;
    CatchUp machine{request("abc"), registry(), Limits{}};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    script.told.clear();
    script.add(alice(), 1500);
    script.bound.position = at(2000);
    EXPECT_EQ(script.run(machine, machine.on_hold_lost()), Kind::go_live);
    EXPECT_EQ(script.story(),
              "gap{\"reason\":\"unknown_id\",\"oldest\":\"1970-01-01T00:00:01Z\"} 1500 caught_up ");
    EXPECT_EQ(script.told[0].last_event_id, (EventId{at(1500).before(), tag, 0}.uuid().text()));
    EXPECT_EQ(machine.gaps(), 1U);
}

TEST(CatchUp, C33_EndsCleanlyWhenEveryAudienceIsAFinishedTopic) {
    Script script;
    script.add(chat(), 10);
    script.closed[chat()] = at(20);
    CatchUpRequest wanted;
    wanted.audiences = {chat()};
    wanted.from = {CatchUpFrom::Kind::cursor, id_of(5), {}};
    CatchUp machine{wanted, registry(), Limits{}};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::finish);
    EXPECT_EQ(script.story(), "10 closed ");
    EXPECT_EQ(machine.replayed(), 1U);

    Script mixed;
    mixed.closed[chat()] = at(20);
    wanted.audiences = {chat(), alice()};
    CatchUp other{wanted, registry(), Limits{}};
    EXPECT_EQ(mixed.run(other, other.start()), Kind::go_live);
    EXPECT_EQ(mixed.story(), "closed caught_up ");
}

TEST(CatchUp, C33_LearnsOfAFinishedTopicAlsoWithoutACursor) {
    Script script;
    script.closed[chat()] = at(20);
    CatchUpRequest wanted;
    wanted.audiences = {chat()};
    CatchUp machine{wanted, registry(), Limits{}};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::finish);
}

TEST(CatchUp, P3_SendsWhatIsLargerThanThePresentLimit) {
    Script script;
    script.add(alice(), 20);
    script.logs[alice()][0].data = "\"accepted under a wider limit\"";
    Limits limits;
    limits.event_bytes = 8;
    CatchUp machine{request(id_of(10)), registry(), limits};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    EXPECT_EQ(script.story(), "\"accepted under a wider limit\" caught_up ");
}

// `from=earliest` never begins with a gap, but what is trimmed before it was read is lost like anything else.
TEST(CatchUp, P3_TellsThatALogWasTrimmedWhileAllOfItIsRead) {
    for (const auto on_gap : {OnGap::live, OnGap::replay}) {
        Script script;
        for (std::uint64_t ms = 10; ms < 16; ++ms) script.add(alice(), ms);
        script.logs[alice()][0].previous = script.floors[alice()] = at(9);
        script.floors[Audience::broadcast()] = at(500);  // it has died, and lost nothing of this replay
        Limits limits;
        limits.page_events = 2;
        auto wanted = request({});
        wanted.from.kind = CatchUpFrom::Kind::earliest;
        wanted.on_gap = on_gap;
        CatchUp machine{wanted, registry(), limits};
        auto action = machine.on_pages(script.read(machine.on_bound(script.bound).read));
        script.tell(action);
        script.logs[alice()].erase(script.logs[alice()].begin(), script.logs[alice()].begin() + 4);
        script.floors[alice()] = at(13);
        EXPECT_EQ(script.run(machine, machine.on_sent()), Kind::go_live);
        const std::string gap = "gap{\"reason\":\"trimmed\",\"oldest\":\"1970-01-01T00:00:00Z\"} ";
        EXPECT_EQ(script.story(), "10 11 " + gap + (on_gap == OnGap::replay ? "14 15 " : "") + "caught_up ");
    }
}

TEST(CatchUp, C27_BeginsAtTheEarliestWithoutAGapPageByPage) {
    Script script;
    for (std::uint64_t ms = 10; ms < 15; ++ms) script.add(alice(), ms);
    script.add(Audience::broadcast(), 700);
    script.logs[Audience::broadcast()][0].previous = at(600);
    Limits limits;
    limits.page_events = 2;
    auto wanted = request({});
    wanted.from.kind = CatchUpFrom::Kind::earliest;
    CatchUp machine{wanted, registry(), limits};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    EXPECT_EQ(script.story(), "10 11 12 13 14 700 caught_up ");
}

}  // namespace
}  // namespace tidings
