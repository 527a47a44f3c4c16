#include "redis/page_share.hpp"

#include <gtest/gtest.h>

namespace tidings::redis {
namespace {

const Audience ann{Audience::Kind::user, "ann"};
const Audience bob{Audience::Kind::user, "bob"};
const Audience everybody{};
constexpr Position cursor{1, 100, 0};
constexpr Position bound{1, 200, 0};

ReadRequest request_of(std::vector<Audience> audiences, Position after = cursor, Position until = bound) {
    ReadRequest request;
    for (auto& audience : audiences) request.logs.push_back({std::move(audience), after});
    request.bound = until;
    return request;
}

LogPage page_of(const Audience& audience, std::string data = "{}") {
    LogPage page;
    page.audience = audience;
    Entry entry;
    entry.audience = audience;
    entry.data = std::move(data);
    page.entries.push_back(entry);
    return page;
}

TEST(PageShare, ALogOfManyIsReadOnceAndAUsersOwnByEach) {
    PageShare share;
    EXPECT_EQ(share.begin(1, request_of({ann, everybody})).logs.size(), 2U);
    const auto second = share.begin(2, request_of({bob, everybody}));
    ASSERT_EQ(second.logs.size(), 1U);
    EXPECT_EQ(second.logs[0].audience, bob);
    share.arrived(2, {page_of(bob)});
    EXPECT_TRUE(share.finished().empty()) << "the broadcast's page is on its way";
    share.arrived(1, {page_of(ann), page_of(everybody, "1")});
    const auto done = share.finished();
    ASSERT_EQ(done.size(), 2U);
    for (const auto& one : done) EXPECT_EQ(one.pages->at(1).entries.at(0).data, "1");
    EXPECT_EQ(done[0].pages->at(0).audience, bob);
    EXPECT_EQ(done[1].pages->at(0).audience, ann);
}

TEST(PageShare, APageIsKeptForThoseWhoComeLater) {
    PageShare share;
    share.begin(1, request_of({everybody}));
    share.arrived(1, {page_of(everybody)});
    share.finished();
    EXPECT_TRUE(share.begin(2, request_of({everybody})).logs.empty());
    EXPECT_EQ(share.finished().at(0).read, 2U);
    EXPECT_EQ(share.shared(), 1U);
    EXPECT_FALSE(share.begin(3, request_of({everybody}, {1, 101, 0})).logs.empty()) << "from elsewhere";
    EXPECT_FALSE(share.begin(4, request_of({everybody}, cursor, {1, 300, 0})).logs.empty())
        << "a later bound";
}

TEST(PageShare, WhoWaitedForAReadThatFailsFailsToo) {
    PageShare share;
    share.begin(1, request_of({everybody}));
    share.begin(2, request_of({everybody}));
    share.begin(3, request_of({ann}));
    share.failed(1, Errc::store_unavailable);
    const auto done = share.finished();
    ASSERT_EQ(done.size(), 2U);
    for (const auto& one : done) EXPECT_EQ(one.pages.error().code, Errc::store_unavailable);
    EXPECT_EQ(share.begin(4, request_of({everybody})).logs.size(), 1U) << "then it is read anew";
}

TEST(PageShare, WhatAReadAskedForServesOthersAlsoWhenItHasFailedItself) {
    const Audience room{Audience::Kind::topic, "room"};
    PageShare share;
    share.begin(1, request_of({ann, everybody}));
    share.begin(2, request_of({everybody, room}));  // waits for the first, and asks for the room
    share.begin(3, request_of({room}));             // waits for the second
    share.failed(1, Errc::store_unavailable);
    EXPECT_EQ(share.finished().size(), 2U) << "the first and the second";
    share.arrived(2, {page_of(room)});
    const auto done = share.finished();
    ASSERT_EQ(done.size(), 1U);
    EXPECT_EQ(done[0].read, 3U);
    EXPECT_TRUE(done[0].pages);
}

TEST(PageShare, P6_KeepsNoMoreThanItMay) {
    PageShare share{10'000};
    for (std::uint64_t i = 0; i < 50; ++i) {
        share.begin(i, request_of({everybody}, {1, i, 0}));
        share.arrived(i, {page_of(everybody, std::string(1'000, 'x'))});
    }
    EXPECT_EQ(share.finished().size(), 50U);
    EXPECT_FALSE(share.begin(90, request_of({everybody}, {1, 49, 0})).logs.empty());
    share.failed(90, Errc::cancelled);
    // Those of a bound that is over give their room back.
    share.begin(91, request_of({ann}, cursor, {1, 300, 0}));
    share.begin(92, request_of({ann}, cursor, {1, 301, 0}));
    share.begin(93, request_of({everybody}, cursor, {1, 301, 0}));
    share.arrived(93, {page_of(everybody)});
    EXPECT_TRUE(share.begin(94, request_of({everybody}, cursor, {1, 301, 0})).logs.empty());
}

TEST(PageShare, AnotherTermForgetsWhatWasKept) {
    PageShare share;
    share.begin(1, request_of({everybody}));
    share.arrived(1, {page_of(everybody)});
    share.clear();
    EXPECT_FALSE(share.begin(2, request_of({everybody})).logs.empty());
}

}  // namespace
}  // namespace tidings::redis
