#include "http/request_parser.hpp"

#include "http/request_cases.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace tidings::http {
namespace {

// What a connection's bytes came to.
struct Reading {
    Outcome outcome = Outcome::need_more;
    std::optional<Request> request;
    std::string body;
    int status = 0;
    std::string detail;
    std::size_t consumed = 0;
    bool operator==(const Reading&) const = default;
};

// Reads one request from `bytes`, handed over in pieces of `piece` bytes.
Reading read(std::string_view bytes, std::size_t piece, const Limits& limits = {}) {
    RequestParser parser{limits};
    Reading reading;
    bool head = true;
    std::size_t end = std::min(piece, bytes.size());
    while (true) {
        const auto given = bytes.substr(reading.consumed, end - reading.consumed);
        const auto progress = head ? parser.parse_head(given) : parser.parse_body(given, reading.body);
        reading.consumed += progress.consumed;
        reading.outcome = progress.outcome;
        if (progress.outcome == Outcome::refused) {
            reading.status = parser.refusal().status;
            reading.detail = parser.refusal().error.detail;
            return reading;
        }
        if (progress.outcome == Outcome::complete) {
            if (!head) return reading;
            head = false;
            reading.request = parser.request();
            continue;
        }
        if (end == bytes.size()) return reading;
        end = std::min(end + piece, bytes.size());
    }
}

Reading read(std::string_view bytes, const Limits& limits = {}) { return read(bytes, bytes.size(), limits); }

std::string chunked(std::string_view body) {
    return "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string{body};
}

TEST(RequestParser, C52_RefusesEveryMalformedHeadWithItsStatus) {
    for (const auto& head : refused_heads) {
        const auto reading = read(head.bytes);
        EXPECT_EQ(reading.outcome, Outcome::refused) << head.what;
        EXPECT_EQ(reading.status, head.status) << head.what;
        EXPECT_FALSE(reading.detail.empty()) << head.what;
    }
}

TEST(RequestParser, C52_FragmentsAtEveryByteGiveTheSameAsTheWhole) {
    const auto same = [](std::string_view bytes) {
        const auto whole = read(bytes);
        for (std::size_t piece = 1; piece < bytes.size(); ++piece) {
            ASSERT_EQ(read(bytes, piece), whole) << bytes << " in pieces of " << piece;
        }
    };
    for (const auto& head : refused_heads) same(head.bytes);
    for (const auto& request : accepted_requests) same(request);
}

TEST(RequestParser, C52_WaitsAtEveryPlaceOfAnUnfinishedRequest) {
    for (const auto& request : accepted_requests) {
        for (std::size_t size = 0; size < request.size(); ++size) {
            ASSERT_EQ(read(request.substr(0, size)).outcome, Outcome::need_more) << request.substr(0, size);
        }
        EXPECT_EQ(read(request).outcome, Outcome::complete) << request;
    }
}

TEST(RequestParser, ReadsTargetFieldsAndVersion) {
    const auto reading = read("GET /api/v1/events?a=1?b HTTP/1.1\r\nHost: h\r\nX:\t v w \t\r\n\r\n");
    ASSERT_TRUE(reading.request);
    EXPECT_EQ(reading.request->method, Method::get);
    EXPECT_EQ(reading.request->path, "/api/v1/events");
    EXPECT_EQ(reading.request->query, "a=1?b");
    EXPECT_EQ(*reading.request->fields.find("x"), "v w");
    EXPECT_EQ(reading.request->version, Version::http_1_1);
    const auto absolute = read("BREW http://b?d HTTP/1.7\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(absolute.request);
    EXPECT_EQ(absolute.request->method, Method::other);
    EXPECT_EQ(absolute.request->path, "/");
    EXPECT_EQ(absolute.request->query, "d");
    EXPECT_EQ(absolute.request->version, Version::http_1_1);
}

TEST(RequestParser, C55_KeepsTheConnectionAsTheVersionsSay) {
    const auto wish = [](std::string_view version, std::string_view connection) {
        const auto reading = read("GET / HTTP/" + std::string{version} +
                                  "\r\nHost: a\r\nConnection: " + std::string{connection} + "\r\n\r\n");
        return reading.request.value().connection;
    };
    EXPECT_EQ(wish("1.1", ""), Connection::keep_alive);
    EXPECT_EQ(wish("1.1", "TE, Close"), Connection::close);
    EXPECT_EQ(wish("1.1", "closed"), Connection::keep_alive);
    EXPECT_EQ(wish("1.0", ""), Connection::close);
    EXPECT_EQ(wish("1.0", "Keep-Alive"), Connection::keep_alive);
    EXPECT_EQ(wish("1.0", "keep-alive, close"), Connection::close);
}

TEST(RequestParser, C52_BoundsTargetHeadAndFields) {
    Limits limits;
    limits.target_bytes = 64;
    limits.header_bytes = 512;
    limits.headers = 4;
    const auto target = [](std::size_t size) {
        return "GET /" + std::string(size - 1, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n";
    };
    EXPECT_EQ(read(target(64), limits).outcome, Outcome::complete);
    EXPECT_EQ(read(target(65), limits).status, 414);
    EXPECT_EQ(read("GET /" + std::string(400, 'x'), limits).status, 414);  // without ever ending
    EXPECT_EQ(read("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(500, 'x'), limits).status, 431);
    EXPECT_EQ(read("GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB:\r\nC:\r\n\r\n", limits).outcome, Outcome::complete);
    EXPECT_EQ(read("GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB:\r\nC:\r\nD:\r\n\r\n", limits).status, 431);
    std::string empty_lines;
    for (int i = 0; i < 300; ++i) empty_lines.append("\r\n");
    EXPECT_EQ(read(empty_lines, limits).status, 431);
    EXPECT_EQ(read(target(65), 1, limits), read(target(65), limits));
}

TEST(RequestParser, C53_LeavesWhatFollowsForTheNextRequest) {
    const std::string both =
        "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /b HTTP/1.1\r\nHost: a\r\n\r\n";
    const Limits limits;
    RequestParser parser{limits};
    std::string_view rest = both;
    std::string body;
    auto progress = parser.parse_head(rest);
    ASSERT_EQ(progress.outcome, Outcome::complete);
    rest.remove_prefix(progress.consumed);
    EXPECT_TRUE(rest.starts_with("hiGET"));
    progress = parser.parse_body(rest, body);
    ASSERT_EQ(progress.outcome, Outcome::complete);
    EXPECT_EQ(body, "hi");
    rest.remove_prefix(progress.consumed);
    parser.next();
    EXPECT_FALSE(parser.begun());
    progress = parser.parse_head(rest);
    ASSERT_EQ(progress.outcome, Outcome::complete);
    EXPECT_EQ(parser.request().path, "/b");
    EXPECT_EQ(parser.request().fields.size(), 1U);
    EXPECT_EQ(parser.parse_body({}, body).outcome, Outcome::complete);
}

TEST(RequestParser, ReportsAnExpectationOnlyToThoseWhoKnowIt) {
    const auto of = [](std::string_view version) {
        return read("POST / HTTP/" + std::string{version} +
                    "\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\n");
    };
    EXPECT_EQ(of("1.1").request.value().expectation, Expectation::continue_100);
    EXPECT_EQ(of("1.0").request.value().expectation, Expectation::none);
}

TEST(RequestParser, C39_RefusesABodyAboveItsLimitBeforeReadingIt) {
    Limits limits;
    limits.request_bytes = 4;
    const auto sized = read("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", limits);
    EXPECT_EQ(sized.status, 413);
    EXPECT_EQ(read(chunked("5\r\n"), limits).status, 413);
    EXPECT_EQ(read(chunked("3\r\nabc\r\n2\r\n"), limits).status, 413);
    EXPECT_EQ(read(chunked("4\r\nabcd\r\n0\r\n\r\n"), limits).body, "abcd");
    RequestParser parser{limits};
    parser.limit_body(10);
    std::string body;
    ASSERT_EQ(parser.parse_head("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n").outcome,
              Outcome::complete);
    EXPECT_EQ(parser.parse_body("hello", body).outcome, Outcome::complete);
}

// An unknown path, a wrong method or a missing credential is answered before a body is looked for.
TEST(RequestParser, C55_ARequestAnsweredFromItsHeadAloneIsFollowedByTheNext) {
    const Limits limits;
    RequestParser parser{limits};
    ASSERT_EQ(parser.parse_head("DELETE /a HTTP/1.1\r\nHost: a\r\n\r\n").outcome, Outcome::complete);
    parser.next();
    ASSERT_EQ(parser.parse_head("GET /b HTTP/1.1\r\nHost: a\r\n\r\n").outcome, Outcome::complete);
    EXPECT_EQ(parser.request().path, "/b");
}

TEST(RequestParser, FieldLinesAreNamesAndTrimmedValues) {
    EXPECT_EQ(parse_field_line("A: b c ").value(), (Field{"A", "b c"}));
    EXPECT_EQ(parse_field_line("A:").value(), (Field{"A", ""}));
    EXPECT_FALSE(parse_field_line("A b: c"));
    EXPECT_FALSE(parse_field_line(""));
}

}  // namespace
}  // namespace tidings::http
