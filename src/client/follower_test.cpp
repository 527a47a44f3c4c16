#include "client/follower.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

using Kind = Follower::Action::Kind;

constexpr std::uint32_t tag = 0xa;

std::vector<Audience> logs() { return {Audience::user(UserId::parse("ann").value()), Audience::broadcast()}; }

Term running(std::uint16_t number, Milliseconds start) {
    Term term;
    term.name = {number, tag};
    term.start = {number, start, 0};
    term.running = true;
    return term;
}

Term ended(std::uint16_t number, Milliseconds start, Milliseconds end, bool sealed) {
    Term term;
    term.name = {number, tag};
    term.start = {number, start, 0};
    term.end = {number, end, 0};
    term.sealed = sealed;
    return term;
}

Bound bound_at(Milliseconds at, std::vector<Term> terms = {running(1, 0)}) {
    const auto number = terms.back().name.number;
    return {{number, at, 0}, tag, std::make_shared<const TermTable>(TermTable{std::move(terms)})};
}

Entry entry(Milliseconds at, Milliseconds previous, std::size_t log = 0, std::uint16_t term = 1) {
    Entry made;
    made.audience = logs()[log];
    made.position = {term, at, 0};
    made.tag = tag;
    made.previous = {1, previous, 0};
    made.type = "a.b";
    made.data = std::to_string(at);
    return made;
}

Entry foreign(Milliseconds at, std::uint8_t id, bool retained = true) {
    Entry made = entry(at, 0);
    made.foreign = true;
    made.foreign_id.bytes[15] = id;
    made.retained = retained;
    return made;
}

Entry passing(Milliseconds at) {
    Entry made = entry(at, 0);
    made.retained = false;
    return made;
}

LogPage page(std::vector<Entry> entries, Milliseconds floor = 0, std::size_t log = 0) {
    LogPage made;
    made.audience = logs()[log];
    made.entries = std::move(entries);
    made.floor = {1, floor, 0};
    return made;
}

std::vector<std::string> given(Follower& follower) {
    std::vector<std::string> texts;
    for (const auto& item : follower.take()) {
        const auto* event = std::get_if<Entry>(&item);
        texts.push_back(event != nullptr ? event->data
                                         : "gap " + std::string{name_of(std::get<Gap>(item).reason)});
    }
    return texts;
}

using Texts = std::vector<std::string>;

FollowRequest from(std::string cursor = {}, bool with_foreign = false) {
    FollowRequest request;
    request.logs = logs();
    request.cursor = std::move(cursor);
    request.foreign = with_foreign;
    request.held_events = 3;
    return request;
}

std::string id_at(Milliseconds at) { return EventId{{1, at, 0}, tag, 0}.uuid().text(); }

// Live at 100.
Follower live(FollowRequest request = from()) {
    Follower follower{std::move(request)};
    EXPECT_EQ(follower.start().kind, Kind::ask_bound);
    EXPECT_EQ(follower.on_bound(bound_at(100)).kind, Kind::live);
    return follower;
}

TEST(Follower, P1_GivesWhatArrivesAfterTheBoundOnce) {
    Follower follower{from()};
    follower.heard(entry(50, 0));  // before anything was asked
    follower.start();
    follower.heard(entry(99, 50));
    follower.heard(entry(101, 99));
    EXPECT_EQ(follower.on_bound(bound_at(100)).kind, Kind::live);
    follower.heard(entry(101, 99));
    follower.heard(entry(105, 101));
    EXPECT_EQ(given(follower), (Texts{"101", "105"}));
}

TEST(Follower, P2_ReadsFromAnIdToTheBoundInTheOrderOfAllLogsAndThenGoesLive) {
    Follower follower{from(id_at(10))};
    follower.start();
    const auto read = follower.on_bound(bound_at(100));
    ASSERT_EQ(read.kind, Kind::read);
    EXPECT_EQ(read.read.logs.size(), 2U);
    EXPECT_EQ(read.read.logs[0].after, (Position{1, 10, 0}));
    follower.heard(entry(101, 40));
    EXPECT_EQ(
        follower.on_pages({page({entry(20, 10), entry(40, 20)}, 5), page({entry(30, 7, 1)}, 7, 1)}).kind,
        Kind::live);
    EXPECT_EQ(given(follower), (Texts{"20", "30", "40", "101"}));
}

TEST(Follower, P2_AFullPageOfOneLogHoldsBackTheOther) {
    Follower follower{from(id_at(10))};
    follower.start();
    follower.on_bound(bound_at(100));
    auto full = page({entry(20, 10)}, 5);
    full.full = true;
    const auto next = follower.on_pages({std::move(full), page({entry(15, 7, 1), entry(30, 15, 1)}, 7, 1)});
    EXPECT_EQ(next.kind, Kind::read);
    EXPECT_EQ(next.read.logs[1].after, (Position{1, 20, 0}));
    EXPECT_EQ(given(follower), (Texts{"15", "20"}));
}

TEST(Follower, P3_TellsWhatWasTrimmedInItsPlaceAndGivesTheRest) {
    Follower follower{from(id_at(10))};
    follower.start();
    follower.on_bound(bound_at(100));
    follower.on_pages({page({entry(50, 40)}, 40), page({entry(30, 7, 1)}, 7, 1)});
    EXPECT_EQ(given(follower), (Texts{"30", "gap trimmed", "50"}));
}

TEST(Follower, P3_AnIdThatIsNoneStartsWithAGap) {
    Follower follower{from("17")};
    follower.start();
    EXPECT_EQ(follower.on_bound(bound_at(100)).kind, Kind::live);
    EXPECT_EQ(given(follower), (Texts{"gap unknown_id"}));
}

TEST(Follower, P3_AnIdOfAnotherLifeOfTheStoreIsAReset) {
    Follower follower{from(EventId{{1, 10, 0}, 0xbad, 0}.uuid().text())};
    follower.start();
    follower.on_bound(bound_at(100));
    EXPECT_EQ(given(follower), (Texts{"gap store_reset"}));
}

TEST(Follower, D4_AForeignIdIsLookedForAndReadOnFrom) {
    Follower follower{from("06b02312-9c1c-7534-8000-9f7f796114ec", true)};
    follower.start();
    EXPECT_EQ(follower.on_bound(bound_at(100)).kind, Kind::find);
    const auto read = follower.on_found(Position{1, 30, 0});
    ASSERT_EQ(read.kind, Kind::read);
    EXPECT_EQ(read.read.logs[0].after, (Position{1, 30, 0}));
    EXPECT_EQ(read.read.repeat_foreign.count(), 0);
}

TEST(Follower, D4_AForeignIdThatIsNotFoundIsUnknown) {
    Follower follower{from("06b02312-9c1c-7534-8000-9f7f796114ec", true)};
    follower.start();
    follower.on_bound(bound_at(100));
    EXPECT_EQ(follower.on_found(std::nullopt).kind, Kind::live);
    EXPECT_EQ(given(follower), (Texts{"gap unknown_id"}));
}

TEST(Follower, P10_AfterABreakItReadsFromWhereItWas) {
    auto follower = live();
    follower.heard(entry(110, 90));
    EXPECT_EQ(follower.broken({}).kind, Kind::ask_bound);
    const auto read = follower.on_bound(bound_at(200));
    ASSERT_EQ(read.kind, Kind::read);
    EXPECT_EQ(read.read.logs[0].after, (Position{1, 110, 0}));
    follower.on_pages({page({entry(120, 110)}), page({}, 0, 1)});
    EXPECT_TRUE(follower.is_live());
    EXPECT_EQ(given(follower), (Texts{"110", "120"}));
}

TEST(Follower, P10_ASealedEndCostsNothingAndAnOpenOneIsTold) {
    for (const bool sealed : {true, false}) {
        auto follower = live();
        follower.broken({});
        const auto read = follower.on_bound(bound_at(300, {ended(1, 0, 150, sealed), running(2, 200)}));
        ASSERT_EQ(read.kind, Kind::read);
        follower.on_pages({page({entry(250, 90, 0, 2)}), page({}, 0, 1)});
        EXPECT_EQ(given(follower), sealed ? (Texts{"250"}) : (Texts{"gap store_reset", "250"}));
    }
}

// It was given 110, which the new term does not have: what has come since is read from the end on.
TEST(Follower, P10_ALostTailIsToldAndWhatCameSinceIsGiven) {
    auto follower = live();
    follower.heard(entry(110, 90));
    follower.broken({});
    const auto read = follower.on_bound(bound_at(300, {ended(1, 0, 105, false), running(2, 106)}));
    ASSERT_EQ(read.kind, Kind::read);
    EXPECT_EQ(read.read.logs[0].after, (Position{1, 105, 0}));
    follower.on_pages({page({entry(107, 90, 0, 2)}, 90), page({}, 0, 1)});
    EXPECT_EQ(given(follower), (Texts{"110", "gap store_reset", "107"}));
}

TEST(Follower, P3_AHoldThatIsFullCostsAnotherLook) {
    Follower follower{from()};
    follower.start();
    for (Milliseconds at = 101; at < 106; ++at) follower.heard(entry(at, at - 1));
    EXPECT_EQ(follower.on_bound(bound_at(100)).kind, Kind::ask_bound);
    EXPECT_EQ(follower.on_bound(bound_at(110)).kind, Kind::read);
    follower.on_pages({page({entry(101, 90), entry(105, 101)}), page({}, 0, 1)});
    EXPECT_EQ(given(follower), (Texts{"101", "105"}));
}

TEST(Follower, D22_WhatHadNoRoomIsReadAgainAndWhatNoLogKeepsIsCounted) {
    auto follower = live();
    for (const auto& each : {entry(110, 90), entry(120, 110), passing(120), entry(130, 120)})
        follower.heard(each);
    const auto items = follower.take();
    follower.fall_behind(std::span{items}.subspan(1));
    follower.heard(entry(140, 130));
    follower.heard(passing(140));
    EXPECT_EQ(follower.broken({}).kind, Kind::none);
    EXPECT_EQ(follower.resume().kind, Kind::ask_bound);
    EXPECT_EQ(follower.on_bound(bound_at(200)).kind, Kind::read);
    follower.on_pages({page({entry(120, 110), entry(130, 120), entry(140, 130)}), page({}, 0, 1)});
    const auto again = follower.take();
    ASSERT_EQ(again.size(), 4U);
    EXPECT_EQ(std::get<Entry>(again[0]).data, "120");
    EXPECT_EQ(std::get<Gap>(again[3]).reason, GapReason::overflow);
    EXPECT_EQ(std::get<Gap>(again[3]).count, 2U);
}

TEST(Follower, P9_AForeignEventThatCameByTwoWaysIsGivenOnce) {
    auto follower = live(from({}, true));
    follower.heard(foreign(110, 1, false));
    follower.heard(foreign(109, 2));
    follower.broken({});
    const auto read = follower.on_bound(bound_at(200));
    EXPECT_GT(read.read.repeat_foreign.count(), 0);
    auto again = page({foreign(110, 1), foreign(120, 3)});
    again.repeats = {foreign(98, 4), foreign(109, 2)};
    follower.on_pages({std::move(again), page({}, 0, 1)});
    EXPECT_EQ(given(follower), (Texts{"110", "109", "98", "120"}));
}

TEST(Follower, P4_AQuietReaderIsKeptAbreast) {
    auto follower = live();
    follower.checkpoint(bound_at(5000));
    follower.broken({});
    const auto read = follower.on_bound(bound_at(6000));
    EXPECT_EQ(read.read.logs[0].after, (Position{1, 5000, 0}));
    follower.on_pages({page({}, 4000), page({}, 4000, 1)});
    EXPECT_EQ(given(follower), Texts{});
}

TEST(Follower, P3_ForeignEventsThatABreakMayHaveCostAreToldWhenItIsLiveAgain) {
    auto follower = live();
    follower.broken(Gap{GapReason::foreign, {}, {}});
    follower.on_bound(bound_at(200));
    follower.on_pages({page({entry(120, 90)}), page({}, 0, 1)});
    EXPECT_EQ(given(follower), (Texts{"120", "gap foreign"}));
}

}  // namespace
}  // namespace tidings
