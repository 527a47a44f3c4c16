// Cursors as clients spell them, and replays beside live streams: C-24 to C-28, C-30.
#include "live/hub_probe.hpp"

namespace tidings::test {
namespace {

std::string numbers_of(const LiveStream& stream) {
    std::string numbers;
    for (const auto& event : stream.items()) numbers += std::to_string(number_in(event.data, "n"));
    return numbers;
}

// The events 0 to 5 for ann; their ids.
std::vector<std::string> publish_six(const LiveHub& hub) {
    HttpClient publisher{hub.port(), hub.publisher()};
    std::vector<std::string> ids;
    for (std::uint64_t n = 0; n < 6; ++n)
        ids.push_back(publisher.publish(item_json(type_alpha, to_user("ann"), n)));
    return ids;
}

TEST(Conformance, C24_EverySpellingOfACursorCountsAndTheFieldWins) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    const auto ids = publish_six(hub);
    const auto token = hub.reader("ann");
    struct Row {
        std::string query;
        Fields fields;
        std::string numbers;
    };
    const std::vector<Row> rows{
        {"", {{"Last-Event-ID", ids[3]}}, "45"},
        {"", {{"last-event-id", ids[4]}}, "5"},
        {"last_event_id=" + ids[2], {}, "345"},
        {"lastEventId=" + ids[1], {}, "2345"},
        {"Last-Event-ID=" + ids[0], {}, "12345"},
        {"from=" + ids[4], {}, "5"},
        {"last_event_id=" + ids[1] + "&lastEventId=" + ids[0] + "&from=earliest", {}, "2345"},
        {"last_event_id=" + ids[1] + "&from=now", {{"Last-Event-ID", ids[4]}}, "5"},
        {"last_event_id=" + ids[1] + "&last_event_id=", {{"Last-Event-ID", ""}}, "2345"},
        {"last_event_id=&from=earliest", {}, "012345"},
        {"last_event_id=", {}, ""},
        {"", {{"Last-Event-ID", ids[5]}}, ""},
    };
    for (const auto& row : rows) {
        LiveStream stream{hub.port(), {.token = token, .query = row.query, .fields = row.fields}};
        ASSERT_TRUE(stream.read_until_live()) << row.query;
        EXPECT_EQ(numbers_of(stream), row.numbers) << row.query;
        EXPECT_EQ(stream.count("tidings.gap"), 0U) << row.query;
        EXPECT_EQ(number_in(stream.events().back().data, "replayed"),
                  static_cast<std::int64_t>(row.numbers.size()));
    }
}

TEST(Conformance, C24_C26_ACursorThatIsNoneIsAGapAndNeverAnError) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    publish_six(hub);
    const auto token = hub.reader("ann");
    const std::vector<std::string> cursors{"x",
                                           "123e4567-e89b-42d3-a456-426614174000",
                                           "00000000-0000-0000-0000-000000000000",
                                           std::string(5000, 'a'),
                                           "a b",
                                           "../../etc",
                                           "\xff\xfe",
                                           "1700000000000-0",
                                           "$",
                                           "0"};
    for (const auto& cursor : cursors) {
        LiveStream live{hub.port(), {.token = token, .cursor = cursor}};
        ASSERT_EQ(live.status(), 200) << cursor;
        ASSERT_TRUE(live.read_until_live()) << cursor;
        EXPECT_EQ(live.events().front().type, "tidings.gap") << cursor;
        EXPECT_EQ(string_in(live.events().front().data, "reason"), "unknown_id") << cursor;
        EXPECT_EQ(numbers_of(live), "") << cursor;
        LiveStream replay{hub.port(), {.token = token, .query = "on_gap=replay", .cursor = cursor}};
        ASSERT_TRUE(replay.read_until_live()) << cursor;
        EXPECT_EQ(replay.events().front().type, "tidings.gap") << cursor;
        EXPECT_EQ(numbers_of(replay), "012345") << cursor;
        // The gap's id is a place to return to that loses nothing more.
        LiveStream back{hub.port(), {.token = token, .cursor = replay.events().front().id}};
        ASSERT_TRUE(back.read_until_live());
        EXPECT_EQ(numbers_of(back), "012345") << cursor;
        EXPECT_EQ(back.count("tidings.gap"), 0U) << cursor;
    }
    for (const auto* query : {"from=%ff", "lastEventId=%00", "last_event_id=a%0d%0ab", "from=%zz"}) {
        LiveStream stream{hub.port(), {.token = token, .query = query}};
        ASSERT_TRUE(stream.read_until_live()) << query;
        EXPECT_EQ(stream.count("tidings.gap"), 1U) << query;
    }
}

TEST(Conformance, C25_EveryKnownIdResumesExactlyBehindItWhilePublishingGoesOn) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    const auto token = hub.reader("ann");
    std::vector<std::string> ids;
    std::uint64_t n = 0;
    const auto publish_some = [&] {
        for (int i = 0; i < 3; ++i) {
            const bool to_all = n % 2 == 1;
            ids.push_back(publisher.publish(
                item_json(type_alpha, to_all ? std::string{to_everybody} : to_user("ann"), n++)));
        }
    };
    for (int round = 0; round < 20; ++round) publish_some();
    for (std::size_t from = 0; from < 60; from += 7) {
        LiveStream stream{hub.port(), {.token = token, .cursor = ids[from]}};
        publish_some();  // while it replays
        ASSERT_TRUE(stream.read_until_event(type_alpha, ids.size() - from - 1));
        const auto items = stream.items();
        ASSERT_EQ(items.size(), ids.size() - from - 1);
        for (std::size_t i = 0; i < items.size(); ++i) EXPECT_EQ(items[i].id, ids[from + 1 + i]);
        EXPECT_EQ(stream.count("tidings.gap"), 0U);
    }
}

TEST(Conformance, C27_EarliestIsAllThatIsRetainedAndNowIsNothingOfIt) {
    LiveHub hub{LiveStore::memory, {{"store.retention.user.events", "4"}}};
    ASSERT_TRUE(hub.start());
    publish_six(hub);
    const auto token = hub.reader("ann");
    for (const auto& [query, numbers] : {std::pair{"from=earliest", "2345"}, {"from=now", ""}, {"", ""}}) {
        LiveStream stream{hub.port(), {.token = token, .query = query}};
        ASSERT_TRUE(stream.read_until_live());
        EXPECT_EQ(numbers_of(stream), numbers) << query;
        EXPECT_EQ(stream.count("tidings.gap"), 0U) << query;
    }
}

TEST(Conformance, C28_C47_ReplayShowsNothingThatTheCredentialDoesNotGrantNow) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    const auto secret = publisher.publish(item_json(type_alpha, to_topic("secret"), 1));
    const auto bobs = publisher.publish(item_json(type_alpha, to_user("bob"), 2));
    const auto anns = publisher.publish(item_json(type_alpha, to_user("ann"), 3));
    ASSERT_NE(anns, "");
    ASSERT_NE(publisher.publish(item_json(type_alpha, to_topic("user:bob"), 4)), "");

    // The grant is gone: the old topic is refused, and without it nothing of it comes back.
    const auto shrunk = hub.reader("ann");
    expect_problem(
        (LiveStream{hub.port(), {.token = shrunk, .query = "topics=secret", .cursor = secret}}.answer()), 403,
        "forbidden");
    for (const auto& cursor : {secret, bobs}) {
        LiveStream stream{hub.port(), {.token = shrunk, .cursor = cursor}};
        ASSERT_TRUE(stream.read_until_live());
        EXPECT_EQ(numbers_of(stream), "3");
    }
    // No name, wildcard or parameter reaches another user's log.
    const auto wide = hub.reader("ann", {"*"});
    LiveStream every{hub.port(), {.token = wide, .query = "topics=secret,user:bob,*&from=earliest"}};
    EXPECT_EQ(every.status(), 400) << "a subscription names topics, not patterns";
    LiveStream named{hub.port(), {.token = wide, .query = "topics=secret,user:bob&from=earliest"}};
    ASSERT_TRUE(named.read_until_live());
    EXPECT_EQ(numbers_of(named), "134") << "topic user:bob is a topic, not the user";
    for (const auto* query :
         {"user_id=bob", "users=bob", "user=bob", "audience=user:bob", "audiences=user:bob"}) {
        EXPECT_EQ((LiveStream{hub.port(), {.token = wide, .query = query}}.status()), 400) << query;
    }
    // Everybody hears a broadcast, whatever they were granted.
    ASSERT_NE(publisher.publish(item_json(type_beta, to_everybody, 5)), "");
    EXPECT_TRUE(named.read_until_event(type_beta));
}

TEST(Conformance, C30_AThousandReplayingClientsDoNotStarveLiveDelivery) {
    constexpr std::size_t readers = 1000;
    constexpr std::size_t kept = 200;
    constexpr std::size_t live_events = 100;
    LiveHub hub{LiveStore::memory, {{"server.limits.streams_per_user", "2000"}}};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    std::string body;
    for (std::size_t n = 0; n < kept; ++n)
        body += item_json(type_alpha, to_user("ann"), n, {}, std::string(80, 'x')) + "\n";
    ASSERT_EQ(publisher.post("/api/v1/events", body, {{"Content-Type", "application/x-ndjson"}}).status, 200);
    LiveStream live{hub.port(), {.token = hub.reader("ann")}};
    ASSERT_TRUE(live.read_until_live());

    const auto token = hub.reader("ann");
    std::vector<LiveStream> replaying;
    replaying.reserve(readers);
    for (std::size_t i = 0; i < readers; ++i) {
        // A small buffer, and nobody reads: the replay stands half-way, under backpressure.
        replaying.emplace_back(hub.port(),
                               StreamAsk{.token = token, .query = "from=earliest", .receive_buffer = 4096});
        ASSERT_EQ(replaying.back().status(), 200);
        if (i % 10 == 9) {
            ASSERT_NE(publisher.publish(item_json(type_beta, to_user("ann"), i / 10)), "");
        }
    }
    ASSERT_TRUE(live.read_until_event(type_beta, live_events)) << "while nobody of the thousand has read";
    const auto items = live.items();
    ASSERT_EQ(items.size(), live_events);
    for (std::size_t i = 0; i < live_events; ++i)
        EXPECT_EQ(number_in(items[i].data, "n"), static_cast<std::int64_t>(i));

    for (auto& stream : replaying) {
        ASSERT_TRUE(stream.read_until([&] { return stream.count(type_beta) == live_events; }));
        EXPECT_EQ(stream.count(type_alpha), kept);
        EXPECT_EQ(stream.count("tidings.gap"), 0U);
        stream.cut();
    }
}

}  // namespace
}  // namespace tidings::test
