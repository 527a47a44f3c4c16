#include "broker/redis_core.hpp"

#include "redis/rights.hpp"

#include <algorithm>
#include <chrono>

namespace tidings {
namespace {

constexpr Milliseconds renew_every = 1'000;  // a lease holds for 10 s; a lost data set is noticed within this
constexpr Milliseconds settle_every = 100;   // while others are waited for
constexpr std::chrono::milliseconds tick_every{25};
constexpr std::chrono::milliseconds leave_wait{500};

std::string instance_name(std::uint64_t random) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string name;
    for (int i = 0; i < 16; ++i, random >>= 4) name += digits[random & 15];
    return name;
}

redis::AppendBounds bounds_of(const RedisStoreOptions& options) {
    redis::AppendBounds bounds;
    bounds.call_items = std::min(bounds.call_items, std::max<std::size_t>(1, options.limits.append_batch));
    bounds.items = options.limits.append_queue;
    bounds.bytes = options.limits.append_queue_bytes;
    bounds.patience = static_cast<Milliseconds>(options.store.publish_wait.count());
    return bounds;
}

}  // namespace

RedisCore::RedisCore(RedisStoreOptions options, Loop& loop)
    : options_{std::move(options)},
      loop_{loop},
      instance_{instance_name(options_.random())},
      names_{options_.store.prefix},
      book_{instance_},
      queue_{bounds_of(options_)},
      wire_{options_.limits} {}

RedisCore::~RedisCore() = default;

Milliseconds RedisCore::steady() const {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<Milliseconds>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

Error RedisCore::away_error() const {
    if (stopping_) return {Errc::cancelled, "the store is closed"};
    if (phase_ == Phase::online && book_.pending()) {
        return {Errc::store_unavailable, "Redis has restarted; the other hubs say what they know first"};
    }
    return {Errc::store_unavailable, "Redis is away"};
}

bool RedisCore::may_evict() const {
    const auto& policy = commands_->server().eviction;
    return policy != "noeviction" && policy != "unknown";
}

// ---- links

void RedisCore::make_links() {
    const auto link = [this](std::string_view name, redis::RedisLinkOptions::Use use, auto ready, auto lost,
                             auto pushed) {
        redis::RedisLinkOptions options;
        options.url = options_.url;
        options.client_name = "tidings-" + instance_ + "-" + std::string{name};
        options.use = use;
        options.times.connect = options_.limits.redis_connect_timeout;
        options.times.idle = options_.limits.redis_ping_interval;
        // WAIT is silent for as long as it waits.
        if (name == "replicas") options.times.idle += options_.store.publish_wait;
        options.times.pong = options_.limits.redis_answer_timeout;
        options.replies.bytes = options_.limits.redis_reply_bytes;
        options.output_bytes_max = options_.limits.redis_output_bytes;
        options.seed = options_.random();
        return std::make_unique<RedisConnection>(loop_, std::move(options),
                                                 RedisConnection::Handlers{ready, lost, pushed}, link_log());
    };
    using Use = redis::RedisLinkOptions::Use;
    const auto no_push = [](redis::Value) {};
    const auto again = [this](const redis::ServerInfo&) {
        hurry_others();
        synchronise();
    };
    commands_ =
        link("commands", Use::commands, again, [this](const Error& why) { commands_lost(why); }, no_push);
    reads_ = link("reads", Use::commands, again, [](const Error&) {}, no_push);
    if (options_.store.wait_replicas > 0) {
        replicas_ = link(
            "replicas", Use::commands, [this](const redis::ServerInfo&) { wait_for_replicas(); },
            [](const Error&) {}, no_push);
    }
    if (!subscribes()) return;
    subscriber_ = link(
        "subscriber", Use::subscriber, [this](const redis::ServerInfo&) { subscriber_ready(); },
        [this](const Error& why) { subscriber_lost(why); },
        [this](redis::Value value) { on_push(std::move(value)); });
    channels_.use(names_.hubs_channel());
    channels_.use(names_.hub_channel(instance_));
}

void RedisCore::start(StoreListener* listener, Callback<void()> online) {
    listener_ = listener;
    first_online_ = std::move(online);
    make_links();
    commands_->start();
    reads_->start();
    if (replicas_) replicas_->start();
    if (subscriber_) subscriber_->start();
    loop_.every(tick_every, [this] { tick(); });
}

// Where one link comes up the others can too: they need not wait for their own next attempt.
void RedisCore::hurry_others() {
    for (auto* link : {subscriber_.get(), commands_.get(), reads_.get(), replicas_.get()}) {
        if (link != nullptr && !link->is_ready()) link->hurry();
    }
}

void RedisCore::subscriber_ready() {
    hurry_others();
    subscribe_soon();
    synchronise();
}

void RedisCore::subscriber_lost(const Error& why) {
    ++hearing_epoch_;
    channels_.reset();
    log_ends_.clear();
    tails_.clear();
    flush();
    const bool heard = std::exchange(hearing_, false);
    // What was stored is answered now: its marker will not come any more.
    settle_all_replied();
    if (heard && listener_ != nullptr) {
        const bool lost = options_.store.foreign_producers == ForeignProducers::live;
        listener_->broken(lost ? LinkBreak::foreign_lost : LinkBreak::plain);
    }
    leave_online(why);
}

void RedisCore::commands_lost(const Error& why) {
    state_in_flight_ = false;
    settle_all_replied();
    queue_.link_lost();
    leave_online(why);
}

void RedisCore::leave_online(const Error& why) {
    const bool was = std::exchange(phase_, Phase::away) == Phase::online;
    may_write_ = false;
    fail_bounds(away_error());
    if (!was || stopping_) return;
    told_away_ = true;
    {
        const std::lock_guard lock{figures_mutex_};
        figures_.away = true;
        ++figures_.reconnects;
    }
    if (listener_ != nullptr) listener_->away(why);
}

// Everything is there: then the servers must be one and the same, and the hub takes its place among the
// others.
void RedisCore::synchronise() {
    if (stopping_) return;
    if (!commands_->is_ready() || !reads_->is_ready()) return;
    if (subscribes() && (!subscriber_->is_ready() || (phase_ == Phase::away && !hearing_))) return;
    const auto& run_id = commands_->server().run_id;
    const bool same =
        reads_->server().run_id == run_id && (!subscribes() || subscriber_->server().run_id == run_id);
    if (!same) {
        const Error why{Errc::connection_failed, "the links lead to different servers"};
        reads_->break_link(why);
        if (subscriber_) subscriber_->break_link(why);
        return commands_->break_link(why);
    }
    if (phase_ != Phase::away) return;
    phase_ = Phase::joining;
    wait_for_replicas();
    send_state();
}

void RedisCore::go_online() {
    phase_ = Phase::online;
    refusals_.forget();
    link_troubles_.forget();
    {
        const std::lock_guard lock{figures_mutex_};
        figures_.away = false;
    }
    if (std::exchange(told_away_, false) && listener_ != nullptr) listener_->back();
    if (first_online_) std::exchange(first_online_, {})();
    pump();
    send_bound();
}

// ---- the script of leases and terms

redis::CallHead RedisCore::head() {
    const auto& server = commands_->server();
    redis::CallHead head;
    head.run_id = server.run_id;
    head.instance = instance_;
    head.known = book_.known();
    head.fresh_tag = static_cast<std::uint32_t>(options_.random());
    head.server = server.address;
    const auto declared = options_.store.redis_fsync;
    head.durable = declared == RedisFsync::ask ? server.fsync == "always" : declared == RedisFsync::always;
    head.promoted = server.promoted;
    head.retention = options_.store.retention;
    // Other systems' readers take whole logs: a cap of 1,000 leaves 1,100 entries at most.
    auto& events = head.retention.user.events;
    if (options_.store.foreign_consumers) events = std::min<std::size_t>(events, 1'000);
    if (options_.clock) head.wall = options_.clock();
    head.foreign = options_.store.foreign_producers == ForeignProducers::retained;
    head.evicts = may_evict();
    return head;
}

// By its source once after the server has forgotten it.
redis::ScriptForm RedisCore::form(ScriptName script) noexcept {
    const bool source = std::exchange(by_source_[static_cast<std::size_t>(script)], false);
    return source ? redis::ScriptForm::by_source : redis::ScriptForm::by_sha;
}

bool RedisCore::lacks(ScriptName script, const redis::Value& value) noexcept {
    if (!value.is_error() || redis::classify(value.text).kind != redis::ReplyError::Kind::no_script)
        return false;
    by_source_[static_cast<std::size_t>(script)] = true;
    return true;
}

redis::StateCall RedisCore::state_call() const {
    auto call = book_.state_call();
    if (!writes()) call.part = redis::StateCall::Part::reader;
    return call;
}

void RedisCore::send_state() {
    if (stopping_ || leaving_ || phase_ == Phase::away || !commands_->is_ready()) return;
    state_wanted_ = true;
    if (state_in_flight_) return;
    state_wanted_ = false;
    state_in_flight_ = true;
    next_state_ = steady() + renew_every;
    auto bytes = redis::state_command(scripts_, form(ScriptName::state), names_, head(), state_call());
    commands_->send(std::move(bytes), 1, [this](Result<std::vector<redis::Value>> reply) {
        state_in_flight_ = false;
        if (!reply || stopping_) return;
        on_state(reply->front());
        if (state_wanted_) send_state();
    });
}

void RedisCore::on_state(const redis::Value& value) {
    next_state_ = steady() + settle_every;
    if (lacks(ScriptName::state, value)) return send_state();
    if (take_error(value, "a lease in " + names_.partition())) return;
    auto reply = redis::parse_state_reply(value);
    if (!reply) {
        warn(refusals_,
             "the script of leases answered something else; is another version of Tidings on this Redis?");
        return;
    }
    const auto told = book_.version();
    const bool ready = book_.joined(*reply);
    // Who joined waits until this hub says that it knows.
    if (told != book_.version()) state_wanted_ = true;
    learn(std::move(reply->facts));
    if (phase_ == Phase::away) return;
    // Another hub counts on this one from now on, so what it is acknowledged can be vouched for.
    if (!ready && writes() && phase_ == Phase::joining && options_.log) {
        options_.log(
            LogLevel::info,
            "publishes wait for another writer on this Redis to answer, or for its lease to run out (10 s)",
            {});
    }
    may_write_ = ready && writes();
    if (phase_ == Phase::joining) go_online();
    if (ready && !book_.pending()) next_state_ = steady() + renew_every;
    pump();
}

void RedisCore::learn(redis::TermFacts facts) {
    const bool first = book_.known().number == 0;
    if (!book_.learn(std::move(facts))) return;
    settle_all_replied();
    log_ends_.clear();
    tails_.clear();
    pages_.clear();
    flush();
    if (listener_ != nullptr) {
        listener_->term_changed(*book_.table());
        const bool lost = options_.store.foreign_producers == ForeignProducers::live;
        if (!first) listener_->broken(lost ? LinkBreak::foreign_lost : LinkBreak::plain);
    }
    fail_bounds(away_error());
    send_state();
}

void RedisCore::suspect_term(TermName name) {
    if (name != book_.known()) send_state();
}

bool RedisCore::take_error(const redis::Value& value, std::string_view what) {
    if (!value.is_error()) return false;
    const auto error = redis::classify(value.text);
    tell_refusal(std::string{what}, error);
    if (error.link == redis::ReplyError::Link::break_it) {
        const auto why = error.error();
        if (subscriber_) subscriber_->break_link(why);
        reads_->break_link(why);
        commands_->break_link(why);
    }
    return true;
}

void RedisCore::tell_refusal(const std::string& what, const redis::ReplyError& error) {
    warn(refusals_, "Redis refuses " + what + ": " + error.error().detail);
    if (error.kind != redis::ReplyError::Kind::no_permission) return;
    warn(refusals_, "the user of the URL needs all of these rights on Redis: " +
                        redis::rights_needed(options_.store.prefix));
}

LogSink RedisCore::link_log() {
    if (!options_.log) return {};
    return [this](LogLevel level, std::string_view text, std::initializer_list<LogField> fields) {
        const bool says = level < LogLevel::warning || link_troubles_.says(std::string{text}, steady());
        if (says) options_.log(level, text, fields);
    };
}

void RedisCore::warn(redis::TroubleLog& log, const std::string& text) {
    if (options_.log && log.says(text, steady())) options_.log(LogLevel::warning, text, {});
}

void RedisCore::tick() {
    if (stopping_) return;
    const auto now = steady();
    queue_.expire(now);
    hand_out_answers();
    pump();
    if (phase_ != Phase::away && now >= next_state_) send_state();
    look_for_foreign();
    mend();
    send_bound();
}

void RedisCore::stop(Callback<void()> done) {
    flush();
    if (writes() && phase_ != Phase::away && commands_->is_ready()) {
        // What was asked before is answered before: replies come in order.
        leaving_ = true;
        redis::StateCall leave;
        leave.part = redis::StateCall::Part::leaving;
        auto bytes = redis::state_command(scripts_, form(ScriptName::state), names_, head(), leave);
        // Shared between the reply and the clock: whichever comes first.
        auto once = std::make_shared<Callback<void()>>(std::move(done));
        const auto end = [this, once] {
            if (!*once) return;
            auto last = std::exchange(*once, {});
            close_all();
            last();
        };
        commands_->send(std::move(bytes), 1, [end](const Result<std::vector<redis::Value>>&) { end(); });
        return loop_.later(leave_wait, end);
    }
    close_all();
    done();
}

void RedisCore::close_all() {
    settle_all_replied();
    stopping_ = true;
    queue_.close();
    hand_out_answers();
    const Error why{Errc::cancelled, "the store is closed"};
    if (bound_call_) fail_bounds(why);
    for (auto& waiter : std::exchange(bound_waiters_, {})) waiter(why);
    for (auto& [number, done] : std::exchange(watchers_, {})) done(why);
    for (auto& [number, done] : std::exchange(read_waiters_, {})) done(why);
    for (auto* link : {subscriber_.get(), commands_.get(), reads_.get(), replicas_.get()}) {
        if (link != nullptr) link->stop();
    }
    listener_ = nullptr;
}

Store::Figures RedisCore::figures() const {
    const std::lock_guard lock{figures_mutex_};
    return figures_;
}

}  // namespace tidings
