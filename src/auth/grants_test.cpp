#include "auth/grants.hpp"

#include <gtest/gtest.h>

namespace tidings::auth {
namespace {

GrantList grants(const std::vector<std::string>& list, std::string_view name_space = {}) {
    return GrantList::parse(list, name_space).value();
}

Audience user(std::string_view id) { return Audience::user(UserId::parse(id).value()); }
Audience topic(std::string_view name) { return Audience::topic(name).value(); }

TEST(GrantList, C47_NothingIsGrantedUnlessItIsSaid) {
    const GrantList none;
    EXPECT_TRUE(none.empty());
    EXPECT_FALSE(none.allows(Audience::broadcast()));
    EXPECT_FALSE(none.allows(user("a")));
    EXPECT_FALSE(none.allows(topic("a")));
    EXPECT_FALSE(none.allows_domain("A"));
}

TEST(GrantList, C47_AWildcardStaysWithinItsKind) {
    const auto users = grants({"user:*"});
    EXPECT_TRUE(users.allows(user("anyone")));
    EXPECT_FALSE(users.allows(topic("anyone")));
    EXPECT_FALSE(users.allows(Audience::broadcast()));
    EXPECT_FALSE(users.allows_domain("anyone"));
    const auto topics = grants({"topic:job/*"});
    EXPECT_TRUE(topics.allows(topic("job/1")));
    EXPECT_FALSE(topics.allows(topic("job")));
    EXPECT_FALSE(topics.allows(user("job")));
    EXPECT_FALSE(grants({"broadcast"}).allows(user("a")));
    EXPECT_TRUE(grants({"broadcast"}).allows(Audience::broadcast()));
    EXPECT_TRUE(grants({"domain:Account*"}).allows_domain("AccountSyncFailed"));
    EXPECT_FALSE(grants({"domain:Account*"}).allows_domain("FileImported"));
}

TEST(GrantList, AStarGrantsEverything) {
    const auto all = grants({"*"});
    EXPECT_TRUE(all.allows(user("a")));
    EXPECT_TRUE(all.allows(topic("a")));
    EXPECT_TRUE(all.allows(Audience::broadcast()));
    EXPECT_TRUE(all.allows_domain("A"));
}

TEST(GrantList, ComparesUserIdsInCanonicalForm) {
    const auto one = grants({"user:C232AB00-9414-11EC-B3C8-9F6BDECED846"});
    EXPECT_TRUE(one.allows(user("c232ab00-9414-11ec-b3c8-9f6bdeced846")));
    EXPECT_FALSE(one.allows(user("c232ab00-9414-11ec-b3c8-9f6bdeced847")));
    EXPECT_FALSE(grants({"user:alice"}).allows(user("alice2")));
}

TEST(GrantList, C47_UsersOfDifferentIssuersNeverMeet) {
    for (const auto* grant : {"*", "user:*", "user:alice"}) {
        const auto first = grants({grant}, "one");
        EXPECT_TRUE(first.allows(user("one!alice"))) << grant;
        EXPECT_FALSE(first.allows(user("two!alice"))) << grant;
        EXPECT_FALSE(first.allows(user("alice"))) << grant;
        const auto unnamed = grants({grant});
        EXPECT_TRUE(unnamed.allows(user("alice"))) << grant;
        EXPECT_FALSE(unnamed.allows(user("one!alice"))) << grant;
    }
    EXPECT_FALSE(grants({"user:o*"}).allows(user("one!alice")));
    EXPECT_FALSE(GrantList::parse({"user:two!alice"}, "one"));
    EXPECT_FALSE(GrantList::parse({"user:two!*"}));
}

TEST(GrantList, RefusesWhatIsNoGrantAndSaysWhichOne) {
    for (const auto* text : {"", "**", "user", "user:", "user:a b", "topic:", "topic:a b", "topic:a*b",
                             "topic:**", "domain:", "broadcast*", "broadcast:", "tenant:a", "User:a",
                             "user:*a", "*:a", "topic:\n*", "domain:\xc3\xa9"}) {
        EXPECT_FALSE(GrantList::parse({text})) << text;
    }
    EXPECT_EQ(GrantList::parse({"broadcast", "x"}).error().detail.substr(0, 7), "grant 2");
    EXPECT_FALSE(GrantList::parse(std::vector<std::string>(257, "broadcast")));
    EXPECT_FALSE(GrantList::parse({"topic:" + std::string(300, 'x') + "*"}));
}

TEST(Grants, C47_SubscribingOpensTopicsAndNothingElse) {
    Grants all;
    all.publish = grants({"*"});
    EXPECT_FALSE(all.allows_subscribe("a"));
    all.subscribe = grants({"topic:a*", "user:*"});
    EXPECT_TRUE(all.allows_subscribe("ab"));
    EXPECT_FALSE(all.allows_subscribe("b"));
    EXPECT_TRUE(all.allows_publish(user("a")));
    EXPECT_TRUE(all.allows_domain("A"));
}

}  // namespace
}  // namespace tidings::auth
