#include "redis/append_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidings::redis {
namespace {

using Fate = AppendQueue::Fate;
using testing::ElementsAre;
using testing::IsEmpty;

AppendCall item(std::string data) {
    AppendCall call;
    call.audience = Audience::broadcast();
    call.data = std::move(data);
    return call;
}
std::vector<AppendCall> items(std::initializer_list<const char*> data) {
    std::vector<AppendCall> all;
    for (const auto* one : data) all.push_back(item(one));
    return all;
}

std::vector<AppendResult> results(std::size_t count) {
    AppendResult result;
    result.kind = AppendResult::Kind::appended;
    return std::vector<AppendResult>(count, result);
}

// "<serial>: <data> <data> …", or "" where there is nothing to send.
std::string next(AppendQueue& queue) {
    const auto call = queue.next();
    if (!call) return {};
    std::string text = std::to_string(call->serial) + ":";
    for (const auto& one : call->items) text += " " + one.data;
    return text;
}

// "<request>: <fate> <fate> …" of each answer.
std::vector<std::string> answers(AppendQueue& queue) {
    constexpr const char* names[] = {"answered", "not_sent", "unknown", "no_room", "unconfirmed", "refused"};
    std::vector<std::string> all;
    for (const auto& answer : queue.take_answers()) {
        std::string text = std::to_string(answer.request) + ":";
        for (const auto& outcome : answer.outcomes)
            text += std::string{" "} + names[static_cast<int>(outcome.fate)];
        all.push_back(std::move(text));
    }
    return all;
}

AppendBounds bounds() {
    AppendBounds bounds;
    bounds.call_items = 3;
    bounds.calls = 2;
    bounds.items = 8;
    bounds.patience = 100;
    return bounds;
}

TEST(AppendQueue, RequestsShareCallsAndAreAnsweredWhenTheLastOfTheirItemsIs) {
    AppendQueue queue{bounds()};
    queue.add(1, items({"a", "b"}), 0);
    queue.add(2, items({"c", "d"}), 0);
    EXPECT_EQ(next(queue), "1: a b c");
    EXPECT_EQ(next(queue), "2: d");
    queue.replied(1, results(3));
    EXPECT_THAT(queue.replied_serials(), ElementsAre(1));
    EXPECT_THAT(answers(queue), IsEmpty()) << "not before its listeners have heard it";
    queue.settle(1);
    EXPECT_THAT(answers(queue), ElementsAre("1: answered answered"));
    queue.replied(2, results(1));
    queue.settle(2);
    EXPECT_THAT(answers(queue), ElementsAre("2: answered answered"));
    EXPECT_TRUE(queue.idle());
    EXPECT_EQ(queue.waiting_items(), 0U);
}

TEST(AppendQueue, WhileAFewCallsAreUnderWayTheRestGathers) {
    auto some = bounds();
    some.calls = 4;
    some.small_calls = 1;
    AppendQueue queue{some};
    queue.add(1, items({"a"}), 0);
    EXPECT_EQ(next(queue), "1: a") << "one that comes alone does not wait";
    queue.add(2, items({"b", "c"}), 0);
    EXPECT_EQ(next(queue), "");
    queue.add(3, items({"d", "e"}), 0);
    EXPECT_EQ(next(queue), "2: b c d") << "a full one goes at once";
    EXPECT_EQ(next(queue), "");
    queue.replied(1, results(1));
    EXPECT_EQ(next(queue), "");
    queue.replied(2, results(3));
    EXPECT_EQ(next(queue), "3: e");
    some.call_bytes = sizeof(AppendCall);
    AppendQueue narrow{some};
    narrow.add(1, items({"a", "b", "c"}), 0);
    EXPECT_EQ(next(narrow), "1: a");
    EXPECT_EQ(next(narrow), "2: b") << "full is also what has so many bytes";
    narrow.again(1);
    EXPECT_EQ(next(narrow), "1: a") << "what is sent again does not wait";
}

TEST(AppendQueue, ResultsGoToTheItemsTheyAreOf) {
    AppendQueue queue{bounds()};
    queue.add(1, items({"a"}), 0);
    queue.add(2, items({"b"}), 0);
    ASSERT_EQ(next(queue), "1: a b");
    auto both = results(2);
    both[1].kind = AppendResult::Kind::closed;
    queue.replied(1, both);
    queue.settle(1);
    const auto answered = queue.take_answers();
    ASSERT_EQ(answered.size(), 2U);
    EXPECT_EQ(answered[0].outcomes[0].result.kind, AppendResult::Kind::appended);
    EXPECT_EQ(answered[1].outcomes[0].result.kind, AppendResult::Kind::closed);
}

TEST(AppendQueue, SaysWhatACallHolds) {
    AppendQueue queue{AppendBounds{}};
    queue.add(1, items({"a", "b"}), 0);
    EXPECT_TRUE(queue.items_of(1).empty());
    EXPECT_EQ(next(queue), "1: a b");
    ASSERT_EQ(queue.items_of(1).size(), 2U);
    EXPECT_EQ(queue.items_of(1)[1].data, "b");
    queue.replied(1, results(2));
    queue.settle(1);
    EXPECT_TRUE(queue.items_of(1).empty());
}

TEST(AppendQueue, ACallIsBoundedInItemsAndBytesAndOnlySoManyAreUnderWay) {
    auto narrow = bounds();
    narrow.call_bytes = sizeof(AppendCall) * 2;
    AppendQueue queue{narrow};
    queue.add(1, items({"a", "b", "c", "d"}), 0);
    EXPECT_EQ(next(queue), "1: a") << "two with their data are more";
    EXPECT_EQ(next(queue), "2: b");
    EXPECT_EQ(next(queue), "");
    queue.replied(1, results(1));
    EXPECT_EQ(next(queue), "3: c") << "what waits for its replicas does not hold up others";
    AppendQueue large{narrow};
    large.add(1, {item(std::string(10'000, 'x'))}, 0);
    EXPECT_NE(next(large), "") << "one alone goes out, however large";
}

TEST(AppendQueue, P8_WhatFindsNoRoomIsAnsweredAtOnce) {
    AppendQueue queue{bounds()};
    queue.add(1, items({"a", "b", "c", "d", "e", "f", "g"}), 0);
    queue.add(2, items({"h", "i"}), 0);
    queue.add(3, {}, 0);
    EXPECT_THAT(answers(queue), ElementsAre("2: no_room no_room", "3:"));
    queue.add(4, items({"h"}), 0);
    EXPECT_THAT(answers(queue), IsEmpty());
    auto few = bounds();
    few.bytes = sizeof(AppendCall) + 3;
    AppendQueue small{few};
    small.add(1, items({"four"}), 0);
    small.add(2, items({"two"}), 0);
    EXPECT_THAT(answers(small), ElementsAre("1: no_room"));
}

TEST(AppendQueue, P7_WhatWasNotRepliedToIsSentAgainUnderItsSerial) {
    AppendQueue queue{bounds()};
    queue.add(1, items({"a", "b", "c", "d"}), 0);
    ASSERT_EQ(next(queue), "1: a b c");
    ASSERT_EQ(next(queue), "2: d");
    queue.replied(1, results(3));
    queue.link_lost();
    queue.add(2, items({"e"}), 0);
    EXPECT_EQ(next(queue), "2: d");
    EXPECT_EQ(next(queue), "3: e");
    EXPECT_EQ(next(queue), "");
    queue.settle(1);
    queue.replied(2, results(1));
    queue.replied(2, results(1));
    queue.settle(2);
    queue.settle(2);
    EXPECT_THAT(answers(queue), ElementsAre("1: answered answered answered answered"));
}

TEST(AppendQueue, TheDeadlineSaysHowFarEachItemCame) {
    AppendQueue queue{bounds()};
    queue.add(1, items({"a", "b", "c", "d", "e", "f", "g"}), 0);
    ASSERT_EQ(next(queue), "1: a b c");
    ASSERT_EQ(next(queue), "2: d e f");
    queue.replied(1, results(3));
    queue.expire(99);
    EXPECT_THAT(answers(queue), IsEmpty());
    queue.expire(100);
    EXPECT_THAT(answers(queue),
                ElementsAre("1: unconfirmed unconfirmed unconfirmed unknown unknown unknown not_sent"));
    EXPECT_TRUE(queue.idle());
    queue.replied(2, results(3));
    queue.settle(1);
    queue.settle(2);
    EXPECT_THAT(answers(queue), IsEmpty()) << "once is enough";
    EXPECT_EQ(queue.waiting_items(), 0U);
}

TEST(AppendQueue, ACallThatNobodyWaitsForIsNotSentAgain) {
    AppendQueue queue{bounds()};
    queue.add(1, items({"a"}), 0);
    ASSERT_EQ(next(queue), "1: a");
    queue.expire(100);
    queue.link_lost();
    EXPECT_EQ(next(queue), "");
    EXPECT_EQ(queue.waiting_items(), 0U);
    // With another's item in it, it is: the server must see the same call under the same serial.
    queue.add(2, items({"b"}), 100);
    queue.add(3, items({"c"}), 150);
    ASSERT_EQ(next(queue), "2: b c");
    queue.link_lost();
    queue.expire(200);
    EXPECT_EQ(next(queue), "2: b c");
}

TEST(AppendQueue, ExpiredItemsInTheQueueAreNeverSent) {
    AppendQueue queue{bounds()};
    queue.add(1, items({"a", "b"}), 0);
    queue.add(2, items({"c"}), 50);
    queue.expire(100);
    EXPECT_EQ(next(queue), "1: c");
    EXPECT_EQ(queue.waiting_items(), 1U);
}

TEST(AppendQueue, WhatTheServerPostponedWasNotSent) {
    AppendQueue queue{bounds()};
    queue.add(1, items({"a"}), 0);
    queue.add(2, items({"b"}), 50);
    ASSERT_EQ(next(queue), "1: a b");
    queue.postpone(1);
    queue.expire(100);
    EXPECT_THAT(answers(queue), ElementsAre("1: not_sent"));
    EXPECT_EQ(next(queue), "1: b") << "what was answered as not sent is not sent later";
    EXPECT_EQ(queue.waiting_items(), 1U);
    queue.again(1);
    EXPECT_EQ(next(queue), "1: b");
    queue.postpone(1);
    queue.expire(150);
    EXPECT_THAT(answers(queue), ElementsAre("2: unknown"))
        << "the sending without an answer may have stored it";
    EXPECT_EQ(queue.waiting_items(), 0U);
}

TEST(AppendQueue, ARefusalIsBelievedOnlyWhereNoSendingIsUnanswered) {
    AppendQueue queue{bounds()};
    queue.add(1, items({"a"}), 0);
    ASSERT_EQ(next(queue), "1: a");
    queue.refuse(1, "OOM");
    const auto refused = queue.take_answers();
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].outcomes[0].fate, Fate::refused);
    EXPECT_EQ(refused[0].outcomes[0].result.why, "OOM");
    queue.add(2, items({"b"}), 0);
    ASSERT_EQ(next(queue), "2: b");
    queue.link_lost();
    ASSERT_EQ(next(queue), "2: b");
    queue.refuse(2, "NOAUTH");
    EXPECT_THAT(answers(queue), ElementsAre("2: unknown"));
}

TEST(AppendQueue, AReplyOfAnotherLengthIsUnknown) {
    for (const std::size_t count : {0U, 1U, 3U}) {
        AppendQueue queue{bounds()};
        queue.add(1, items({"a", "b"}), 0);
        ASSERT_EQ(next(queue), "1: a b");
        queue.replied(1, results(count));
        EXPECT_THAT(answers(queue), ElementsAre("1: unknown unknown"));
        EXPECT_EQ(queue.waiting_items(), 0U);
    }
}

TEST(AppendQueue, TooFewReplicasAreToldOnce) {
    AppendQueue queue{bounds()};
    queue.add(1, items({"a"}), 0);
    ASSERT_EQ(next(queue), "1: a");
    queue.replied(1, results(1));
    queue.unconfirmed(1);
    queue.unconfirmed(1);
    queue.settle(1);
    queue.refuse(9, "no such call");
    EXPECT_THAT(answers(queue), ElementsAre("1: unconfirmed"));
}

TEST(AppendQueue, TheEndAnswersEverybody) {
    AppendQueue queue{bounds()};
    queue.add(1, items({"a", "b", "c", "d"}), 0);
    queue.add(2, items({"e", "f", "g"}), 0);
    ASSERT_EQ(next(queue), "1: a b c");
    ASSERT_EQ(next(queue), "2: d e f");
    queue.replied(1, results(3));
    queue.postpone(2);
    queue.close();
    EXPECT_THAT(answers(queue), ElementsAre("1: unconfirmed unconfirmed unconfirmed not_sent",
                                            "2: not_sent not_sent not_sent"));
    EXPECT_TRUE(queue.idle());
    EXPECT_EQ(next(queue), "");
    EXPECT_EQ(queue.waiting_items(), 0U);
}

}  // namespace
}  // namespace tidings::redis
