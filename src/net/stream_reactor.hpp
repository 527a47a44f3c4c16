#pragma once
// The shard's open streams and the way of frames to them: the data plane.

#include "base/paged_vector.hpp"
#include "fanout/audience_queue.hpp"
#include "fanout/live_item.hpp"
#include "fanout/subscriptions.hpp"
#include "net/send_batch.hpp"
#include "net/stream_record.hpp"
#include "net/stream_writer.hpp"
#include "sse/frame.hpp"

#include <tidings/config.hpp>
#include <tidings/limits.hpp>

#include <boost/container/small_vector.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace tidings {

struct StreamHandle {
    std::uint32_t index = wheel_end;
    std::uint32_t generation = 0;
    auto operator<=>(const StreamHandle&) const = default;
};

// Whether DeliveryConfig::lifetime ends it; the hub's own stream lives as long as the hub.
enum class StreamLife : std::uint8_t { limited, unlimited };

enum class SocketOptions : std::uint8_t {
    unset,
    inherited  // the socket was accepted with them
};

// A stream to be taken over.
struct StreamSpec {
    int descriptor = -1;                     // connected, non-blocking; owned by the reactor from now on
    std::unique_ptr<StreamWriter> writer{};  // instead of a descriptor
    SocketOptions options = SocketOptions::unset;
    // Sent first, together with what else is there when writable() is called; none: the head has been sent.
    FramePtr opening{};
    Framing framing = Framing::chunked;
    StreamLife life = StreamLife::limited;
    std::vector<Audience> audiences;
    CategoryMask categories = all_categories;
    std::uint64_t subject = 0, session = 0, token = 0;
    std::chrono::milliseconds heartbeat{15'000};
    std::chrono::milliseconds expires_in{-1};  // until the credential's end, leeway included; negative: never
};

// What a stream did, for the log and the metrics, when it is over.
struct StreamEnd {
    StreamHandle handle;
    EndReason reason = EndReason::stopped;
    std::uint64_t subject = 0;
    int descriptor = -1;  // after a clean end on HTTP/1.1: the connection goes on with the next request
};

// What the reactor asks of its shard. Called from within the reactor's functions, on its thread; may call
// back.
class StreamHost {
public:
    // A live stream has fallen behind the ring: it is to catch up from `cursor`; `dropped` unretained events
    // are lost.
    virtual void fell_behind(StreamHandle handle, Position cursor, std::uint64_t dropped) = 0;
    // What write() was given has left, or the stream has room again.
    virtual void drained(StreamHandle handle) = 0;
    virtual void ended(const StreamEnd& end) = 0;
    // A watched stream takes no more live events of its audiences; once for each note_watched().
    virtual void left(const std::vector<Audience>&) {}

protected:
    ~StreamHost() = default;
};

struct ReactorOptions {
    Limits limits{};
    DeliveryConfig delivery{};
    SendPath send_path = SendPath::automatic;
    std::chrono::milliseconds checkpoint_after{900'000};  // without another id
    std::chrono::milliseconds expiry_notice{60'000};      // before the credential ends
    std::function<std::uint64_t()> random{};              // draws retries
    std::function<Timestamp()> wall{};                    // only to say when a credential ends
};

struct ReactorCounters {
    std::uint64_t opened = 0, deliveries = 0, writes = 0, bytes = 0, heartbeats = 0, checkpoints = 0,
                  blocked = 0, fell_behind = 0, dropped_events = 0, conflated_events = 0, gaps = 0;
    std::uint64_t ended[8] = {};  // by EndReason
};

// A slab of records, an epoll of its own, the ring of recent frames and the subscription table. Belongs to
// one shard: every function is called on its thread. `now_ms` is a steady clock that the caller reads; it
// never goes back. Memory: the slab, the ring (Limits::ring_*), and unsent frames of blocked streams
// (Limits::queue_*).
class StreamReactor {
public:
    StreamReactor(ReactorOptions options, StreamHost& host, std::uint64_t now_ms);
    ~StreamReactor();
    StreamReactor(const StreamReactor&) = delete;
    StreamReactor& operator=(const StreamReactor&) = delete;

    // Becomes readable when poll() has something to do.
    int descriptor() const noexcept { return epoll_; }

    // The stream begins catching up. Fails (the spec's descriptor is closed) when the kernel refuses the
    // descriptor.
    Result<StreamHandle> adopt(StreamSpec spec);
    // A soft refusal: `retry:`, then an unclean end, also of those that ended() tells. Fails as adopt() does.
    Result<void> refuse(StreamSpec spec, std::uint32_t retry_ms);

    // Where live events are held from now on.
    std::uint64_t hold() const noexcept { return ring_.end(); }
    // Frames from the log, in order. True: they have left. False: drained() will say so, or ended().
    bool write(StreamHandle handle, std::vector<FramePtr> frames, Position prefix);
    // Turns live: `frames` (the end of catching up), then what the hold has beyond `prefix`. False when the
    // ring has moved past the hold: nothing was written.
    bool go_live(StreamHandle handle, std::uint64_t hold, std::vector<FramePtr> frames, Position prefix);
    // A clean end after `frames`.
    void finish(StreamHandle handle, std::vector<FramePtr> frames);
    // An unclean end: `retry:` drawn from the configured range (or `retry_ms`), or at once where nothing can
    // be said.
    void end(StreamHandle handle, EndReason reason, std::uint32_t retry_ms = 0);
    // The store watches the stream's audiences: left() will tell when they are no longer needed. False: it is
    // over already.
    bool note_watched(StreamHandle handle);
    bool watched(StreamHandle handle) const noexcept { return alive(handle) && slab_[handle.index].watched; }
    // Topics that the log showed to be finished.
    void note_closed(std::span<const Audience> topics);

    // Takes items into the ring and queues their audiences. Bounded by the caller: not while flushes are
    // pending.
    void accept(const LiveBatch& batch);
    // The ring has lost items (an inbox overflowed): every live stream reads the log from its cursor.
    void lose_ring(Position prefix);
    // Everything at or before `prefix` has been accepted: a bound of the term `tag`. Its id goes out in
    // checkpoints.
    void checkpoint(Position prefix, std::uint32_t tag);

    // Sends to at most Limits::sends_per_turn streams of queued audiences. True: there are more.
    bool flush(std::uint64_t now_ms);
    bool flush_pending() const noexcept { return !queue_.empty(); }
    // Handles what the kernel reports: room, closed connections.
    void poll(std::uint64_t now_ms);
    // Heartbeats, checkpoints, ends that are due.
    void tick(std::uint64_t now_ms);
    // A writer of the seam has room again, or an opening is to leave; or the peer is gone.
    void writable(StreamHandle handle);
    void peer_gone(StreamHandle handle);

    bool alive(StreamHandle handle) const noexcept;
    StreamState state(StreamHandle handle) const noexcept;
    std::size_t streams() const noexcept { return live_count_; }
    std::size_t audiences() const noexcept { return table_.audience_count(); }
    // What records and audiences take on the heap; not frames, writers of the seam, nor what blocked streams
    // hold.
    std::size_t memory_bytes() const noexcept;
    std::vector<Audience> audiences_of(StreamHandle handle) const;
    CategoryMask categories_of(StreamHandle handle) const { return slab_[handle.index].categories; }
    CredentialMarks marks_of(StreamHandle handle) const noexcept;
    const ReactorCounters& counters() const noexcept { return counters_; }
    // How bytes go to sockets; known from the first write on.
    SendPath send_path() const noexcept { return sends_ ? sends_->path() : SendPath::automatic; }
    // Calls visit(handle, record) for each open stream.
    template <class Visit>
    void for_each(Visit&& visit) const {
        for (std::uint32_t index = 0; index < slab_.size(); ++index) {
            if (slab_[index].state != StreamState::free)
                visit(StreamHandle{index, slab_[index].generation}, slab_[index]);
        }
    }
    void reconfigure(const DeliveryConfig& delivery, const Limits& limits);
    std::uint32_t draw_retry();

private:
    // Unsent frames of a blocked stream: the one that was cut, and control frames behind it.
    struct Output {
        std::vector<FramePtr> frames;
        std::size_t next = 0;
        std::size_t offset = 0;     // of frames[next]
        std::uint64_t dropped = 0;  // events lost behind these frames: told before the next one
        std::uint64_t counted = 0;  // up to this place of the ring, what waits there is counted
        bool fell_behind = false;   // the shard is told when these frames have left
    };
    enum class Sent : std::uint8_t { all, blocked, gone };
    // One of a stream's audiences, from the first item on that the stream has not passed.
    struct Lane {
        Lane(const AudienceNews* its, std::uint64_t from);
        std::uint64_t place() const noexcept { return news->places[at]; }
        bool over() const noexcept { return at == news->places.size(); }
        // What a stream has that stands here, where the item itself may be gone.
        Position before() const noexcept { return at == 0 ? news->before : Position{}; }
        const AudienceNews* news;
        std::size_t at;
    };
    using Lanes = boost::container::small_vector<Lane, 4>;
    struct Waiting {
        std::uint64_t place = 0;
        Position before;
    };
    // What the shard is told of a stream when a batch is settled.
    enum class After : std::uint8_t { gone, behind, finished };
    struct Told {
        StreamHandle handle;
        After what;
    };

    StreamRecord& record(StreamHandle handle) noexcept { return slab_[handle.index]; }
    StreamHandle handle_of(std::uint32_t index) const noexcept { return {index, slab_[index].generation}; }
    Result<std::uint32_t> place(StreamSpec& spec);
    void release(std::uint32_t index, int keep_descriptor);
    void close_abruptly(StreamRecord& record);
    void over(std::uint32_t index, EndReason reason);
    void leave_table(std::uint32_t index);

    SendBackend& sends();
    void collect();
    void visit(std::uint32_t index, const AudienceNews& news);
    void lanes_of(const StreamRecord& record, std::uint64_t from, Lanes& lanes) const;
    bool lacks(const StreamRecord& record, const RingItem& item) const noexcept;
    std::optional<Waiting> first_waiting(const StreamRecord& record) const;
    bool prepare_run(std::uint32_t index, Lane lane);
    std::optional<std::uint32_t> known_run(std::uint64_t place, CategoryMask categories,
                                           Framing framing) const noexcept;
    std::optional<std::uint32_t> new_run(Lane lane, CategoryMask categories, Framing framing);
    void prepare_pieces(std::uint32_t index, Lanes& lanes);
    void send_prepared();
    void settle_whole(const Sending& sending, Position reached);
    void settle(const Sending& sending);
    void settle_heartbeat(const Sending& sending);
    void send_heartbeats();
    void run_after();
    void count_pending(std::uint32_t index);
    void add_pending(StreamRecord& record, const RingItem& item) noexcept;
    bool take_place(StreamRecord& record, const RingItem& item) const;
    void pass_over_replaced(StreamRecord& record);
    void note_pending(std::uint32_t index);
    void settle_lag(std::uint32_t index);
    void count_passed_over(const StreamRecord& record, std::uint64_t ring_index);
    void read_on_at(StreamRecord& record, std::uint64_t ring_index);
    void fall_behind(std::uint32_t index, Position cursor, std::uint64_t dropped);
    std::string_view bytes_of(const StreamRecord& record, const Frame& frame) const noexcept;
    std::ptrdiff_t put(const StreamRecord& record, std::uint32_t index, std::span<const iovec> pieces);
    Sent send_output(std::uint32_t index);
    Sent send_frames(std::uint32_t index, std::span<const FramePtr> frames);
    bool wants(const StreamRecord& record, const RingItem& item) const;
    bool passes_over(const StreamRecord& record, const RingItem& item) const;
    bool concerns(const StreamRecord& record, const RingItem& item) const;
    const FramePtr& frame_for(const StreamRecord& record, const RingItem& item,
                              const RingItem* before) const noexcept;
    Sent send_ring(std::uint32_t index);
    Sent walk_ring(std::uint32_t index);
    Sent send_batch(std::uint32_t index, std::span<const FramePtr> frames, std::size_t& whole);
    void hold_back(StreamRecord& record, FramePtr opening);
    Output& output_of(StreamRecord& record);
    void keep_rest(StreamRecord& record, const FramePtr& frame, std::size_t offset);
    void append_output(std::uint32_t index, std::span<const FramePtr> frames);
    void drop_output(StreamRecord& record);
    void progress(std::uint32_t index);
    void after_flush(std::uint32_t index);
    void wrote(StreamRecord& record) noexcept;

    void reschedule(std::uint32_t index);
    void due(std::uint32_t index);
    bool due_end(std::uint32_t index);
    void due_words(std::uint32_t index);
    Tick ticks(std::chrono::milliseconds duration) const noexcept;
    Tick after(std::chrono::milliseconds duration) const noexcept;
    Tick now() const noexcept { return now_; }

    ReactorOptions options_;
    StreamHost& host_;
    int epoll_ = -1;
    Tick now_ = 0;
    FrameRing ring_;
    SubscriptionTable table_;
    PagedVector<StreamRecord> slab_;
    PagedVector<CredentialMarks> marks_;  // by record, as far as any credential had some
    std::vector<std::uint32_t> free_;
    std::vector<std::unique_ptr<StreamWriter>> writers_;  // by record, only as long as the seam is used
    std::vector<Output> outputs_;
    std::vector<std::uint32_t> free_outputs_;
    AudienceQueue queue_;
    SendBatch batch_;
    Lanes lanes_;
    std::vector<Told> after_;
    std::vector<StreamHandle> beats_;     // heartbeats that are due
    std::unique_ptr<SendBackend> sends_;  // made on the shard's thread, with the first write
    TimerWheel wheel_;
    FramePtr heartbeat_;
    FramePtr end_chunk_;
    FramePtr checkpoint_;
    Position checkpoint_prefix_;
    std::uint32_t checkpoint_tag_ = 0;
    std::size_t live_count_ = 0;
    ReactorCounters counters_;
};

}  // namespace tidings
