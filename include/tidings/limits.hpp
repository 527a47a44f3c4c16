#pragma once
// Every bound of the system, with its default. docs/limits.md lists them; the configuration sets them.

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tidings {

struct Limits {
    // events
    std::size_t event_bytes = 64 * 1024;      // data of one event
    std::size_t type_bytes = 128;             // an event type's name
    std::size_t name_bytes = 128;             // a topic, a user id, a key
    std::size_t idempotency_key_bytes = 256;  //
    std::size_t json_depth = 64;              // nesting of data
    std::size_t users_per_event = 1000;       // user_ids of one publish
    std::size_t batch_items = 10'000;         // items of one JSON array
    // requests
    std::size_t request_bytes = 8 * 1024 * 1024;  // one body (an NDJSON stream is bounded per line instead)
    std::size_t header_bytes = 16 * 1024;         // the whole head
    std::size_t target_bytes = 8 * 1024;          // the request target
    std::size_t headers = 64;                     // fields in a head
    std::size_t topics_per_stream = 64;
    std::size_t categories_per_stream = 64;
    std::chrono::milliseconds head_timeout{
        10'000};  // from accept (or the end of the last answer's body) to the head
    std::chrono::milliseconds body_timeout{30'000};  // between two reads of a body
    std::chrono::milliseconds idle_timeout{75'000};  // a kept-alive connection without a request
    std::size_t token_cache = 1024;                  // verified tokens that a shard remembers
    // connections
    std::size_t connections = 19'000;  // per process: streams and requests
    std::size_t streams = 18'500;      // per process
    std::size_t streams_per_user = 100;
    std::size_t streams_per_address = 10'000;
    // delivery
    std::size_t queue_bytes = 256 * 1024;        // unsent, per stream
    std::size_t queue_events = 1024;             // unsent, per stream
    std::size_t send_buffer_bytes = 128 * 1024;  // SO_SNDBUF
    std::size_t not_sent_bytes = 64 * 1024;      // TCP_NOTSENT_LOWAT
    std::size_t ring_events = 8192;              // recent frames a shard holds
    std::size_t ring_bytes = 16 * 1024 * 1024;   // the same in bytes
    std::size_t inbox_bytes = 32 * 1024 * 1024;  // handed to a shard and not yet taken
    std::size_t catching_up = 1024;              // streams per shard that read the log at once
    std::size_t page_events = 64;                // one log's page
    std::size_t page_bytes = 64 * 1024;
    std::size_t sends_per_turn = 256;  // then other work gets its turn
    // store
    std::size_t append_batch = 512;     // items of one commit
    std::size_t append_queue = 65'536;  // items waiting for the committer
    std::size_t append_queue_bytes = 64 * 1024 * 1024;
    std::size_t redis_reply_bytes = 64 * 1024 * 1024;        // one answer or message of Redis
    std::size_t redis_output_bytes = 64 * 1024 * 1024;       // for Redis and not yet taken by the kernel
    std::chrono::milliseconds redis_connect_timeout{2'000};  // to a link that is ready
    std::chrono::milliseconds redis_ping_interval{5'000};    // of a silent link
    std::chrono::milliseconds redis_answer_timeout{5'000};   // then the link counts as broken
    std::size_t foreign_search = 2048;                       // entries that one search for an id may read
};

}  // namespace tidings
