#include "redis/term_book.hpp"

#include "redis/term_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidings::redis {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

enum class Ended : std::uint8_t { decided, pending };

TermFacts facts(std::string_view ended, TermName running, Ended state = Ended::decided) {
    TermFacts facts;
    facts.table = *parse_terms(ended, running, 1000);
    facts.pending = state == Ended::pending;
    return facts;
}

StateReply state(TermFacts facts, std::uint64_t version,
                 std::vector<std::pair<std::string, std::uint64_t>> members = {}) {
    StateReply reply;
    reply.facts = std::move(facts);
    reply.version = version;
    reply.members = std::move(members);
    return reply;
}

std::vector<TermName> names(const TermTable& table) {
    std::vector<TermName> all;
    for (const auto& term : table.terms) all.push_back(term.name);
    return all;
}

// What the next call says of a term; none: nothing.
std::optional<TermReport> report_of(const TermBook& book, TermName term) {
    for (const auto& report : book.state_call().reports) {
        if (report.term == term) return report;
    }
    return std::nullopt;
}

TEST(TermBook, KnowsNothingAtFirstAndLearnsWhenATermBegins) {
    TermBook book{"a"};
    EXPECT_EQ(book.known(), TermName{});
    EXPECT_EQ(book.table(), nullptr);
    EXPECT_TRUE(book.state_call().reports.empty());
    EXPECT_TRUE(book.learn(facts("", {1, 11})));
    EXPECT_FALSE(book.learn(facts("", {1, 11})));
    EXPECT_TRUE(book.learn(facts("1:11:5:9:0:s", {2, 22})));
    EXPECT_EQ(book.known(), (TermName{2, 22}));
    EXPECT_THAT(names(*book.table()), ElementsAre(TermName{1, 11}, TermName{2, 22}));
    EXPECT_FALSE(book.pending());
}

TEST(TermBook, ReportsTheHighestOfTheTermThatEnded) {
    TermBook book{"a"};
    book.learn(facts("", {1, 11}));
    EXPECT_EQ(report_of(book, {1, 11})->acknowledged, std::nullopt);
    book.acknowledged({1, 50, 2});
    book.acknowledged({1, 50, 1});
    book.seen({1, 60, 0});
    const auto running = report_of(book, {1, 11});
    ASSERT_TRUE(running) << "should it have ended without our knowing";
    EXPECT_EQ(running->acknowledged, (Position{1, 50, 2}));
    EXPECT_EQ(running->seen, (Position{1, 60, 0}));
    book.learn(facts("1:11:5:55:0:p", {2, 22}, Ended::pending));
    book.acknowledged({2, 70, 0});
    EXPECT_TRUE(book.pending());
    // Both: the second may end before the first is decided.
    EXPECT_EQ(report_of(book, {1, 11})->acknowledged, (Position{1, 50, 2}));
    EXPECT_EQ(report_of(book, {2, 22})->acknowledged, (Position{2, 70, 0}));
}

TEST(TermBook, P5_ATermOfAKnownNumberAndAnotherTagIsNotShown) {
    TermBook book{"a"};
    book.learn(facts("1:11:5:9:0:s", {2, 22}));
    book.acknowledged({2, 500, 0});
    // Where another server was promoted, another hub had begun a second term too.
    book.learn(facts("1:11:5:9:0:s 2:99:10:20:0:p", {3, 33}, Ended::pending));
    EXPECT_THAT(names(*book.table()), ElementsAre(TermName{1, 11}, TermName{3, 33}));
    EXPECT_EQ(book.facts().table.terms.size(), 3U);
    const auto report = report_of(book, {2, 99});
    ASSERT_TRUE(report) << "nobody has to wait for this writer";
    EXPECT_EQ(report->acknowledged, std::nullopt) << "it wrote in another term of that number";
}

TEST(TermBook, MarksOfATermOfTheSameNumberAreForgotten) {
    TermBook book{"a"};
    book.learn(facts("", {1, 11}));
    book.seen({1, 500, 0});
    book.learn(facts("", {1, 12}));
    EXPECT_EQ(report_of(book, {1, 12})->seen, std::nullopt);
}

TEST(TermBook, P6_OnlyTheLastFewTermsMarksAreKept) {
    TermBook book{"a"};
    std::string ended;
    for (std::uint16_t number = 1; number <= 12; ++number) {
        book.learn(facts(ended, {number, number}));
        book.seen({number, 10, 0});
        ended += " " + std::to_string(number) + ":" + std::to_string(number) + ":1:1:1:o";
    }
    book.learn(facts("3:3:1:1:1:p", {13, 13}, Ended::pending));
    EXPECT_EQ(report_of(book, {3, 3})->seen, std::nullopt);
    book.learn(facts("5:5:1:1:1:p", {13, 13}, Ended::pending));
    EXPECT_EQ(report_of(book, {5, 5})->seen, (Position{5, 10, 0}));
}

TEST(TermBook, TellsOfTheJoinsThatItHeardOf) {
    TermBook book{"a"};
    book.learn(facts("", {1, 11}));
    auto reply = state(facts("", {1, 11}), 2, {{"a", 1}, {"b", 2}});
    reply.ready = true;
    EXPECT_TRUE(book.joined(reply));
    book.heard_join("c", 3);
    book.heard_join("c", 1);
    const auto call = book.state_call();
    EXPECT_EQ(call.seen_version, 2U) << "what was heard may not be all";
    EXPECT_THAT(call.joins, ElementsAre(Pair("a", 1), Pair("b", 2), Pair("c", 3)));
}

TEST(TermBook, JoinsThatWereLostAreToldUntilTheEndIsDecided) {
    TermBook book{"a"};
    book.learn(facts("", {1, 11}));
    EXPECT_FALSE(book.joined(state(facts("", {1, 11}), 7, {{"a", 1}, {"b", 7}})));
    // The server that took over knows of two joins only.
    auto pending = facts("1:11:5:9:0:p", {2, 22}, Ended::pending);
    book.learn(pending);
    book.joined(state(pending, 2, {{"a", 1}}));
    EXPECT_THAT(book.state_call().joins, ElementsAre(Pair("a", 1), Pair("b", 7)));
    auto decided = facts("1:11:5:9:0:o", {2, 22});
    book.learn(decided);
    book.joined(state(decided, 2, {{"a", 1}}));
    EXPECT_THAT(book.state_call().joins, ElementsAre(Pair("a", 1)));
}

TEST(TermBook, P6_SaysUpToWhereItHasForgottenJoins) {
    TermBook book{"a"};
    book.learn(facts("", {1, 11}));
    for (std::uint64_t i = 1; i <= 258; ++i) book.heard_join("hub" + std::to_string(i), i);
    const auto call = book.state_call();
    EXPECT_EQ(call.joins.size(), 256U);
    EXPECT_EQ(call.joins_forgotten_to, 2U);
    book.joined(state(facts("", {1, 11}), 1, {}));
    EXPECT_THAT(book.state_call().joins, IsEmpty());
    EXPECT_EQ(book.state_call().joins_forgotten_to, 1U);
}

}  // namespace
}  // namespace tidings::redis
