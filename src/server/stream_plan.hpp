#pragma once
// What a connection hands to its shard when a request becomes a stream, and what a connection asks of its
// shard.

#include "fanout/catch_up.hpp"
#include "http/request.hpp"
#include "net/listener.hpp"
#include "net/stream_record.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace tidings {

namespace auth {
class TokenCache;
}
struct HubContext;
struct ShardCounters;
class Loop;
class Connection;
class PublishDesk;

// An accepted GET /events.
struct StreamPlan {
    CatchUpRequest catch_up;
    Framing framing = Framing::chunked;
    http::Connection after_end = http::Connection::keep_alive;  // a clean end on HTTP/1.1
    std::chrono::milliseconds heartbeat{15'000};
    std::chrono::milliseconds expires_in{-1};
    std::uint64_t subject = 0, session = 0, token = 0, address = 0;
    FramePtr opening;            // the answer's head and its first lines
    std::string leftover;        // bytes behind the request, for after a clean end; bounded by one read
    bool probes_topics = false;  // topics alone, with a cursor: may be a 204
};

struct RefusalPlan {
    Framing framing = Framing::chunked;
    std::uint32_t retry_ms = 0;
};

enum class TopicProbe : std::uint8_t {
    goes_on,           // there is something to send, now or later
    finished_at_tail,  // every topic is closed and nothing matching follows the cursor: 204
    unknown            // the store did not answer in time
};

// The shard as a connection sees it. All on the shard's thread.
class ConnectionHost {
public:
    virtual void open_stream(StreamPlan plan, AcceptedSocket socket) = 0;
    virtual void refuse_softly(RefusalPlan plan, AcceptedSocket socket) = 0;
    virtual void probe_topics(const StreamPlan& plan, Callback<void(TopicProbe)> done) = 0;
    virtual void connection_closed(Connection* connection) = 0;
    virtual std::uint32_t draw_retry() = 0;
    virtual HubContext& context() noexcept = 0;
    virtual ShardCounters& counters() noexcept = 0;
    virtual auth::TokenCache& tokens() noexcept = 0;
    virtual Loop& connection_loop() noexcept = 0;
    virtual PublishDesk& publish_desk() noexcept = 0;
    // How many shards have not passed their probe on for 2 s.
    virtual std::size_t stuck_shards() const = 0;
    // Every shard's figures, for /metrics; `done` on this shard's thread.
    virtual void collect_all(Callback<void(std::string)> done) = 0;

protected:
    ~ConnectionHost() = default;
};

}  // namespace tidings
