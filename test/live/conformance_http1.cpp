// HTTP/1.1 as hostile and clumsy clients speak it: C-37, C-52 to C-55.
#include <sys/resource.h>
#include <sys/socket.h>

#include "http/request_cases.hpp"
#include "live/hub_probe.hpp"

namespace tidings::test {
namespace {

std::string publish_request(const LiveHub& hub, std::string_view body, std::string_view more = {}) {
    return "POST /api/v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + hub.publisher() + "\r\n" +
           std::string{more} + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string{body};
}

TEST(Conformance, C52_EveryMalformedHeadGetsItsStatusAndTheEnd) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    for (const auto& one : http::refused_heads) {
        // What follows must not be taken for a request: that would be smuggling.
        const auto got =
            exchange(hub.port(), std::string{one.bytes} + "GET /api/v1/nothing HTTP/1.1\r\nHost: a\r\n\r\n");
        EXPECT_EQ(status_of(got.bytes), one.status) << one.what << "\n" << got.bytes;
        EXPECT_EQ(occurrences(got.bytes, "\r\nDate: "), 1U) << one.what << "\n" << got.bytes;
        EXPECT_NE(got.bytes.find("Content-Type: application/problem+json\r\n"), std::string::npos)
            << one.what;
        EXPECT_NE(got.bytes.find("Connection: close\r\n"), std::string::npos) << one.what;
        EXPECT_EQ(got.end, Received::fin) << one.what;
    }
    EXPECT_TRUE(hub.running());
    EXPECT_EQ(HttpClient{hub.port()}.get("/api/v1/nothing").status, 404);
}

TEST(Conformance, C52_ByteByByteAMalformedHeadIsRefusedTheSame) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    for (const auto& one : http::refused_heads) {
        RawSocket socket{hub.port()};
        std::string bytes;
        Received got = Received::nothing_yet;
        for (std::size_t i = 0; i < one.bytes.size() && got == Received::nothing_yet; ++i) {
            socket.send(one.bytes.substr(i, 1));
            got = socket.receive(bytes, std::chrono::milliseconds{0});
        }
        socket.finish_sending();
        bytes += read_rest(socket).bytes;
        EXPECT_EQ(status_of(bytes), one.status) << one.what << "\n" << bytes;
    }
}

TEST(Conformance, C52_AWellFormedRequestWorksAtAnyDivision) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    const auto whole =
        publish_request(hub, item_json(type_alpha, to_user("ann"), 1), "Connection: close\r\n");
    for (const std::size_t size : {std::size_t{1}, std::size_t{2}, std::size_t{7}}) {
        RawSocket socket{hub.port()};
        for (std::size_t at = 0; at < whole.size(); at += size)
            ASSERT_TRUE(socket.send(whole.substr(at, size)));
        EXPECT_EQ(status_of(read_rest(socket).bytes), 201) << size;
    }
}

TEST(Conformance, C52_C39_HeadsAndTargetsBeyondTheirLimitsAreTold) {
    LiveHub hub{LiveStore::memory,
                {{"server.limits.header_bytes", "\"4KiB\""}, {"server.limits.target_bytes", "\"1KiB\""}}};
    ASSERT_TRUE(hub.start());
    HttpClient client{hub.port()};
    expect_problem(client.get("/api/v1/events?topics=" + std::string(1100, 'x')), 414, "head-too-large");
    expect_problem(client.get("/api/v1/events", {{"X-Long", std::string(4200, 'x')}}), 431, "head-too-large");
    expect_problem(client.get("/api/v1/events", Fields(65, {"X-Many", "x"})), 431, "head-too-large");
    // A field that never ends is refused when it is too long, not when it has ended.
    RawSocket endless{hub.port()};
    endless.send("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(8000, 'x'));
    EXPECT_EQ(status_of(read_rest(endless).bytes), 431);
}

TEST(Conformance, C53_ARequestBehindAStreamWaitsForItsEnd) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    const auto token = hub.reader("ann", {"job"});
    RawSocket socket{hub.port()};
    ASSERT_TRUE(socket.send(
        "GET /api/v1/events?topics=job&audiences=topics HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " +
        token + "\r\n\r\nGET /api/v1/nothing HTTP/1.1\r\nHost: a\r\n\r\n"));
    std::string bytes = read_past(socket, "tidings.caught_up");
    HttpClient publisher{hub.port(), hub.publisher()};
    ASSERT_NE(publisher.publish(item_json(type_alpha, to_topic("job"), 7)), "");
    bytes += read_past(socket, "\"n\":7");
    EXPECT_EQ(bytes.find("404"), std::string::npos) << "answered within the stream";
    ASSERT_EQ(publisher.post("/api/v1/topics/job/close", "").status, 200);
    bytes += read_past(socket, "urn:tidings:problem:not-found");
    const auto last_chunk = bytes.find("\r\n0\r\n\r\nHTTP/1.1 404 ");
    EXPECT_NE(last_chunk, std::string::npos) << bytes;
    EXPECT_LT(bytes.find("tidings.closed"), last_chunk);
}

TEST(Conformance, C53_WhatAClientSendsBehindAStreamIsBounded) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    LiveStream stream{hub.port(), {.token = hub.reader("ann")}};
    ASSERT_TRUE(stream.read_until_live());
    const auto before = hub.resident_bytes();
    // The kernel's buffers take some megabytes of it; the hub takes none.
    const std::string junk(256 * 1024, 'j');
    std::size_t taken = 0;
    for (int i = 0; i < 200; ++i) {
        const auto sent =
            ::send(stream.socket().descriptor(), junk.data(), junk.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent <= 0) break;
        taken += static_cast<std::size_t>(sent);
    }
    EXPECT_LT(taken, std::size_t{32} * 1024 * 1024);
    HttpClient publisher{hub.port(), hub.publisher()};
    ASSERT_NE(publisher.publish(item_json(type_alpha, to_user("ann"), 1)), "");
    EXPECT_TRUE(stream.read_until_event(type_alpha));
    EXPECT_LT(hub.resident_bytes(), before + resident_slack);
}

TEST(Conformance, C54_SlowHeadsAndBodiesEndAndStreamsAreNotDisturbed) {
    LiveHub hub{LiveStore::memory,
                {{"server.limits.head_timeout", "\"300ms\""},
                 {"server.limits.body_timeout", "\"300ms\""},
                 {"server.limits.idle_timeout", "\"300ms\""}}};
    ASSERT_TRUE(hub.start());
    LiveStream stream{hub.port(), {.token = hub.reader("ann")}};
    ASSERT_TRUE(stream.read_until_live());

    EXPECT_EQ(exchange(hub.port(), "").end, Received::fin) << "says nothing at all";
    const auto slow_head = exchange(hub.port(), "GET /api/v1/events HTTP/1.1\r\nHost:");
    EXPECT_EQ(status_of(slow_head.bytes), 408) << slow_head.bytes;
    EXPECT_NE(slow_head.bytes.find("urn:tidings:problem:timed-out"), std::string::npos);
    auto request = publish_request(hub, item_json(type_alpha, to_user("ann"), 1));
    request.pop_back();
    const auto slow_body = exchange(hub.port(), request);
    EXPECT_EQ(status_of(slow_body.bytes), 408) << slow_body.bytes;

    // Bytes that come one by one do not prolong a head.
    {
        RawSocket dripping{hub.port()};
        std::string bytes;
        const auto over = [&] {
            dripping.send("x");
            return dripping.receive(bytes, std::chrono::milliseconds{50}) != Received::nothing_yet;
        };
        EXPECT_TRUE(eventually(over));
        EXPECT_EQ(status_of(bytes), 408) << bytes;
    }

    HttpClient idle{hub.port()};
    EXPECT_EQ(idle.get("/api/v1/nothing").status, 404);
    EXPECT_TRUE(eventually([&] { return metric(hub, "tidings_connections") <= 1; }))
        << "an idle connection stays";
    ASSERT_NE((HttpClient{hub.port(), hub.publisher()}.publish(item_json(type_alpha, to_user("ann"), 2))),
              "");
    ASSERT_TRUE(stream.read_until_event(type_alpha));
    EXPECT_EQ(number_in(stream.items().front().data, "n"), 2) << "a body that was cut published something";
}

TEST(Conformance, C54_ABodyThatNobodyVouchesForIsNotHeld) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    const std::string body(64 * 1024, 'x');
    for (const auto* target : {"/api/v1/events", "/api/v1/event-types"}) {
        const auto got =
            exchange(hub.port(), "GET " + std::string{target} + " HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                                     std::to_string(body.size()) + "\r\n\r\n" + body);
        EXPECT_EQ(status_of(got.bytes), 413) << got.bytes;
        EXPECT_EQ(got.end, Received::fin) << "the answer could be lost in a reset";
    }
    const auto unknown = exchange(hub.port(), "POST /api/v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                                                  std::to_string(body.size()) + "\r\n\r\n" + body);
    EXPECT_EQ(status_of(unknown.bytes), 401) << unknown.bytes;
    EXPECT_EQ(unknown.end, Received::fin);
}

TEST(Conformance, C55_AConnectionIsKeptAfterErrorsAndAfterACleanEnd) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    HttpClient client{hub.port(), hub.publisher()};
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(client.get("/api/v1/nothing").status, 404);
        EXPECT_EQ(client.get("/api/v1/events?foo=1").status, 400);
        EXPECT_EQ(client.post("/api/v1/events", "{").status, 400);
        EXPECT_EQ(client.get("/api/v1/events", {{"Accept", "text/html"}}).status, 406);
        EXPECT_EQ(client.post("/api/v1/topics/done/close", "").status, 200);
    }
    EXPECT_EQ(metric(hub, "tidings_connections_total"), 2) << "one for all requests, one for the figures";

    LiveStream stream{hub.port(),
                      {.token = hub.reader("ann", {"done"}), .query = "topics=done&audiences=topics"}};
    EXPECT_EQ(stream.read_to_end(), StreamFinish::clean);
    ASSERT_TRUE(stream.socket().send("GET /api/v1/nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    const auto next = read_rest(stream.socket());
    EXPECT_EQ(status_of(next.bytes), 404) << next.bytes;
}

TEST(Conformance, C37_AClientThatGoesLeavesNothingBehind) {
    LiveHub hub{LiveStore::memory, {{"server.limits.streams_per_user", "5"}}};
    ASSERT_TRUE(hub.start());
    const auto token = hub.reader("ann", {"t"});
    for (int i = 0; i < 60; ++i) {
        // Also at moments when the head is not written yet: a request with a cursor asks the store first.
        RawSocket early{hub.port()};
        early.send(
            "GET /api/v1/events?topics=t&audiences=topics&from=x HTTP/1.1\r\nHost: a\r\nAuthorization: "
            "Bearer " +
            token + "\r\n\r\n");
        early.reset();
    }
    {
        std::vector<LiveStream> open;
        open.reserve(5);
        EXPECT_TRUE(eventually([&] {
            LiveStream stream{hub.port(), {.token = token}};
            if (stream.status() == 200) open.push_back(std::move(stream));
            return open.size() == 5;
        })) << "places of clients that have gone are not given back";
        EXPECT_TRUE(eventually([&] { return metric(hub, "tidings_streams") == 5; }));
        EXPECT_EQ((LiveStream{hub.port(), {.token = token}}.status()), 429);
    }
    EXPECT_TRUE(eventually([&] { return metric(hub, "tidings_streams") == 0; }));
    EXPECT_TRUE(eventually([&] { return metric(hub, "tidings_audiences") == 0; }));
}

TEST(Conformance, C73_WithoutDescriptorsAcceptingPausesAndStreamsLive) {
    if (undefined_behavior_sanitized) {
        GTEST_SKIP()
            << "UBSan opens a pipe to look at an object's type, and takes it for wrong where it cannot";
    }
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    LiveStream stream{hub.port(), {.token = hub.reader("ann")}};
    ASSERT_TRUE(stream.read_until_live());
    HttpClient publisher{hub.port(), hub.publisher()};
    HttpClient figures{hub.operations_port()};
    EXPECT_EQ(figures.get("/metrics").status, 200);
    ASSERT_NE(publisher.publish(item_json(type_alpha, to_user("ann"), 1)), "");

    const rlimit few{40, 40};
    ASSERT_EQ(::prlimit(hub.process(), RLIMIT_NOFILE, &few, nullptr), 0);
    {
        std::vector<RawSocket> many;
        many.reserve(60);
        for (int i = 0; i < 60; ++i) many.emplace_back(hub.port());
        EXPECT_TRUE(eventually([&] {
            const auto page = figures.get("/metrics").body;
            return page.find("tidings_accept_paused_total 0\n") == std::string::npos;
        })) << "there are still descriptors";
        ASSERT_NE(publisher.publish(item_json(type_alpha, to_user("ann"), 2)), "");
        EXPECT_TRUE(stream.read_until_event(type_alpha, 2));
    }
    LiveStream later{hub.port(), {.token = hub.reader("ann")}};
    EXPECT_EQ(later.status(), 200);
    EXPECT_TRUE(later.read_until_live());
}

}  // namespace
}  // namespace tidings::test
