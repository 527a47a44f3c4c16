// Who is refused, how, and what it costs: C-40 to C-43.
#include "auth/base64url.hpp"
#include "live/hub_probe.hpp"

#include <vector>

namespace tidings::test {
namespace {

constexpr std::string_view events = "/api/v1/events";

TEST(Conformance, C40_C39_ABadTokenIsAnsweredTheSameWhateverIsWrongWithIt) {
    LiveHub hub;
    LiveHub stranger;  // never started: another secret
    ASSERT_TRUE(hub.start());
    const auto good = hub.reader("ann");
    const auto payload = good.substr(good.find('.'), good.rfind('.') - good.find('.') + 1);
    TokenWish old;
    old.user = "ann";
    old.expires = std::chrono::seconds{-5};
    auto tampered = good;
    tampered[good.find('.') + 5] = tampered[good.find('.') + 5] == 'A' ? 'B' : 'A';
    const std::vector<std::string> bad{
        "x",
        "a.b.c",
        good + "x",
        tampered,
        good.substr(0, good.rfind('.') + 1),
        auth::base64url(R"({"alg":"none"})") + payload,
        auth::base64url(R"({"alg":"HS512"})") + payload + "AAAA",
        auth::base64url(R"({"alg":"HS256","kid":"../../dev/null"})") + payload + "AAAA",
        hub.token(old),
        stranger.reader("ann"),
        std::string(20'000, 'x').substr(0, 9'000)};
    std::string first;
    for (const auto& token : bad) {
        const auto answer = HttpClient{hub.port(), token}.get(events);
        expect_problem(answer, 401, "invalid-token", token);
        EXPECT_EQ(answer.field("WWW-Authenticate").value_or(""),
                  R"(Bearer realm="tidings", error="invalid_token")");
        if (first.empty()) first = answer.body;
        EXPECT_EQ(answer.body, first) << token;
        EXPECT_EQ((HttpClient{hub.port(), token}.post(events, "{}").status), 401);
    }
    const auto missing = HttpClient{hub.port()}.get(events);
    expect_problem(missing, 401, "unauthorized");
    EXPECT_EQ(missing.field("WWW-Authenticate").value_or(""), R"(Bearer realm="tidings")")
        << "RFC 6750 3.1: no error";
    HttpClient reader{hub.port(), good};
    const auto forbidden = reader.post(events, item_json(type_alpha, to_user("ann"), 1));
    expect_problem(forbidden, 403, "forbidden");
    EXPECT_EQ(forbidden.field("WWW-Authenticate").value_or(""),
              R"(Bearer realm="tidings", error="insufficient_scope")");
    expect_problem(reader.post("/api/v1/topics/t/close", ""), 403, "forbidden");
    expect_problem(reader.post("/api/v1/domain-events", R"({"name":"AlphaHappened"})"), 403, "forbidden");
}

TEST(Conformance, C40_APublisherMayPublishWhatItWasGrantedOnly) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    TokenWish wish;
    wish.user = "app";
    wish.publish = {"user:ann", "topic:job-*"};
    HttpClient app{hub.port(), hub.token(wish)};
    EXPECT_NE(app.publish(item_json(type_alpha, to_user("ann"), 1)), "");
    EXPECT_NE(app.publish(item_json(type_alpha, to_topic("job-7"), 1)), "");
    for (const auto& audience : {to_user("bob"), to_topic("jobs"), std::string{to_everybody},
                                 std::string{R"("user_ids":["ann","bob"])"}}) {
        EXPECT_EQ(app.publish(item_json(type_alpha, audience, 1)), "");
        expect_problem(app.last(), 403, "forbidden", audience);
    }
    expect_problem(
        app.post("/api/v1/domain-events", R"({"name":"AlphaHappened","data":{"user_id":"ann","n":1}})"), 403,
        "forbidden", "the audience's grant is not the event's");
    EXPECT_EQ(metric(hub, "tidings_store_entries"), 2);
}

TEST(Conformance, C41_WhoCouldBeABrowserIsRefusedSoftly) {
    LiveHub hub{LiveStore::memory,
                {{"server.limits.streams", "2"}, {"delivery.retry", R"(["700ms", "900ms"])"}}};
    ASSERT_TRUE(hub.start());
    LiveStream one{hub.port(), {.token = hub.reader("ann")}};
    LiveStream two{hub.port(), {.token = hub.reader("bob")}};
    ASSERT_TRUE(one.read_until_live() && two.read_until_live());

    for (const auto& [version, finish] :
         {std::pair{"HTTP/1.1", StreamFinish::fin}, {"HTTP/1.0", StreamFinish::reset}}) {
        LiveStream refused{hub.port(), {.version = version}};
        EXPECT_EQ(refused.status(), 200);
        EXPECT_EQ(refused.answer().field("Content-Type").value_or(""), "text/event-stream");
        EXPECT_EQ(refused.read_to_end(), finish) << version << ": come back, not finished";
        ASSERT_EQ(refused.retries().size(), 1U) << refused.text();
        EXPECT_GE(refused.retries().front().count(), 700);
        EXPECT_LE(refused.retries().front().count(), 900);
        EXPECT_TRUE(refused.events().empty());
    }
    HttpClient told{hub.port(), hub.reader("cat")};
    expect_problem(told.get(events), 503, "overloaded");
    EXPECT_EQ(told.last().field("Retry-After").value_or(""), "1");
    EXPECT_EQ(metric(hub, "tidings_soft_refusals_total"), 2);
    EXPECT_EQ(metric(hub, "tidings_streams_refused_total{reason=\"process_full\"}"), 3);
    one.cut();
    EXPECT_TRUE(
        eventually([&] { return LiveStream{hub.port(), {.token = hub.reader("cat")}}.status() == 200; }));
}

TEST(Conformance, C41_AUserAboveItsLimitIsToldAndHardRefusalIsAChoice) {
    LiveHub hub{LiveStore::memory,
                {{"server.limits.streams", "2"},
                 {"server.limits.streams_per_user", "1"},
                 {"delivery.soft_refusal", "false"}}};
    ASSERT_TRUE(hub.start());
    LiveStream one{hub.port(), {.token = hub.reader("ann")}};
    HttpClient again{hub.port(), hub.reader("ann")};
    expect_problem(again.get(events), 429, "too-many-requests");
    EXPECT_TRUE(again.last().field("Retry-After"));
    LiveStream two{hub.port(), {.token = hub.reader("bob")}};
    EXPECT_EQ(two.status(), 200);
    HttpClient nobody{hub.port()};
    expect_problem(nobody.get(events), 503, "overloaded");
    EXPECT_TRUE(nobody.last().field("Retry-After"));
}

TEST(Conformance, C41_AConnectionBeyondTheirNumberIsClosedAtOnce) {
    LiveHub hub{LiveStore::memory, {{"server.limits.streams", "3"}, {"server.limits.connections", "3"}}};
    ASSERT_TRUE(hub.start());
    LiveStream stream{hub.port(), {.token = hub.reader("ann")}};
    ASSERT_TRUE(stream.read_until_live());
    {
        // One more each time: a slot may still be taken by a connection that is just going, and one that
        // found no slot holds none.
        std::vector<RawSocket> held;
        EXPECT_TRUE(eventually([&] {
            held.emplace_back(hub.port());
            const auto got =
                exchange(hub.port(), "GET /api/v1/nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            return got.bytes.empty() && got.end != Received::nothing_yet;
        }));
        EXPECT_GE(metric(hub, "tidings_streams_refused_total{reason=\"connections\"}"), 1)
            << "operations have a listener and a count of their own";
    }
    EXPECT_TRUE(eventually([&] { return HttpClient{hub.port()}.get("/api/v1/nothing").status == 404; }));
    EXPECT_EQ(stream.finish(), StreamFinish::open);
}

TEST(Conformance, C42_TenThousandRefusalsCostNothingThatStays) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    HttpClient nobody{hub.port()};
    HttpClient forged{hub.port(), "a.b.c"};
    HttpClient reader{hub.port(), hub.reader("ann")};
    const auto refuse_five = [&](int round) {
        ASSERT_EQ(nobody.get(events).status, 401);
        ASSERT_EQ(forged.get(events, {{"Last-Event-ID", std::to_string(round)}}).status, 401);
        ASSERT_EQ(reader.get("/api/v1/events?topics=secret-" + std::to_string(round)).status, 403);
        ASSERT_EQ(reader.get("/api/v1/events?unknown=" + std::to_string(round)).status, 400);
        ASSERT_EQ(nobody.post(events, "{}").status, 401);
    };
    for (int i = 0; i < 200; ++i) refuse_five(i);
    const auto before = hub.resident_bytes();
    for (int i = 0; i < 2000; ++i) refuse_five(i);
    EXPECT_LT(hub.resident_bytes(), before + resident_slack);
    EXPECT_EQ(metric(hub, "tidings_audiences"), 0);
    EXPECT_EQ(metric(hub, "tidings_streams_total{protocol=\"http/1.1\"}"), 0);
    EXPECT_TRUE(eventually([&] { return metric(hub, "tidings_connections") <= 3; }));
}

TEST(Conformance, C43_NeitherAnswersNorLogsRepeatACredential) {
    LiveHub hub{LiveStore::memory, {{"log.level", "\"debug\""}}};
    ASSERT_TRUE(hub.start());
    const auto token = hub.reader("ann");
    const auto signature = token.substr(token.rfind('.') + 1);
    HttpClient client{hub.port(), token + "x"};
    for (const auto& query :
         {"?ticket=" + token, "?access_token=" + token, "?foo=" + token, "?categories=" + token}) {
        const auto answer = client.get(std::string{events} + query);
        EXPECT_EQ(answer.status, 401);
        EXPECT_EQ(answer.body.find(signature), std::string::npos) << answer.body;
        const auto own = HttpClient{hub.port(), token}.get(std::string{events} + query);
        EXPECT_EQ(own.status, 400) << own.body;
        EXPECT_EQ(own.body.find(signature), std::string::npos) << own.body;
    }
    EXPECT_TRUE(eventually([&] { return occurrences(hub.log(), "request") >= 8; }));
    EXPECT_EQ(hub.log().find(signature), std::string::npos) << hub.log();
    EXPECT_EQ(hub.log().find("a secret that only"), std::string::npos);
}

}  // namespace
}  // namespace tidings::test
