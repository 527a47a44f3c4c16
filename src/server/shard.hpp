#pragma once
// One core's share of the hub: a loop, its listeners, its connections and streams, and its inbox.

#include "auth/token_cache.hpp"
#include "base/paged_vector.hpp"
#include "http/routes.hpp"
#include "net/inbox.hpp"
#include "net/listener.hpp"
#include "net/loop.hpp"
#include "net/stream_reactor.hpp"
#include "server/catch_up_pool.hpp"
#include "server/context.hpp"
#include "server/counters.hpp"
#include "server/publish_desk.hpp"
#include "server/self_probe.hpp"
#include "server/stream_plan.hpp"

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace tidings {

class Connection;

// Owned by the hub, which opens the store before start() and closes it before the destructor. Private
// functions run on the shard's thread. Bounds: Limits, each with its counter.
class Shard final : public StreamHost, public ConnectionHost {
public:
    explicit Shard(HubContext& context);
    ~Shard();

    Inbox& inbox() noexcept { return inbox_; }

    // Before start(): takes over a listening socket.
    void listen(int descriptor, http::Listener kind);
    void start();
    // From any thread: ends the streams over the window, then calls `done` on the shard's thread.
    void drain(std::chrono::milliseconds window, Callback<void()> done);
    // From any thread: ends everything; the thread has ended when it returns. Idempotent.
    void stop();
    // From any thread: `take` gets this shard's figures on its thread.
    void collect(Callback<void(const ShardFigures&)> take);
    // From any thread: takes over what a reload changed.
    void reconfigure();
    bool stuck(std::uint64_t now_ms) const noexcept { return probe_.stuck(now_ms); }

    void open_stream(StreamPlan plan, AcceptedSocket socket) override;
    void refuse_softly(RefusalPlan plan, AcceptedSocket socket) override;
    void probe_topics(const StreamPlan& plan, Callback<void(TopicProbe)> done) override;
    void connection_closed(Connection* connection) override;
    std::uint32_t draw_retry() override { return reactor_.draw_retry(); }
    HubContext& context() noexcept override { return context_; }
    ShardCounters& counters() noexcept override { return counters_; }
    auth::TokenCache& tokens() noexcept override { return tokens_; }
    Loop& connection_loop() noexcept override { return loop_; }
    PublishDesk& publish_desk() noexcept override { return desk_; }
    std::size_t stuck_shards() const override;
    void collect_all(Callback<void(std::string)> done) override;

    void fell_behind(StreamHandle handle, Position cursor, std::uint64_t dropped) override;
    void drained(StreamHandle handle) override { pool_.drained(handle); }
    void ended(const StreamEnd& end) override;
    void left(const std::vector<Audience>& audiences) override { context_.store.unwatch(audiences); }

private:
    // What a stream's record has no room for, and only its lags and its end ask for.
    struct StreamFacts {
        std::uint64_t address : 60 = 0;  // as Admission counts it
        bool open : 1 = false;           // false: a soft refusal's, or nobody's
        OnGap on_gap : 1 = OnGap::live;
        http::Connection after_end : 1 = http::Connection::keep_alive;
        bool foreign_lost : 1 = false;  // to be told when it has caught up the next time
    };
    static_assert(sizeof(StreamFacts) == 8);

    void accepted(AcceptedSocket socket, http::Listener kind);
    void add_connection(AcceptedSocket socket, http::Listener kind, std::string leftover);
    void pump();
    void serve_few();
    void schedule_pump();
    void accept_inbox(std::size_t items_max);
    void foreign_lost();
    void on_tick();
    void refresh_bound();
    void drain_some(std::uint64_t until_ms, Callback<void()> done);
    ShardFigures figures() const;
    ReactorOptions reactor_options() const;
    LoopHooks hooks();

    HubContext& context_;
    Loop loop_;
    Inbox inbox_;
    StreamReactor reactor_;
    CatchUpPool pool_;
    SelfProbe probe_;
    ShardCounters counters_;
    auth::TokenCache tokens_;
    PublishDesk desk_{context_.store, loop_, counters_, [this] { serve_few(); }};
    std::vector<std::unique_ptr<Listener>> listeners_;
    boost::unordered_flat_map<Connection*, std::shared_ptr<Connection>> connections_;
    PagedVector<StreamFacts> facts_;  // by the handle's index
    // Bytes behind the requests of the few that sent any, by the same.
    boost::unordered_flat_map<std::uint32_t, std::string> leftovers_;
    Position last_position_{};
    std::uint64_t next_bound_ms_ = 0;
    std::uint64_t bound_every_ms_ = 0;
    bool pump_scheduled_ = false;
    bool bound_asked_ = false;
    std::thread thread_;
};

}  // namespace tidings
