#pragma once
// What the conformance tests ask of a hub beside requests and streams: raw exchanges, figures, problems.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>

#include "live/eventually.hpp"
#include "live/live_client.hpp"
#include "live/live_hub.hpp"

namespace tidings::test {

struct Exchange {
    std::string bytes;                     // all that came
    Received end = Received::nothing_yet;  // how the peer ended; nothing_yet: it did not
};

// Reads until the peer ends the connection, or patience does.
inline Exchange read_rest(RawSocket& socket) {
    Exchange found;
    const auto over = [&] { return found.end == Received::fin || found.end == Received::reset; };
    eventually([&] {
        found.end = socket.receive(found.bytes, std::chrono::milliseconds{100});
        return over();
    });
    if (!over()) found.end = Received::nothing_yet;
    return found;
}

// Reads until `marker` stands in what came; everything that came.
inline std::string read_past(RawSocket& socket, std::string_view marker) {
    std::string bytes;
    eventually([&] {
        const auto got = socket.receive(bytes, std::chrono::milliseconds{100});
        return bytes.find(marker) != std::string::npos || got == Received::fin || got == Received::reset;
    });
    return bytes;
}

inline Exchange exchange(std::uint16_t port, std::string_view request) {
    RawSocket socket{port};
    socket.send(request);
    return read_rest(socket);
}

// "HTTP/1.1 400 Bad Request…" is 400; 0: no answer.
inline int status_of(std::string_view bytes) {
    return bytes.starts_with("HTTP/1.") && bytes.size() > 12
               ? std::atoi(std::string{bytes.substr(9, 3)}.c_str())
               : 0;
}

inline std::size_t occurrences(std::string_view text, std::string_view part) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size()))
        ++count;
    return count;
}

// A figure of /metrics, such as `tidings_streams` or `tidings_answers_total{status="401"}`; 0 where it is
// absent.
inline double metric(const LiveHub& hub, std::string_view name) {
    const auto page = HttpClient{hub.operations_port()}.get("/metrics").body;
    const std::string line = "\n" + std::string{name} + " ";
    const auto at = page.find(line);
    return at == std::string::npos ? 0 : std::atof(page.substr(at + line.size(), 32).c_str());
}

#if defined(__has_feature)
#if __has_feature(undefined_behavior_sanitizer)
#define TIDINGS_TEST_UBSAN
#endif
#endif
#ifdef TIDINGS_TEST_UBSAN
inline constexpr bool undefined_behavior_sanitized = true;
#else
inline constexpr bool undefined_behavior_sanitized = false;
#endif

// By how much a hub's resident memory may differ where it has nothing more to hold. Sanitizers keep what was
// freed for a while.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::size_t resident_slack = std::size_t{400} << 20;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr std::size_t resident_slack = std::size_t{400} << 20;
#else
inline constexpr std::size_t resident_slack = std::size_t{4} << 20;
#endif
#else
inline constexpr std::size_t resident_slack = std::size_t{4} << 20;
#endif

// RFC 9457, with our type: C-39.
inline void expect_problem(const Response& answer, int status, std::string_view name,
                           std::string_view what = {}) {
    EXPECT_EQ(answer.status, status) << what << "\n" << answer.head << answer.body;
    EXPECT_EQ(answer.field("Content-Type").value_or(""), "application/problem+json") << what;
    EXPECT_EQ(string_in(answer.body, "type"), "urn:tidings:problem:" + std::string{name}) << what;
    EXPECT_EQ(number_in(answer.body, "status"), status) << what;
    EXPECT_NE(string_in(answer.body, "title"), "") << what;
}

// The names of the fields of a head, without Date, in their order.
inline std::string fields_without_date(const Response& answer) {
    std::string text = answer.head;
    const auto date = text.find("Date: ");
    if (date != std::string::npos) text.erase(date, text.find("\r\n", date) + 2 - date);
    return text;
}

}  // namespace tidings::test
