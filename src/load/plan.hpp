#pragma once
// What a run is to do.

#include <tidings/result.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidings::load {

enum class Mode : std::uint8_t {
    fanout,
    idle,
    connect,
    resume,
    storm,
    churn,
    publish,
    targeted,
    echo,
    listen
};

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Endpoint {
    std::string host = "127.0.0.1";  // or a name that has an IPv4 address
    std::uint16_t port = 0;
};

// Members of text are templates (text_template.hpp). Rates are per second; 0 is "not asked for".
struct Plan {
    Mode mode = Mode::fanout;
    Endpoint to{};
    std::vector<std::string> source_addresses{};
    std::vector<int> pids{};  // of the server, whose bill is read
    std::size_t streams = 0;
    std::size_t connect_concurrency = 256;
    std::size_t stalled = 0;  // the first streams, which never read
    double seconds = 10;
    double warmup_seconds = 0;
    double drain_seconds = 10;  // how long the last deliveries are waited for

    struct Subscribe {
        std::string path = "/events";
        Headers headers{};
        enum class Open : std::uint8_t { head, body } open = Open::head;  // when it counts as connected
    } subscribe{};

    std::string user = "u{n}";
    std::string key{};     // an HS256 secret; empty: no token
    std::string claims{};  // members of an object that join sub and exp: "\"tidings\":{…}"

    struct Publish {
        Endpoint to{};
        std::string method = "POST", path = "/events", content_type = "application/json";
        Headers headers{};
        std::string body{};
        std::string user = "publisher", claims{};
        std::size_t connections = 1;
        std::size_t pipeline = 1;  // requests of one connection that are not answered yet
        std::size_t batch = 1;  // above 1: one long NDJSON request with so many lines that are not answered
        std::size_t array = 1;  // above 1: requests of a JSON array of up to so many events, which gather
        double array_milliseconds = 10;  // at most so long
    } publish{};

    std::size_t event_bytes = 200;
    double rate = 0;              // events a second, at times that do not depend on the server
    std::size_t outstanding = 0;  // instead: so many events that not all have received

    std::size_t broadcasts = 0, churn_rounds = 0;    // idle
    std::string last_event_id{};                     // resume
    std::size_t expect_events = 10, count = 1000;    // resume
    double every_seconds = 15, offline_seconds = 2;  // churn
};

// From a JSON object. Fails with Errc::invalid_json, unknown_field (a member that no plan has), invalid_field
// or missing_field; the detail names the member.
Result<Plan> read_plan(std::string_view json);
std::string_view name_of(Mode mode) noexcept;

}  // namespace tidings::load
