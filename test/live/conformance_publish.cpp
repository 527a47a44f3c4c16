// What a publisher may say and how it is answered: C-11 to C-14, C-17, C-39, C-62, C-66, and every bad input.
#include <array>
#include <cstdio>

#include "live/hub_probe.hpp"

namespace tidings::test {
namespace {

constexpr std::string_view events = "/api/v1/events";
constexpr std::string_view domain_events = "/api/v1/domain-events";

struct BadBody {
    std::string what;
    std::string body;
    std::string problem;
    int status = 400;
};

std::string with(std::string_view from, std::string_view to) {
    std::string text = item_json(type_alpha, to_user("ann"), 1, "x", "y");
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

std::vector<BadBody> bad_json() {
    const std::string deep(100'000, '[');
    return {
        {"nothing", "", "invalid-json"},
        {"half an object", with("}}", "}"), "invalid-json"},
        {"more than one value", with("}}", "}} x"), "invalid-json"},
        {"NaN", with(":1,", ":NaN,"), "invalid-json"},
        {"Infinity", with(":1,", ":-Infinity,"), "invalid-json"},
        {"a leading zero", with(":1,", ":01,"), "invalid-json"},
        {"a comment", with(":1,", ":1/**/,"), "invalid-json"},
        {"single quotes", with("\"y\"", "'y'"), "invalid-json"},
        {"not UTF-8", with("\"y\"", "\"\xff\""), "invalid-json"},
        {"an overlong form", with("\"y\"", "\"\xc0\x80\""), "invalid-json"},
        {"a surrogate in UTF-8", with("\"y\"", "\"\xed\xa0\x80\""), "invalid-json"},
        {"a raw line feed in a string", with("\"y\"", "\"a\nb\""), "invalid-json"},
        {"a NUL", with("\"y\"", std::string_view{"\"\0\"", 3}), "invalid-json"},
        {"a byte order mark", "\xef\xbb\xbf" + with("\"y\"", "\"z\""), "invalid-json"},
        {"deeply nested data", with("\"y\"", std::string(200, '[') + std::string(200, ']')), "invalid-json"},
        {"nesting without an end", with("\"y\"", deep), "invalid-json"},
        {"a string", "\"x\"", "invalid-field"},
        {"a number", "1", "invalid-field"},
        {"a member twice", with("\"type\"", "\"type\":\"item.beta\",\"type\""), "invalid-field"}};
}

std::vector<BadBody> bad_names() {
    return {
        {"CR in a type", with("item.alpha", "item\\ralpha"), "invalid-field"},
        {"LF in a type", with("item.alpha", "item\\nalpha"), "invalid-field"},
        {"NUL in a type", with("item.alpha", "item\\u0000"), "invalid-field"},
        {"a bidi character in a type", with("item.alpha", "item\\u202ealpha"), "invalid-field"},
        {"an empty type", with("item.alpha", ""), "invalid-field"},
        {"a type that is too long", with("item.alpha", std::string(200, 'x')), "invalid-field"},
        {"a type that is no string", with("\"item.alpha\"", "1"), "invalid-field"},
        {"an unknown type", with("item.alpha", "item.gamma"), "unknown-type"},
        {"a name of the hub", with("item.alpha", "tidings.gap"), "reserved-name"},
        {"error", with("item.alpha", "error"), "reserved-name"},
        {"open", with("item.alpha", "open"), "reserved-name"},
        {"no type", with("\"type\":\"item.alpha\",", ""), "missing-field"},
        {"no audience", with("\"user_id\":\"ann\",", ""), "ambiguous-audience"},
        {"two audiences", with("\"user_id\"", "\"topic\":\"t\",\"user_id\""), "ambiguous-audience"},
        {"a user and everybody", with("\"user_id\"", "\"broadcast\":true,\"user_id\""), "ambiguous-audience"},
        {"broadcast: false", with("\"user_id\":\"ann\"", "\"broadcast\":false"), "invalid-field"},
        {"LF in a user", with("ann", "an\\nn"), "invalid-field"},
        {"a user None", with("\"ann\"", "null"), "invalid-field"},
        {"an empty user", with("ann", ""), "invalid-field"},
        {"another issuer's user", with("ann", "bank!ann"), "invalid-field"},
        {"no users", with("\"user_id\":\"ann\"", "\"user_ids\":[]"), "invalid-field"},
        {"NUL in a topic", with("\"user_id\":\"ann\"", "\"topic\":\"a\\u0000\""), "invalid-field"},
        {"a space in a topic", with("\"user_id\":\"ann\"", "\"topic\":\"a b\""), "invalid-field"}};
}

std::vector<BadBody> bad_members() {
    return {
        {"a retry", with("\"data\"", "\"retry\":1,\"data\""), "unknown-field"},
        {"an id", with("\"data\"", "\"id\":\"x\",\"data\""), "unknown-field"},
        {"a key without its policy", with("\"data\"", "\"key\":\"k\",\"data\""), "invalid-field"},
        {"a time that is none", with("\"data\"", "\"occurred_at\":\"now\",\"data\""), "invalid-field"},
        {"CR in an idempotency key", with("\"data\"", "\"idempotency_key\":\"a\\rb\",\"data\""),
         "invalid-field"},
        {"a long idempotency key",
         with("\"data\"", "\"idempotency_key\":\"" + std::string(300, 'k') + "\",\"data\""), "invalid-field"},
        {"a missing field", with("\"n\":1,", ""), "missing-field"},
        {"a field that is not declared", with("\"n\":1", "\"n\":1,\"m\":2"), "unknown-field"},
        {"a field of another type", with(":1,", ":\"1\","), "invalid-field"},
        {"a fraction for an integer", with(":1,", ":1.5,"), "invalid-field"},
        {"data that is no object", R"({"type":"item.alpha","user_id":"ann","data":[1]})", "invalid-field"},
        {"too much data", with("\"y\"", "\"" + std::string(70'000, 'y') + "\""), "event-too-large", 413}};
}

TEST(Conformance, C11_C12_C13_C14_C16_C17_C39_EveryBadPublishIsNamedAndChangesNothing) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    LiveStream stream{hub.port(), {.token = hub.reader("ann", {"t"}), .query = "topics=t"}};
    ASSERT_TRUE(stream.read_until_live());
    for (const auto& list : {bad_json(), bad_names(), bad_members()}) {
        for (const auto& bad : list) {
            const auto answer = publisher.post(events, bad.body);
            expect_problem(answer, bad.status, bad.problem, bad.what);
            EXPECT_NE(string_in(answer.body, "detail"), "") << bad.what;
            // The same as an item of a batch refuses that item alone.
            if (bad.problem == "invalid-json" || bad.status == 413) continue;
            const auto batch = publisher.post(events, "[" + bad.body + "]");
            EXPECT_EQ(batch.status, 200) << bad.what;
            EXPECT_TRUE(batch.body.starts_with("[{\"status\":" + std::to_string(bad.status))) << batch.body;
            EXPECT_EQ(string_in(batch.body, "type"), "urn:tidings:problem:" + bad.problem) << bad.what;
        }
    }
    EXPECT_EQ(metric(hub, "tidings_store_appends_total"), 0);
    ASSERT_NE(publisher.publish(item_json(type_alpha, to_user("ann"), 2)), "");
    ASSERT_TRUE(stream.read_until_event(type_alpha));
    EXPECT_EQ(number_in(stream.items().front().data, "n"), 2);
}

TEST(Conformance, C17_TheLimitOfAnEventIsExactAndABodyAboveItsLimitIsNotRead) {
    LiveHub hub{LiveStore::memory,
                {{"server.limits.event_bytes", "\"4KiB\""}, {"server.limits.request_bytes", "\"64KiB\""}}};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    const std::string least = R"({"n":1,"from":null,"pad":""})";
    const std::string most(4096 - least.size(), 'p');
    EXPECT_NE(publisher.publish(item_json(type_alpha, to_user("ann"), 1, {}, most)), "");
    EXPECT_EQ(publisher.publish(item_json(type_alpha, to_user("ann"), 1, {}, most + "p")), "");
    expect_problem(publisher.last(), 413, "event-too-large");
    const auto announced =
        exchange(hub.port(), "POST /api/v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " +
                                 hub.publisher() + "\r\nContent-Length: 65537\r\n\r\n");
    EXPECT_EQ(status_of(announced.bytes), 413) << announced.bytes;
    std::string chunks = "POST /api/v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " +
                         hub.publisher() + "\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 17; ++i) chunks += "1000\r\n" + std::string(4096, ' ') + "\r\n";
    const auto chunked = exchange(hub.port(), chunks);
    EXPECT_EQ(status_of(chunked.bytes), 413) << chunked.bytes;
    EXPECT_NE(chunked.bytes.find("request-too-large"), std::string::npos);
}

TEST(Conformance, C39_C62_AnArrayIsAnsweredItemByItemInOrder) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    LiveStream stream{hub.port(), {.token = hub.reader("ann", {"t"}), .query = "topics=t"}};
    LiveStream other{hub.port(), {.token = hub.reader("bob")}};
    ASSERT_TRUE(stream.read_until_live() && other.read_until_live());
    const auto answer = publisher.post(
        events,
        "[" + item_json(type_alpha, to_user("ann"), 1) + "," + item_json("item.none", to_user("ann"), 2) +
            ", 7 ,\n" + item_json(type_beta, R"("user_ids":["bob","ann","bob"])", 3) + "," +
            item_json(type_alpha, to_topic("t"), 4) + "," + item_json(type_passing, to_everybody, 5) + "]");
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(occurrences(answer.body, "\"status\":201"), 4U) << answer.body;
    EXPECT_EQ(occurrences(answer.body, "{\"status\":400,\"problem\":"), 2U) << answer.body;
    EXPECT_LT(answer.body.find("unknown-type"), answer.body.find("invalid-field"));
    EXPECT_TRUE(answer.body.ends_with("{\"status\":201,\"id\":null,\"ids\":[null]}]"))
        << "nothing is kept of it";
    ASSERT_TRUE(stream.read_until_event(type_passing) && other.read_until_event(type_passing));
    std::string numbers;
    for (const auto& event : stream.items()) numbers += std::to_string(number_in(event.data, "n"));
    EXPECT_EQ(numbers, "1345");
    numbers.clear();
    for (const auto& event : other.items()) numbers += std::to_string(number_in(event.data, "n"));
    EXPECT_EQ(numbers, "35") << "each user once";
    EXPECT_EQ(publisher.post(events, "[]").body, "[]");
    expect_problem(publisher.post(events, "[{]"), 400, "invalid-json");
}

TEST(Conformance, C39_AnEventForTooManyUsersAtOnceIsRefusedAlone) {
    LiveHub hub{LiveStore::memory, {{"server.limits.append_queue_bytes", "\"64KiB\""}}};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    std::string users = R"("user_ids":["u0")";
    for (int i = 1; i < 900; ++i) users += ",\"u" + std::to_string(i) + "\"";
    const std::string wide = item_json(type_alpha, users + "]", 1, {}, std::string(100, 'x'));
    const std::string narrow = item_json(type_alpha, to_user("ann"), 2);
    expect_problem(publisher.post(events, wide), 413, "request-too-large");
    const auto answer = publisher.post(events, "[" + narrow + "," + wide + "," + narrow + "]");
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(occurrences(answer.body, "\"status\":201"), 2U) << answer.body;
    EXPECT_EQ(occurrences(answer.body, "\"status\":413"), 2U) << "the item's, and its problem's own";
}

TEST(Conformance, C62_NdjsonIsAnsweredLineByLineWhileItIsRead) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    RawSocket socket{hub.port()};
    ASSERT_TRUE(socket.send("POST /api/v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " +
                            hub.publisher() +
                            "\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"));
    const auto send_chunk = [&](const std::string& text) {
        std::array<char, 32> size{};
        std::snprintf(size.data(), size.size(), "%zx\r\n", text.size());
        ASSERT_TRUE(socket.send(size.data() + text + "\r\n"));
    };
    const auto item = item_json(type_alpha, to_user("ann"), 1);
    send_chunk(item + "\r\n{bad\n\n" + item.substr(0, 20));
    // The first two lines are answered although the third is not whole and the body goes on.
    const auto first = read_past(socket, "invalid-json");
    EXPECT_EQ(status_of(first), 200) << first;
    EXPECT_EQ(occurrences(first, "\"status\":201"), 1U) << first;
    send_chunk(item.substr(20) + "\n" + std::string(200'000, 'x') + "\n" + item);
    ASSERT_TRUE(socket.send("0\r\n\r\n"));
    const auto rest = read_past(socket, "\r\n0\r\n\r\n");
    EXPECT_EQ(occurrences(rest, "\"status\":201"), 2U) << rest;
    EXPECT_EQ(occurrences(rest, "event-too-large"), 1U) << rest;
    EXPECT_EQ(metric(hub, "tidings_store_appends_total"), 3);
}

TEST(Conformance, C62_LargeNdjsonKeepsItsOrderAndTheHubItsBounds) {
    constexpr int lines = 30'000;
    LiveHub hub{LiveStore::memory,
                {{"store.retention.user.events", "100000"}, {"store.retention.user.bytes", "\"64MiB\""}}};
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    std::string body;
    for (int i = 0; i < lines; ++i) {
        body += (i % 1000 == 500 ? "{\"bad\":1}"
                                 : item_json(type_alpha, to_user("ann"), static_cast<std::uint64_t>(i))) +
                "\n";
    }
    const auto answer = publisher.post(events, body, {{"Content-Type", "application/x-ndjson"}});
    ASSERT_EQ(answer.status, 200);
    EXPECT_EQ(occurrences(answer.body, "\n"), static_cast<std::size_t>(lines));
    EXPECT_EQ(occurrences(answer.body, "{\"status\":201,"), static_cast<std::size_t>(lines - lines / 1000));
    LiveStream stream{hub.port(), {.token = hub.reader("ann"), .query = "from=earliest"}};
    ASSERT_TRUE(stream.read_until_live());
    std::int64_t last = -1;
    for (const auto& event : stream.items()) {
        EXPECT_LT(last, number_in(event.data, "n"));
        last = number_in(event.data, "n");
    }
    EXPECT_EQ(stream.items().size(), static_cast<std::size_t>(lines - lines / 1000));
}

TEST(Conformance, C54_C66_APublisherThatDiesMidwayLeavesWhatWasWholeAndNothingElse) {
    LiveHub hub{LiveStore::memory, {{"server.limits.body_timeout", "\"400ms\""}}};
    ASSERT_TRUE(hub.start());
    const auto item = item_json(type_alpha, to_user("ann"), 1);
    const std::string head = "POST /api/v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " +
                             hub.publisher() + "\r\nContent-Length: 5000\r\n";
    for (const bool stalls : {true, false}) {
        const double before = metric(hub, "tidings_store_appends_total");
        RawSocket single{hub.port()};
        ASSERT_TRUE(single.send(head + "\r\n" + item));
        RawSocket lines{hub.port()};
        ASSERT_TRUE(lines.send(head + "Content-Type: application/x-ndjson\r\n\r\n" + item + "\n" + item +
                               "\n" + item));
        const auto answered = read_past(lines, "\"status\":201");
        if (stalls) {
            const auto rest = answered + read_rest(lines).bytes;
            EXPECT_EQ(occurrences(rest, "HTTP/1.1 "), 1U) << "a second head within an answer: " << rest;
            EXPECT_EQ(rest.find("\r\n0\r\n"), std::string::npos) << "looks finished: " << rest;
            EXPECT_EQ(status_of(read_rest(single).bytes), 408);
        }
        lines.reset();
        single.reset();
        EXPECT_TRUE(eventually([&] { return metric(hub, "tidings_connections") <= 1; }));
        EXPECT_EQ(metric(hub, "tidings_store_appends_total"), before + 2) << "the two lines that were whole";
    }
}

TEST(Conformance, C66_DomainEventsComeInEveryFormOfCloudEventsAndOnce) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    HttpClient app{hub.port(), hub.publisher()};
    LiveStream stream{hub.port(), {.token = hub.reader("ann")}};
    ASSERT_TRUE(stream.read_until_live());
    const auto data = [](int n) {
        return R"({"user_id":"ann","n":)" + std::to_string(n) + R"(,"from":"x"})";
    };
    const auto cloud = [&](const std::string& id, int n) {
        return R"({"specversion":"1.0","id":")" + id +
               R"(","source":"/shop","type":"AlphaHappened","time":"2026-01-20T02:30:00Z","data":)" +
               data(n) + "}";
    };
    const Fields structured{{"Content-Type", "application/cloudevents+json; charset=utf-8"}};
    const Fields batch{{"Content-Type", "application/cloudevents-batch+json"}};
    const Fields binary{{"Content-Type", "application/json"},
                        {"ce-specversion", "1.0"},
                        {"ce-id", "four"},
                        {"ce-source", "/shop"},
                        {"ce-type", "AlphaHappened"}};
    const auto plain = app.post(domain_events, R"({"name":"AlphaHappened","data":)" + data(1) + "}");
    EXPECT_EQ(plain.status, 202) << plain.body;
    EXPECT_EQ(string_in(plain.body, "type"), "item.alpha");
    const auto two = app.post(domain_events, cloud("two", 2), structured);
    EXPECT_EQ(two.status, 202) << two.body;
    EXPECT_EQ(string_in(app.post(domain_events, cloud("two", 2), structured).body, "id"),
              string_in(two.body, "id"))
        << "source and id are the idempotency key";
    const auto many =
        app.post(domain_events, "[" + cloud("two", 2) + "," + cloud("three", 3) + ",{}]", batch);
    EXPECT_EQ(many.status, 202) << many.body;
    EXPECT_EQ(occurrences(many.body, "\"status\":202"), 2U) << many.body;
    EXPECT_EQ(occurrences(many.body, "missing-field"), 1U) << many.body;
    EXPECT_EQ(app.post(domain_events, data(4), binary).status, 202) << app.last().body;
    ASSERT_TRUE(stream.read_until_event(type_alpha, 4));
    std::string numbers;
    for (const auto& event : stream.items()) numbers += std::to_string(number_in(event.data, "n"));
    EXPECT_EQ(numbers, "1234");

    EXPECT_NE(app.post(domain_events, R"({"name":"Unmapped"})").body.find("\"ignored\":\"unmapped\""),
              std::string::npos);
    EXPECT_EQ(app.last().status, 202);
    EXPECT_NE(app.post(domain_events, R"({"name":"AlphaHappened","data":{"n":1}})").body.find("no_user"),
              std::string::npos);
    expect_problem(app.post(domain_events, R"({"name":"AlphaHappened","data":{"user_id":"ann"}})"), 400,
                   "missing-field");
    expect_problem(app.post(domain_events, R"({"data":{}})"), 400, "missing-field");
    expect_problem(app.post(domain_events, cloud("", 2), structured), 400, "invalid-field");
    expect_problem(app.post(domain_events, "<a/>", {{"Content-Type", "application/cloudevents+xml"}}), 400,
                   "invalid-json");
    expect_problem(app.post(domain_events, R"({"name":"A\r\nB"})"), 400, "invalid-field");
    EXPECT_EQ(metric(hub, "tidings_domain_events_total{outcome=\"ignored\"}"), 1);
    EXPECT_EQ(metric(hub, "tidings_domain_events_total{outcome=\"no_user\"}"), 1);
    EXPECT_EQ(metric(hub, "tidings_store_entries"), 4);
}

}  // namespace
}  // namespace tidings::test
