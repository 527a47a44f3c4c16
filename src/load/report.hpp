#pragma once
// What came of a run.

#include "load/histogram.hpp"
#include "load/ledger.hpp"
#include "load/plan.hpp"
#include "load/usage.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidings::load {

// A part that does not apply is empty.
struct Report {
    Mode mode = Mode::fanout;
    std::uint64_t streams = 0;
    double seconds = 0;
    Usage before{}, after{};
    bool has_server = false;

    std::optional<Ledger::Totals> deliveries{};
    std::uint64_t published_per_run = 0;  // publish: events that were answered
    std::uint64_t publish_failed = 0;
    std::uint64_t unpublished = 0;  // due, but the server had not answered earlier ones
    std::uint64_t reads = 0, bytes = 0;
    std::uint64_t refused = 0, ended = 0;
    std::string first_refusal{}, first_publish_failure{};

    std::uint64_t connects = 0;  // connect, and the connecting of the others
    double connect_seconds = 0;
    double connect_server_seconds = 0;          // CPU of the server meanwhile
    std::uint64_t resumes = 0;                  // resume
    std::optional<double> caught_up_seconds{};  // storm

    Histogram latency{}, last_latency{};
    Histogram replay_latency{};  // churn, resume
    std::vector<Memory> memory{};
};

// One JSON object, as the load generator prints it.
std::string json_of(const Report& report);

}  // namespace tidings::load
