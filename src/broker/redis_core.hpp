#pragma once
// The Redis store's work, all on one loop: see redis_store.hpp. Split by subject: redis_core.cpp keeps the
// links and the membership, redis_appends.cpp what is written, redis_reads.cpp what is read, redis_live.cpp
// what arrives.

#include "broker/redis_connection.hpp"
#include "broker/redis_store.hpp"
#include "net/loop.hpp"
#include "redis/append_queue.hpp"
#include "redis/channels.hpp"
#include "redis/foreign_desk.hpp"
#include "redis/log_reads.hpp"
#include "redis/names.hpp"
#include "redis/page_share.hpp"
#include "redis/script_calls.hpp"
#include "redis/tail_reads.hpp"
#include "redis/term_book.hpp"
#include "redis/term_text.hpp"
#include "redis/trouble_log.hpp"
#include "redis/wire_entry.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tidings {

// How many entries one reply may hold for certain, of those that are wanted.
inline std::size_t fitting(std::size_t wanted, const Limits& limits) noexcept {
    const auto most = limits.redis_reply_bytes / 4 / std::max<std::size_t>(1, limits.event_bytes);
    return std::clamp<std::size_t>(most, 1, wanted);
}

// Owned by the store, which runs the loop and ends it before this is destroyed; every function is called on
// the loop, figures() on any thread.
class RedisCore {
public:
    RedisCore(RedisStoreOptions options, Loop& loop);
    ~RedisCore();

    using Append = Callback<void(AppendResults)>;
    using BoundDone = Callback<void(Result<Bound>)>;
    using ReadDone = Callback<void(Result<std::vector<LogPage>>)>;
    using FindDone = Callback<void(Result<std::optional<Position>>)>;
    using WatchDone = Callback<void(Result<void>)>;

    // `online` is called once, when everything works for the first time.
    void start(StoreListener* listener, Callback<void()> online);
    // Leaves the partition and answers everything that waits with `cancelled`; `done` when the server has
    // heard of it, or soon.
    void stop(Callback<void()> done);

    void append(std::vector<AppendItem> batch, Append done);
    void bound(BoundDone done);
    void read(ReadRequest request, ReadDone done);
    void find(std::vector<Audience> logs, Uuid id, FindDone done);
    void watch(std::vector<Audience> audiences, WatchDone done);
    void unwatch(const std::vector<Audience>& audiences);

    Store::Figures figures() const;

private:
    struct BoundCall {
        std::uint64_t serial = 0;
        std::vector<BoundDone> waiters;
        std::vector<Entry> foreign;  // found in the logs: handed up when the marker has arrived
        std::optional<Bound> bound;
        bool marked = false;
    };
    struct Reading {
        std::uint64_t number = 0;
        ReadRequest request;           // what has to be asked for
        std::vector<Position> begins;  // where each of its logs was to begin
    };
    struct Search {
        std::vector<Audience> logs;
        Uuid id;
        FindDone done;
        std::size_t log = 0;
        std::size_t left = 0;  // entries that may still be looked at
        std::string before{};  // an entry id; empty: from the newest
    };
    struct LogEnd {  // as it was heard
        Position heard;
        Position ours;
    };
    static constexpr std::size_t marked_max = 4096;
    enum class ScriptName : std::uint8_t { append, bound, state };
    enum class Phase : std::uint8_t { away, joining, online };

    // links and membership: redis_core.cpp
    void make_links();
    void synchronise();
    void subscriber_ready();
    void subscriber_lost(const Error& why);
    void commands_lost(const Error& why);
    void leave_online(const Error& why);
    void close_all();
    void go_online();
    void send_state();
    void on_state(const redis::Value& value);
    void learn(redis::TermFacts facts);
    void suspect_term(TermName name);
    redis::CallHead head();
    redis::ScriptForm form(ScriptName script) noexcept;
    // True: it was an error, and what follows from that was done.
    bool take_error(const redis::Value& value, std::string_view what);
    void tell_refusal(const std::string& what, const redis::ReplyError& error);
    void hurry_others();
    // True: the server does not have the script; the next call brings its source.
    bool lacks(ScriptName script, const redis::Value& value) noexcept;
    void warn(redis::TroubleLog& log, const std::string& text);
    LogSink link_log();
    void tick();
    redis::StateCall state_call() const;
    bool writes() const noexcept { return options_.use != RedisStoreOptions::Use::subscriber; }
    Milliseconds steady() const;
    bool subscribes() const noexcept { return options_.use != RedisStoreOptions::Use::publisher; }
    bool may_evict() const;
    Error away_error() const;

    // appends and bounds: redis_appends.cpp
    void pump();
    void send_call(const redis::AppendQueue::Call& call);
    void on_append_reply(std::uint64_t serial, const redis::Value& value, bool marker_comes);
    void tell_failed_items(std::uint64_t serial, const std::vector<redis::AppendResult>& results);
    void note_promised(const std::vector<redis::AppendResult>& results);
    void note_last_entries(std::uint64_t serial, const redis::AppendReply& reply);
    void settle_replied(std::uint64_t serial);
    void settle_all_replied();
    void wait_for_replicas();
    void hand_out_answers();
    void note_clock(Position position);
    void send_bound();
    void ask_bound();
    void on_bound_reply(const redis::Value& value);
    void finish_bound();
    void fail_bounds(const Error& why);

    // reads: redis_reads.cpp
    void read_part(std::shared_ptr<Reading> reading);
    void fail_read(std::uint64_t number, const Error& why);
    void hand_out_pages();
    void on_pages(const std::shared_ptr<Reading>& reading, std::size_t page_events,
                  const std::vector<redis::Value>& replies);
    redis::ReadContext read_context(const Registry& registry) const;
    void search_on(std::shared_ptr<Search> search);
    bool search_allowed(const std::vector<Audience>& logs);

    // what arrives: redis_live.cpp
    void on_push(redis::Value value);
    void on_message(std::string_view channel, std::string_view text);
    void on_marker(std::string_view text);
    void on_join(std::string_view text);
    void on_event(const Audience& audience, std::string_view text);
    void on_foreign(Entry entry);
    bool follows(const Entry& entry);
    void hand_up(Entry entry);
    void flush();
    void look_for_foreign();
    void look_up(const redis::ForeignDesk::Look& look);
    void look_late(const redis::ForeignDesk::Look& look);
    void read_tail(const Audience& audience, Position after);
    void take_foreign(Entry entry);
    void hears_from_now_on(const Audience& audience);
    void look_between(const Audience& audience, Position after, Position until);
    void break_live();
    void place_foreign(Entry entry);
    void mend();
    void subscribe_soon();
    bool foreign() const noexcept;

    const RedisStoreOptions options_;
    Loop& loop_;
    const std::string instance_;
    const redis::Names names_;
    const redis::Scripts scripts_;
    StoreListener* listener_ = nullptr;
    Callback<void()> first_online_;

    std::unique_ptr<RedisConnection> subscriber_;
    std::unique_ptr<RedisConnection> commands_;
    std::unique_ptr<RedisConnection> reads_;
    std::unique_ptr<RedisConnection> replicas_;

    Phase phase_ = Phase::away;
    bool may_write_ = false;  // its lease holds, and another hub knows of it
    bool told_away_ = false;
    bool stopping_ = false;
    bool leaving_ = false;  // its lease is being given back
    bool state_in_flight_ = false;
    bool state_wanted_ = false;
    std::array<bool, 3> by_source_{};  // scripts that the server does not have
    Milliseconds next_state_ = 0;
    redis::TroubleLog refusals_{20};       // of Redis
    redis::TroubleLog link_troubles_{20};  // of all links together, which mostly fail for one cause
    redis::TroubleLog unreadable_{5};      // what others wrote
    redis::TermBook book_;

    redis::AppendQueue queue_;
    redis::LastEntries last_entries_;
    boost::unordered_flat_map<std::uint64_t, Append> append_waiters_;  // by request
    std::uint64_t next_request_ = 1;
    std::vector<std::uint64_t> marked_;   // serials whose marker came before the reply
    std::vector<std::uint64_t> awaited_;  // serials that wait for replicas
    bool waiting_for_replicas_ = false;

    std::vector<BoundDone> bound_waiters_;
    std::uint64_t bound_after_ = 0;  // the appends before this request come before the bound
    std::vector<Entry> foreign_found_;
    std::optional<BoundCall> bound_call_;
    std::uint64_t next_bound_ = 1;

    redis::PageShare pages_;
    boost::unordered_flat_map<std::uint64_t, ReadDone> read_waiters_;
    std::uint64_t next_read_ = 1;
    redis::WireReader wire_;
    boost::unordered_flat_map<std::string, Position> searched_;
    boost::unordered_flat_map<std::string, std::pair<Milliseconds, std::size_t>> searches_;  // by user

    redis::ChannelSet channels_;
    boost::unordered_flat_map<std::uint64_t, WatchDone> watchers_;
    std::uint64_t next_watcher_ = 1;
    boost::unordered_flat_map<std::string, LogEnd> log_ends_;  // of watched audiences
    std::vector<Entry> live_;
    Position last_position_{};
    bool flush_posted_ = false;
    bool subscribe_posted_ = false;
    bool foreign_timer_ = false;
    std::uint64_t hearing_epoch_ = 0;  // counts the breaks of the subscriber link
    bool hearing_ = false;             // everything that is watched is confirmed since the link was made
    redis::ForeignDesk desk_;
    redis::TailReads tails_;
    Milliseconds broken_at_ = 0;
    bool break_wanted_ = false;

    mutable std::mutex figures_mutex_;
    Store::Figures figures_;
};

}  // namespace tidings
