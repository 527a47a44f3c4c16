// What a response looks like on the wire: C-1 to C-6, C-8 to C-10, C-15.
#include "base/utf8.hpp"
#include "live/hub_probe.hpp"

#include <set>

namespace tidings::test {
namespace {

constexpr std::string_view stream_head =
    "HTTP/1.1 200 OK\r\n"
    "Content-Type: text/event-stream\r\n"
    "Cache-Control: no-store, no-transform\r\n"
    "X-Accel-Buffering: no\r\n"
    "X-Content-Type-Options: nosniff\r\n";

std::string get(std::string_view token, std::string_view version = "HTTP/1.1", std::string_view fields = {}) {
    return "GET /api/v1/events " + std::string{version} + "\r\nHost: a\r\nAuthorization: Bearer " +
           std::string{token} + "\r\n" + std::string{fields} + "\r\n";
}

TEST(Conformance, C1_AStreamHasExactlyTheseFields) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    LiveStream stream{hub.port(), {.token = hub.reader("ann")}};
    EXPECT_EQ(fields_without_date(stream.answer()),
              std::string{stream_head} + "Transfer-Encoding: chunked\r\n");
    EXPECT_TRUE(stream.answer().field("Date"));
}

TEST(Conformance, C2_C22_TheFirstBytesLeaveWithTheHeadAlsoWhenMuchIsReplayed) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    std::string lines;
    for (int i = 0; i < 900; ++i)
        lines += item_json(type_alpha, to_user("ann"), 1, {}, std::string(200, 'x')) + "\n";
    ASSERT_EQ(publisher.post("/api/v1/events", lines, {{"Content-Type", "application/x-ndjson"}}).status,
              200);
    for (const std::string query : {"", "?from=earliest"}) {
        RawSocket socket{hub.port()};
        auto request = get(hub.reader("ann"));
        request.insert(request.find(" HTTP"), query);
        ASSERT_TRUE(socket.send(request));
        std::string bytes;
        ASSERT_EQ(socket.receive(bytes, patience), Received::bytes);
        const auto end = bytes.find("\r\n\r\n");
        ASSERT_NE(end, std::string::npos) << bytes;
        EXPECT_NE(bytes.find("\r\n: tidings\nretry: ", end), std::string::npos)
            << "not in the segment of the head: " << bytes;
    }
}

TEST(Conformance, C3_C16_RetryComesOnceInItsRangeAndIsNoBlockOfItsOwn) {
    LiveHub hub{LiveStore::memory, {{"delivery.retry", R"(["150ms", "190ms"])"}}};
    ASSERT_TRUE(hub.start());
    std::set<std::int64_t> drawn;
    for (int i = 0; i < 20; ++i) {
        LiveStream stream{hub.port(), {.token = hub.reader("ann")}};
        ASSERT_TRUE(stream.read_until_live());
        ASSERT_EQ(stream.retries().size(), 1U);
        drawn.insert(stream.retries().front().count());
        const auto line = "retry: " + std::to_string(stream.retries().front().count()) + "\nid: ";
        EXPECT_NE(stream.text().find(line), std::string::npos) << stream.text();
    }
    EXPECT_GE(*drawn.begin(), 150);
    EXPECT_LE(*drawn.rbegin(), 190);
    EXPECT_GT(drawn.size(), 1U) << "every client would come back at the same moment";
}

TEST(Conformance, C4_HeadHasTheFieldsOfTheStreamAndNoSubscriber) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    HttpClient client{hub.port(), hub.reader("ann")};
    for (int i = 0; i < 2; ++i) {  // twice on one connection: nothing of a body was sent
        const auto answer = client.request("HEAD", "/api/v1/events");
        EXPECT_EQ(fields_without_date(answer), std::string{stream_head} + "Transfer-Encoding: chunked\r\n");
    }
    EXPECT_EQ(client.request("HEAD", "/api/v1/events?foo=1").status, 400);
    EXPECT_EQ(metric(hub, "tidings_streams"), 0);
    EXPECT_EQ(metric(hub, "tidings_streams_total{protocol=\"http/1.1\"}"), 0);
}

TEST(Conformance, C4_C39_OptionsAndOtherMethodsNameWhatIsAllowed) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    HttpClient client{hub.port()};
    const auto options = client.request("OPTIONS", "/api/v1/events");
    EXPECT_EQ(options.status, 204);
    EXPECT_EQ(options.field("Allow").value_or(""), "GET, HEAD, POST, OPTIONS");
    EXPECT_FALSE(options.field("Content-Length"));
    for (const auto* method : {"PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"}) {
        const auto answer = client.request(method, "/api/v1/events");
        expect_problem(answer, 405, "method-not-allowed", method);
        EXPECT_EQ(answer.field("Allow").value_or(""), "GET, HEAD, POST, OPTIONS");
    }
    expect_problem(client.get("/api/v1/domain-events"), 405, "method-not-allowed");
    expect_problem(client.get("/api/v1/nothing"), 404, "not-found");
    expect_problem(client.get("/api/v1/events/"), 404, "not-found");
    expect_problem(HttpClient{hub.operations_port()}.get("/api/v1/events"), 404, "not-found");
    expect_problem(client.get("/metrics"), 404, "not-found", "operations stay on their listener");
}

TEST(Conformance, C5_AcceptChoosesStreamProbeOrNothing) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    const auto token = hub.reader("ann");
    for (const auto* accept :
         {"text/event-stream", "*/*", "text/*", "text/event-stream, application/json;q=0.5"}) {
        LiveStream stream{hub.port(), {.token = token, .fields = {{"Accept", accept}}}};
        EXPECT_EQ(stream.status(), 200) << accept;
        EXPECT_EQ(stream.answer().field("Content-Type").value_or(""), "text/event-stream") << accept;
    }
    HttpClient client{hub.port(), token};
    const Fields json{{"Accept", "application/json"}};
    const auto probe = client.get("/api/v1/events", json);
    EXPECT_EQ(probe.status, 200);
    EXPECT_EQ(probe.body, R"({"allowed":true})");
    expect_problem(client.get("/api/v1/events?topics=secret", json), 403, "forbidden");
    expect_problem(HttpClient{hub.port()}.get("/api/v1/events", json), 401, "unauthorized");
    expect_problem(client.get("/api/v1/events", {{"Accept", "text/html"}}), 406, "not-acceptable");
    EXPECT_TRUE(eventually([&] { return metric(hub, "tidings_streams") == 0; }));
}

TEST(Conformance, C6_Http10GetsNoChunksNo1xxAndAConnectionThatCloses) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    LiveStream stream{hub.port(), {.token = hub.reader("ann"), .version = "HTTP/1.0"}};
    EXPECT_EQ(fields_without_date(stream.answer()), std::string{stream_head} + "Connection: close\r\n");
    ASSERT_TRUE(stream.read_until_live());
    EXPECT_TRUE(stream.text().starts_with(": tidings\nretry: ")) << stream.text();

    const auto item = item_json(type_alpha, to_user("ann"), 1);
    const auto post = exchange(
        hub.port(), "POST /api/v1/events HTTP/1.0\r\nAuthorization: Bearer " + hub.publisher() +
                        "\r\nExpect: 100-continue\r\nContent-Length: " + std::to_string(item.size()) +
                        "\r\n\r\n" + item);
    EXPECT_EQ(status_of(post.bytes), 201) << post.bytes;
    EXPECT_EQ(post.bytes.find("100 Continue"), std::string::npos);
    EXPECT_NE(post.bytes.find("Connection: close\r\n"), std::string::npos);
    EXPECT_EQ(post.end, Received::fin);
    EXPECT_TRUE(stream.read_until_event(type_alpha));
}

TEST(Conformance, C8_EveryByteOfAStreamIsOfTheFormat) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    LiveStream stream{hub.port(), {.token = hub.reader("ann"), .query = "from=x", .fields = {}}};
    ASSERT_TRUE(stream.read_until_live());
    for (const std::string_view pad : {"a", "\xc3\xa4\xf0\x9f\x8e\x89", "\xe2\x80\xa8 \xef\xbb\xbf"}) {
        ASSERT_NE(publisher.publish(item_json(type_alpha, to_user("ann"), 1, {}, pad)), "");
        ASSERT_EQ(publisher.post("/api/v1/events", item_json(type_passing, to_everybody, 2, {}, pad)).status,
                  201);
    }
    ASSERT_TRUE(stream.read_until([&] { return stream.items().size() == 6; }));
    const std::string& text = stream.text();
    EXPECT_EQ(text.find('\r'), std::string::npos);
    EXPECT_EQ(text.find('\0'), std::string::npos);
    EXPECT_TRUE(valid_utf8(text));
    EXPECT_FALSE(text.starts_with("\xef\xbb\xbf"));
    std::string_view rest = text;
    while (!rest.empty()) {
        const auto end = rest.find('\n');
        ASSERT_NE(end, std::string_view::npos) << "the last line has no end: " << rest;
        const auto line = rest.substr(0, end);
        rest.remove_prefix(end + 1);
        bool good = line.empty();
        for (const std::string_view start : {": ", "id: ", "event: ", "data: ", "retry: "}) {
            good = good || (line.starts_with(start) && line.size() > start.size());
        }
        EXPECT_TRUE(good) << "'" << line << "'";
    }
}

TEST(Conformance, C9_C10_DataArrivesAsItWasSentButForWhiteSpaceBetweenItsParts) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    LiveStream stream{hub.port(), {.token = hub.reader("ann")}};
    ASSERT_TRUE(stream.read_until_live());
    const std::string long_text(60'000, 'y');
    const std::vector<std::string> pads{R"( leading)",
                                        R"(\nleading line)",
                                        R"(trailing line\n)",
                                        R"(\n\r\n\r)",
                                        R"(: colon)",
                                        R"(data: x\n\n)",
                                        R"(\u0000\u2028\"\\)",
                                        "\xf0\x9f\x8e\x89",
                                        "\xc2\x85 \x7f \xe2\x80\xae",
                                        long_text};
    for (const auto& pad : pads) {
        const auto data = R"({"n":1,"from":"A\u00e4","pad":")" + pad + R"("})";
        std::string sent = data;
        sent.replace(sent.find(":1,"), 3, " :\r\n\t1 ,\n");
        ASSERT_NE(publisher.publish(R"({"type":"item.alpha","user_id":"ann","data": )" + sent + "\r\n}"), "")
            << publisher.last().body;
        const std::size_t count = stream.items().size() + 1;
        ASSERT_TRUE(stream.read_until([&] { return stream.items().size() == count; }));
        EXPECT_EQ(stream.items().back().data, data);
    }
}

TEST(Conformance, C15_IdsAreOfTheirAlphabetAndNeverTwice) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    LiveStream stream{hub.port(), {.token = hub.reader("ann")}};
    ASSERT_TRUE(stream.read_until_live());
    std::set<std::string> given;
    for (int i = 0; i < 200; ++i) given.insert(publisher.publish(item_json(type_alpha, to_user("ann"), 1)));
    EXPECT_EQ(given.size(), 200U);
    ASSERT_TRUE(stream.read_until_event(type_alpha, 200));
    std::string last;
    for (const auto& event : stream.items()) {
        EXPECT_EQ(given.count(event.id), 1U);
        EXPECT_LE(event.id.size(), 128U);
        EXPECT_EQ(event.id.find_first_not_of("0123456789abcdef-"), std::string::npos);
        EXPECT_LT(last, event.id) << "ids rise with their positions";
        last = event.id;
    }
}

}  // namespace
}  // namespace tidings::test
