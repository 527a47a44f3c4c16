// P-4: categories filter live and replay alike, and a stream that receives nothing stays resumable. P-5: what
// is another's never appears.

#include <gtest/gtest.h>

#include <algorithm>

#include "live/eventually.hpp"
#include "live/live_client.hpp"
#include "live/live_hub.hpp"

namespace tidings::test {
namespace {

using Numbers = std::vector<std::int64_t>;

Numbers numbers_of(const LiveStream& stream) {
    Numbers numbers;
    for (const auto& event : stream.items()) numbers.push_back(number_in(event.data, "n"));
    return numbers;
}

std::string must_publish(HttpClient& publisher, std::string_view type, std::string_view audience,
                         std::uint64_t n, std::string_view from = {}) {
    std::string id = publisher.publish(item_json(type, audience, n, from));
    EXPECT_FALSE(id.empty()) << publisher.last().status << " " << publisher.last().body;
    return id;
}

// Even numbers are alpha, odd ones beta; the last is an alpha that everybody may see.
std::string publish_mixed(HttpClient& publisher, std::uint64_t from) {
    const std::vector<std::string> audiences{to_user("ann"), to_topic("room"), std::string{to_everybody}};
    for (std::uint64_t n = from; n < from + 12; ++n) {
        must_publish(publisher, n % 2 == 0 ? type_alpha : type_beta, audiences[n % 3], n);
    }
    return must_publish(publisher, type_alpha, to_user("ann"), from + 12);
}

class FiltersOn : public ::testing::TestWithParam<LiveStore> {};

TEST_P(FiltersOn, P4_CategoriesFilterLiveAndReplayOfEveryAudienceAlike) {
    LiveHub hub{GetParam()};
    ASSERT_TRUE(hub.start());
    const std::string token = hub.reader("ann", {"room"});
    const std::string base = "topics=room&categories=";
    LiveStream alphas{hub.port(), {token, base + "alpha"}};
    LiveStream both{hub.port(), {token, base + "beta,alpha"}};
    LiveStream none{hub.port(), {token, base + "gamma"}};
    for (auto* stream : {&alphas, &both, &none}) ASSERT_TRUE(stream->read_until_live());
    const std::string alpha_cursor = alphas.last_id();
    HttpClient publisher{hub.port(), hub.publisher()};
    publish_mixed(publisher, 0);
    must_publish(publisher, type_drop, to_everybody, 99);
    ASSERT_TRUE(alphas.read_until([&] { return alphas.items().size() >= 7; }));
    ASSERT_TRUE(both.read_until([&] { return both.items().size() >= 13; }));
    ASSERT_TRUE(none.read_until_event(type_drop));
    EXPECT_EQ(numbers_of(alphas), (Numbers{0, 2, 4, 6, 8, 10, 12}));
    EXPECT_EQ(numbers_of(both), (Numbers{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
    EXPECT_EQ(numbers_of(none), (Numbers{99}));

    LiveStream replayed{hub.port(), {token, base + "alpha", alpha_cursor}};
    ASSERT_TRUE(replayed.read_until_live());
    EXPECT_EQ(numbers_of(replayed), numbers_of(alphas));
    LiveStream betas{hub.port(), {token, base + "beta", alpha_cursor}};
    ASSERT_TRUE(betas.read_until_live());
    EXPECT_EQ(numbers_of(betas), (Numbers{1, 3, 5, 7, 9, 11}));
}

TEST_P(FiltersOn, P4_UnknownCategoriesAreIgnoredWithACursorAndNeverBecomeEverything) {
    LiveHub hub{GetParam()};
    ASSERT_TRUE(hub.start());
    const std::string token = hub.reader("ann", {"room"});
    HttpClient publisher{hub.port(), hub.publisher()};
    const auto first = must_publish(publisher, type_alpha, to_user("ann"), 100);
    publish_mixed(publisher, 0);
    LiveStream some{hub.port(), {token, "topics=room&categories=beta,removed", first}};
    ASSERT_TRUE(some.read_until_live());
    EXPECT_EQ(numbers_of(some), (Numbers{1, 3, 5, 7, 9, 11}));
    EXPECT_NE(some.events().back().data.find("\"removed\""), std::string::npos);
    LiveStream none{hub.port(), {token, "topics=room&categories=removed", first}};
    ASSERT_TRUE(none.read_until_live());
    EXPECT_EQ(numbers_of(none), Numbers{});
    must_publish(publisher, type_alpha, to_user("ann"), 101);
    LiveStream witness{hub.port(), {token, "from=earliest"}};
    ASSERT_TRUE(witness.read_until([&] {
        const auto seen = numbers_of(witness);
        return !seen.empty() && seen.back() == 101;
    }));
    none.read(std::chrono::milliseconds{50});
    EXPECT_EQ(numbers_of(none), Numbers{});
    LiveStream refused{hub.port(), {token, "topics=room&categories=removed"}};
    EXPECT_EQ(refused.status(), 400);
}

// Retention dies within a second; what keeps the cursor fresh are checkpoints. Another reader's events keep
// the clock going meanwhile.
TEST_P(FiltersOn, P4_AStreamThatReceivesNothingForLongResumesWithoutAGap) {
    LiveHub hub{GetParam(),
                {{"store.retention.user.age", "\"2s\""},
                 {"store.retention.broadcast.age", "\"2s\""},
                 {"store.retention.topic.age", "\"2s\""}}};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    const std::string token = hub.reader("ann");
    LiveStream filtered{hub.port(), {token, "categories=beta"}};
    LiveStream quiet{hub.port(), {hub.reader("carl")}};
    ASSERT_TRUE(filtered.read_until_live());
    ASSERT_TRUE(quiet.read_until_live());
    const std::string at_first = filtered.last_id();
    std::uint64_t n = 0;
    // As many checkpoints as make four fifths of a second lifetime and more.
    const auto both_have = [&](std::size_t count) {
        must_publish(publisher, type_alpha, to_user("ann"), n++);
        filtered.read(std::chrono::milliseconds{20});
        quiet.read(std::chrono::milliseconds{20});
        return filtered.count("tidings.checkpoint") >= count && quiet.count("tidings.checkpoint") >= count;
    };
    ASSERT_TRUE(eventually([&] { return both_have(7); }));
    EXPECT_TRUE(filtered.items().empty());
    EXPECT_GT(filtered.last_id(), at_first);
    const std::string filtered_cursor = filtered.last_id();
    const std::string quiet_cursor = quiet.last_id();
    filtered.cut();
    quiet.cut();
    must_publish(publisher, type_beta, to_user("ann"), 1000);
    must_publish(publisher, type_alpha, to_user("carl"), 1001);
    LiveStream again{hub.port(), {token, "categories=beta", filtered_cursor}};
    ASSERT_TRUE(again.read_until_live());
    EXPECT_EQ(again.count("tidings.gap"), 0U) << again.text();
    EXPECT_EQ(numbers_of(again), (Numbers{1000}));
    LiveStream carl{hub.port(), {hub.reader("carl"), "", quiet_cursor}};
    ASSERT_TRUE(carl.read_until_live());
    EXPECT_EQ(carl.count("tidings.gap"), 0U) << carl.text();
    EXPECT_EQ(numbers_of(carl), (Numbers{1001}));
}

// Everything that is not ann's carries this mark.
constexpr std::string_view mark = "not-for-ann";

void publish_for_others(HttpClient& publisher) {
    must_publish(publisher, type_alpha, to_user("bob"), 666, mark);
    must_publish(publisher, type_alpha, to_user("ann2"), 666, mark);
    must_publish(publisher, type_alpha, to_user("an"), 666, mark);
    must_publish(publisher, type_alpha, to_user("Ann"), 666, mark);
    must_publish(publisher, type_drop, to_topic("secret"), 666, mark);
    must_publish(publisher, type_beta, to_topic("ann"), 666, mark);
}

TEST_P(FiltersOn, P5_EventsOfOthersNeverAppearWhateverTheCursor) {
    LiveHub hub{GetParam()};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    const auto of_bob = must_publish(publisher, type_alpha, to_user("bob"), 666, mark);
    publish_for_others(publisher);
    const auto own = must_publish(publisher, type_alpha, to_user("ann"), 1);
    publish_for_others(publisher);
    const auto last_of_bob = must_publish(publisher, type_alpha, to_user("bob"), 666, mark);
    const std::string token = hub.reader("ann", {"room"});
    std::vector<std::unique_ptr<LiveStream>> streams;
    for (const std::string query : {"", "from=earliest", "topics=room&from=earliest", "categories=alpha",
                                    "from=garbage&on_gap=replay", "topics=room&audiences=topics"}) {
        for (const std::string& cursor : {std::string{}, of_bob, last_of_bob, own}) {
            streams.push_back(std::make_unique<LiveStream>(hub.port(), StreamAsk{token, query, cursor}));
            ASSERT_TRUE(streams.back()->read_until_live()) << query << " " << streams.back()->status();
        }
    }
    publish_for_others(publisher);
    const auto end = must_publish(publisher, type_alpha, to_everybody, 2);
    must_publish(publisher, type_alpha, to_topic("room"), 3);
    for (const auto& stream : streams) {
        const auto seen = [&] { return numbers_of(*stream); };
        stream->read_until([&] { return !seen().empty() && seen().back() >= 2; });
        EXPECT_EQ(stream->text().find(mark), std::string::npos) << stream->text();
        EXPECT_EQ(stream->text().find("666"), std::string::npos);
    }
    // Another's id is a place in the order and nothing more: no gap, nothing told.
    LiveStream by_other{hub.port(), {token, "", of_bob}};
    ASSERT_TRUE(by_other.read_until(
        [&] { return by_other.last_id() >= end && by_other.count("tidings.caught_up") > 0; }));
    EXPECT_EQ(by_other.count("tidings.gap"), 0U);
    EXPECT_EQ(numbers_of(by_other), (Numbers{1, 2}));
}

// What a control event says is the same whether others received anything or not.
TEST_P(FiltersOn, P5_ControlEventsSayNothingOfOthers) {
    LiveHub hub{GetParam(), {{"store.retention.user.events", "2"}}};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    const auto start = must_publish(publisher, type_alpha, to_user("bob"), 0, mark);
    for (std::uint64_t n = 0; n < 20; ++n) must_publish(publisher, type_alpha, to_user("bob"), n, mark);
    LiveStream resumed{hub.port(), {hub.reader("ann"), "", start}};
    ASSERT_TRUE(resumed.read_until_live());
    ASSERT_EQ(resumed.events().size(), 1U) << "bob's trimmed log is not ann's gap";
    EXPECT_EQ(resumed.events()[0].data, R"({"replayed":0,"ignored_categories":[]})");
    LiveStream gap{hub.port(), {hub.reader("ann"), "on_gap=replay", "garbage"}};
    ASSERT_TRUE(gap.read_until_live());
    ASSERT_EQ(gap.events().size(), 2U);
    EXPECT_EQ(gap.events()[0].data, R"({"reason":"unknown_id"})");
    EXPECT_EQ(gap.events()[1].data, R"({"replayed":0,"ignored_categories":[]})");
}

INSTANTIATE_TEST_SUITE_P(Promise, FiltersOn,
                         ::testing::Values(LiveStore::memory, LiveStore::lmdb, LiveStore::redis),
                         [](const auto& instance) { return std::string{name_of(instance.param)}; });

TEST(Promise, P5_OnlyGrantedTopicsMayBeRead) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    const auto status = [&](const std::string& token, const std::string& query) {
        return LiveStream{hub.port(), {token, query}}.status();
    };
    const std::string room = hub.reader("ann", {"room"});
    EXPECT_EQ(status(room, "topics=room"), 200);
    EXPECT_EQ(status(room, "topics=room,secret"), 403);
    EXPECT_EQ(status(room, "topics=roo"), 403);
    EXPECT_EQ(status(room, "topics=room2"), 403);
    EXPECT_EQ(status(room, "topics=ROOM"), 403);
    EXPECT_NE(status(room, "topics=*"), 200);
    EXPECT_NE(status(room, "topics=room*"), 200);
    EXPECT_EQ(status(hub.reader("ann"), "topics=room"), 403);
    const std::string wild = hub.reader("ann", {"team-*"});
    EXPECT_EQ(status(wild, "topics=team-1,team-2"), 200);
    EXPECT_EQ(status(wild, "topics=team"), 403);
    EXPECT_EQ(status(wild, "topics=team-1,other"), 403);
    // The right to publish is none to read.
    EXPECT_EQ(status(hub.publisher(), "topics=room"), 403);
}

TEST(Promise, P5_WrongTokensReceiveNothing) {
    LiveHub hub;
    LiveHub other;
    ASSERT_TRUE(hub.start());
    const std::string good = hub.reader("ann");
    std::string broken = good;
    broken[broken.size() - 5] = broken[broken.size() - 5] == 'A' ? 'B' : 'A';
    TokenWish late;
    late.user = "ann";
    late.expires = std::chrono::seconds{-10};
    const auto none_end = good.substr(0, good.rfind('.') + 1);
    for (const auto& token :
         {std::string{}, std::string{"x"}, broken, other.reader("ann"), hub.token(late), none_end}) {
        LiveStream stream{hub.port(), {token, "from=earliest"}};
        EXPECT_EQ(stream.status(), 401);
        EXPECT_TRUE(stream.answer().field("WWW-Authenticate").has_value());
        EXPECT_TRUE(stream.text().empty());
    }
}

}  // namespace
}  // namespace tidings::test
