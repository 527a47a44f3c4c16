// The catching-up machine on a store that can change its term, lose its link and hold other systems' entries.

#include "fanout/catch_up_script.hpp"

namespace tidings {
namespace {

using namespace catch_up_script;

Uuid foreign_id(std::uint8_t number) {
    auto uuid = *Uuid::parse("c232ab00-9414-41ec-b3c8-9f6bdeced800");
    uuid.bytes[15] = number;
    return uuid;
}

CatchUpRequest on_foreign_store(std::string cursor) {
    auto made = request(std::move(cursor));
    made.foreign = true;
    return made;
}

CatchUpRequest standing(Position stand, OnGap on_gap = OnGap::live) {
    CatchUpRequest made;
    made.audiences = {alice()};
    made.on_gap = on_gap;
    made.from = {CatchUpFrom::Kind::position, {}, stand};
    return made;
}

const std::string reset = "gap{\"reason\":\"store_reset\",\"oldest\":\"1970-01-01T00:00:00Z\"} ";

TEST(CatchUpTerms, P10_CrossesASealedEndWithoutAGap) {
    Script script;
    for (const std::uint64_t ms : {10, 20, 30}) script.add(alice(), ms);
    script.new_term(30, Script::End::sealed, 500);
    CatchUp machine{standing(at(20)), registry(), Limits{}};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    EXPECT_EQ(script.story(), "30 caught_up ");
}

TEST(CatchUpTerms, P3_TellsAStandBeyondAnEndOrAcrossAnOpenOne) {
    for (const OnGap on_gap : {OnGap::live, OnGap::replay}) {
        for (const auto& [stand, how] :
             {std::pair{at(25), Script::End::sealed}, {at(20), Script::End::open}}) {
            Script script;
            for (const std::uint64_t ms : {10, 20}) script.add(alice(), ms);
            script.new_term(20, how, 500);
            script.add(alice(), 600);
            script.logs[alice()].back().position = {2, 600, 0};
            CatchUp machine{standing(stand, on_gap), registry(), Limits{}};
            EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
            // What it has had is not sent to it again.
            EXPECT_EQ(script.story(), reset + (on_gap == OnGap::replay ? "600 " : "") + "caught_up ");
            EXPECT_EQ(machine.gaps(), 1U);
        }
    }
}

// Terms are counted from 1 again: what this stream was sent says nothing any more.
TEST(CatchUpTerms, P3_TellsAStandOfAnotherLifeAndBeginsAnew) {
    Script script;
    for (const std::uint64_t ms : {10, 20}) script.add(alice(), ms);
    CatchUp machine{standing({9, 15, 0}, OnGap::replay), registry(), Limits{}};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    EXPECT_EQ(script.story(), reset + "10 20 caught_up ");
}

TEST(CatchUpTerms, P3_ChecksWhereItStandsAgainstEveryBound) {
    Script script;
    Limits limits;
    limits.page_events = 1;
    for (const std::uint64_t ms : {10, 20, 30}) script.add(alice(), ms);
    CatchUp machine{standing(at(5)), registry(), limits};
    script.tell(machine.on_pages(script.read(machine.on_bound(script.bound).read)));
    EXPECT_EQ(machine.on_sent().kind, Kind::read);
    script.new_term(40, Script::End::open, 500);
    EXPECT_EQ(script.run(machine, machine.on_read_failed()), Kind::go_live);
    EXPECT_EQ(script.story(), "10 " + reset + "caught_up ");
}

TEST(CatchUpTerms, P3_ChecksItAlsoWhenTheHoldWasLost) {
    Script script;
    CatchUp machine{standing(at(5)), registry(), Limits{}};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    script.new_term(2000, Script::End::open, 3000);
    EXPECT_EQ(script.run(machine, machine.on_hold_lost()), Kind::go_live);
    EXPECT_EQ(script.story(), "caught_up gap{\"reason\":\"store_reset\"} caught_up ");
}

TEST(CatchUpTerms, P2_GoesOnWhereItStoodWhenAReadFailed) {
    for (int failures = 1; failures < 4; ++failures) {
        Script script;
        Limits limits;
        limits.page_events = 1;
        for (const std::uint64_t ms : {10, 20, 30}) script.add(alice(), ms);
        CatchUp machine{request(id_of(10)), registry(), limits};
        script.tell(machine.on_pages(script.read(machine.on_bound(script.bound).read)));
        script.failing_reads = failures;
        EXPECT_EQ(script.run(machine, machine.on_sent()), Kind::go_live);
        EXPECT_EQ(script.story(), "20 30 caught_up ");
    }
}

// What went while the first read failed was lost to a reader that had come before.
TEST(CatchUpTerms, P3_TellsWhatWasTrimmedBeforeTheFirstReadSucceeded) {
    Script script;
    Limits limits;
    limits.page_events = 1;
    for (const std::uint64_t ms : {10, 20}) script.add(Audience::broadcast(), ms);
    auto wanted = request({});
    wanted.from.kind = CatchUpFrom::Kind::earliest;
    wanted.on_gap = OnGap::replay;
    CatchUp machine{wanted, registry(), limits};
    ASSERT_EQ(machine.on_bound(script.bound).kind, Kind::read);
    script.floors[alice()] = at(1500);
    script.bound.position = at(2000);
    EXPECT_EQ(script.run(machine, machine.on_read_failed()), Kind::go_live);
    EXPECT_EQ(script.story(),
              "10 20 gap{\"reason\":\"trimmed\",\"oldest\":\"1970-01-01T00:00:00Z\"} caught_up ");
}

TEST(CatchUpForeign, P2_FindsACursorThatIsAnotherSystemsId) {
    for (const int failures : {0, 1}) {
        Script script;
        script.failing_reads = failures;
        script.add(alice(), 10);
        script.add_foreign(alice(), 20, foreign_id(1));
        script.add(alice(), 30);
        script.add_foreign(alice(), 40, foreign_id(2));
        CatchUp machine{on_foreign_store(foreign_id(1).text()), registry(), Limits{}};
        EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
        EXPECT_EQ(script.story(), "30 40 caught_up ");
        EXPECT_EQ(script.told[1].last_event_id, foreign_id(2).text());
        EXPECT_EQ(script.finds, 1);
    }
}

TEST(CatchUpForeign, P3_TellsACursorThatIsNotFound) {
    Script script;
    script.add(alice(), 10);
    CatchUp machine{on_foreign_store(foreign_id(1).text()), registry(), Limits{}};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    EXPECT_EQ(script.story(),
              "gap{\"reason\":\"unknown_id\",\"oldest\":\"1970-01-01T00:00:00Z\"} caught_up ");
    // An id that reads like ours, of a term that nobody knows, may be another system's too.
    Script other;
    CatchUp reader{on_foreign_store(EventId{at(10), tag + 1, 0}.uuid().text()), registry(), Limits{}};
    EXPECT_EQ(other.run(reader, reader.start()), Kind::go_live);
    EXPECT_EQ(other.story(), "gap{\"reason\":\"store_reset\"} caught_up ");
    EXPECT_EQ(other.finds, 1);
}

TEST(CatchUpForeign, LooksForNothingThatCannotBeThere) {
    for (const auto& cursor : {id_of(10), std::string{"abc"}, std::string{}}) {
        Script script;
        CatchUp machine{on_foreign_store(cursor), registry(), Limits{}};
        script.run(machine, machine.start());
        EXPECT_EQ(script.finds, 0) << cursor;
    }
    Script script;
    auto topics = on_foreign_store(foreign_id(1).text());
    topics.audiences = {chat()};
    CatchUp machine{topics, registry(), Limits{}};
    script.run(machine, machine.start());
    EXPECT_EQ(script.finds, 0);
}

// It may have been appended after the bound that was taken before the search.
TEST(CatchUpForeign, P2_TakesANewBoundForWhatLiesBeyondIt) {
    Script script;
    script.add_foreign(alice(), 1500, foreign_id(1));
    script.add(alice(), 1600);
    CatchUp machine{on_foreign_store(foreign_id(1).text()), registry(), Limits{}};
    const auto search = machine.on_bound(script.bound);
    ASSERT_EQ(search.kind, Kind::find);
    const auto again = machine.on_found(script.find(search));
    ASSERT_EQ(again.kind, Kind::ask_bound);
    script.bound.position = at(2000);
    EXPECT_EQ(script.run(machine, again), Kind::go_live);
    EXPECT_EQ(script.story(), "1600 caught_up ");
}

TEST(CatchUpForeign, P9_RepeatsWhatMayHavePassedUnseenFirstAndWithoutIds) {
    Script script;
    script.bound.position = at(9000);
    script.add_foreign(alice(), 1000, foreign_id(1));
    script.add_foreign(alice(), 4000, foreign_id(2));
    script.add_foreign(Audience::broadcast(), 3500, foreign_id(3));
    script.add(alice(), 5000);
    script.add(alice(), 6000);
    CatchUp machine{on_foreign_store(id_of(5000)), registry(), Limits{}};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    EXPECT_EQ(script.story(), "3500 4000 6000 caught_up ");
    EXPECT_TRUE(script.told[0].last_event_id.empty());
    EXPECT_TRUE(script.told[1].last_event_id.empty());
    EXPECT_EQ(script.told[2].last_event_id, id_of(6000));
    EXPECT_EQ(script.told.back().data, "{\"replayed\":3,\"ignored_categories\":[]}");
}

// Their clock is their own: an entry of theirs in one log may have the very place of one of ours in another.
TEST(CatchUpForeign, P2_OursGoesFirstWhereAnothersHasTheVeryPlace) {
    Script script;
    script.add_foreign(alice(), 20, foreign_id(1));
    script.add(Audience::broadcast(), 20);
    script.logs[Audience::broadcast()][0].data = "ours";
    CatchUp machine{on_foreign_store(id_of(10)), registry(), Limits{}};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    EXPECT_EQ(script.story(), "ours 20 caught_up ");
    // Cut between the two: the other is among the repeats, without its id.
    script.told.clear();
    CatchUp after_ours{on_foreign_store(id_of(20)), registry(), Limits{}};
    EXPECT_EQ(script.run(after_ours, after_ours.start()), Kind::go_live);
    EXPECT_EQ(script.story(), "20 caught_up ");
    script.told.clear();
    CatchUp after_both{on_foreign_store(foreign_id(1).text()), registry(), Limits{}};
    EXPECT_EQ(script.run(after_both, after_both.start()), Kind::go_live);
    EXPECT_EQ(script.story(), "caught_up ");
}

TEST(CatchUpForeign, RepeatsNotTheCursorItselfAndOnlyOnce) {
    Script script;
    Limits limits;
    limits.page_events = 1;
    script.add_foreign(alice(), 10, foreign_id(1));
    script.add_foreign(alice(), 20, foreign_id(2));
    for (const std::uint64_t ms : {30, 40}) script.add(alice(), ms);
    CatchUp machine{on_foreign_store(foreign_id(2).text()), registry(), limits};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    EXPECT_EQ(script.story(), "10 30 40 caught_up ");
    EXPECT_GT(script.reads, 1);
}

TEST(CatchUpForeign, P3_TellsOnceThatForeignEventsMayBeLostAndSkipsNothing) {
    Script script;
    script.add(alice(), 20);
    auto wanted = standing(at(10));
    wanted.foreign = wanted.foreign_lost = true;
    CatchUp machine{wanted, registry(), Limits{}};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    EXPECT_EQ(script.story(),
              "20 gap{\"reason\":\"foreign\",\"oldest\":\"1970-01-01T00:00:00Z\"} caught_up ");
    EXPECT_EQ(script.told[1].last_event_id, id_of(1000));
    // The frames of a lost hold were not written.
    script.told.clear();
    script.add(alice(), 1500);
    script.bound.position = at(2000);
    EXPECT_EQ(script.run(machine, machine.on_hold_lost()), Kind::go_live);
    EXPECT_EQ(script.story(),
              "gap{\"reason\":\"foreign\",\"oldest\":\"1970-01-01T00:00:00Z\"} 1500 caught_up ");
    EXPECT_EQ(machine.gaps(), 1U);
}

TEST(CatchUpForeign, P3_LearnsOfTheLossAlsoWhileItReads) {
    Script script;
    script.add(alice(), 20);
    CatchUp machine{standing(at(10)), registry(), Limits{}};
    const auto read = machine.on_bound(script.bound);
    machine.on_foreign_lost();
    EXPECT_EQ(script.run(machine, read), Kind::go_live);
    EXPECT_EQ(script.told[1].type, "tidings.gap");
    EXPECT_EQ(machine.gaps(), 1U);
}

TEST(CatchUpForeign, P3_ChecksForeignEntriesForLossLikeOurs) {
    Script script;
    script.add_foreign(alice(), 50, foreign_id(1));
    script.logs[alice()][0].previous = script.floors[alice()] = at(40);
    CatchUp machine{on_foreign_store(id_of(30)), registry(), Limits{}};
    EXPECT_EQ(script.run(machine, machine.start()), Kind::go_live);
    EXPECT_EQ(script.story(), "gap{\"reason\":\"trimmed\",\"oldest\":\"1970-01-01T00:00:00Z\"} caught_up ");
}

}  // namespace
}  // namespace tidings
