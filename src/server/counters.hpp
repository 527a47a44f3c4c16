#pragma once
// What a shard counts. Plain numbers: only its own thread touches them, and a scrape asks that thread.

#include "net/stream_reactor.hpp"
#include "server/catch_up_pool.hpp"
#include "server/context.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace tidings {

struct ShardCounters {
    std::uint64_t connections_opened = 0;
    std::uint64_t accept_paused = 0;  // no descriptors left
    std::uint64_t streams_http_1_0 = 0;
    std::uint64_t streams_http_1_1 = 0;
    std::uint64_t resumes = 0;  // streams that came with a cursor
    std::uint64_t soft_refusals = 0;
    std::array<std::uint64_t, refused_kinds> refused{};
    std::array<std::uint64_t, 600> answers{};  // by status
    std::uint64_t malformed = 0;
    std::uint64_t timeouts = 0;         // slow heads and bodies
    std::uint64_t published = 0;        // events that a publish was answered for with success
    std::uint64_t publish_refused = 0;  // items
    std::uint64_t domain_mapped = 0;
    std::uint64_t domain_ignored = 0;  // unmapped names
    std::uint64_t domain_no_user = 0;
    std::uint64_t domain_failed = 0;
    std::uint64_t inbox_overflows = 0;
};

struct ShardFigures {
    ShardCounters counters;
    ReactorCounters reactor;
    CatchUpCounters catch_up;
    std::size_t streams = 0;
    std::size_t audiences = 0;
    std::size_t connections = 0;
    std::size_t catching_up = 0;
    std::size_t waiting = 0;
    std::size_t inbox_bytes = 0;
    std::size_t io_uring = 0;  // 1: it sends through io_uring
};

}  // namespace tidings
