#include "server/shard.hpp"

#include "server/connection.hpp"
#include "server/operations_endpoint.hpp"
#include "server/topic_probe.hpp"

#include <algorithm>
#include <chrono>

namespace tidings {
namespace {

constexpr std::size_t items_per_turn = 256;  // taken from the inbox before they are sent
constexpr std::size_t few_streams = 64;
constexpr std::uint64_t second_ms = 1'000;
constexpr std::uint64_t bound_every_most_ms = 60'000;
constexpr std::uint64_t bound_every_least_ms = 50;

std::chrono::milliseconds shortest_age(const RetentionPolicy& retention) {
    return std::min({retention.user.age, retention.broadcast.age, retention.topic.age});
}

}  // namespace

std::uint64_t steady_ms() noexcept {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

Shard::Shard(HubContext& context)
    : context_{context},
      inbox_{context.settings.take()->config.limits.inbox_bytes,
             [this] {
                 loop_.post([this] {
                     if (!pump_scheduled_) pump();
                 });
             }},
      reactor_{reactor_options(), *this, steady_ms()},
      pool_{context.store, reactor_, context.registry, context.settings.take()->config.limits, hooks()},
      probe_{inbox_, reactor_, loop_},
      tokens_{context.settings.take()->config.limits.token_cache} {
    const auto quarter = static_cast<std::uint64_t>(shortest_age(context.store.retention()).count()) / 4;
    bound_every_ms_ = std::clamp(quarter / 8, bound_every_least_ms, bound_every_most_ms);
}

Shard::~Shard() { stop(); }

ReactorOptions Shard::reactor_options() const {
    const auto settings = context_.settings.take();
    ReactorOptions options;
    options.limits = settings->config.limits;
    options.delivery = settings->config.delivery;
    // Earlier than a quarter of the age, so that what is on its way arrives in time too.
    options.checkpoint_after = shortest_age(context_.store.retention()) / 5;
    options.send_path = settings->config.server.send_path;
    // Spreads those who come back over time, which needs no secret: a system call for each stream would be
    // dear. SplitMix64.
    options.random = [state = context_.random()]() mutable {
        std::uint64_t mixed = state += 0x9e3779b97f4a7c15U;
        mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9U;
        mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebU;
        return mixed ^ mixed >> 31;
    };
    options.wall = [this] { return context_.now(); };
    return options;
}

LoopHooks Shard::hooks() {
    return {[this](Callback<void()> work) { loop_.post(std::move(work)); },
            [this](std::chrono::milliseconds delay, Callback<void()> work) {
                loop_.later(delay, std::move(work));
            },
            [this] {
                accept_inbox(~std::size_t{0});
                schedule_pump();
            }};
}

void Shard::listen(int descriptor, http::Listener kind) {
    const auto settings = context_.settings.take();
    listeners_.push_back(std::make_unique<Listener>(descriptor));
    listeners_.back()->prepare(settings->config.limits, settings->config.delivery.stall);
    listeners_.back()->start(
        loop_, [this, kind](AcceptedSocket socket) { accepted(std::move(socket), kind); },
        [this] { ++counters_.accept_paused; });
}

void Shard::start() {
    loop_.watch_readable(reactor_.descriptor(), [this] { reactor_.poll(steady_ms()); });
    loop_.every(std::chrono::milliseconds{tick_ms}, [this] { on_tick(); });
    loop_.every(std::chrono::milliseconds{second_ms}, [this] { probe_.send(); });
    loop_.post([this] {
        probe_.start(steady_ms());
        probe_.send();
        refresh_bound();
    });
    thread_ = std::thread{[this] { loop_.run(); }};
}

void Shard::stop() {
    if (!thread_.joinable()) return;
    loop_.post([this] {
        const auto open = connections_;
        for (const auto& [raw, connection] : open) connection->close();
        std::vector<StreamHandle> streams;
        reactor_.for_each([&](StreamHandle handle, const StreamRecord&) { streams.push_back(handle); });
        for (const auto handle : streams) reactor_.end(handle, EndReason::stopped);
        loop_.stop();
    });
    thread_.join();
    listeners_.clear();
}

// ---- connections
// ------------------------------------------------------------------------------------------------

void Shard::accepted(AcceptedSocket socket, http::Listener kind) {
    ++counters_.connections_opened;
    const auto settings = context_.settings.take();
    const bool full =
        kind == http::Listener::api && context_.connections.load() >= settings->config.limits.connections;
    if (full) {
        // There is no room even to say so; closing is the cheapest answer, and a browser's retry is its own.
        ++counters_.refused[static_cast<std::size_t>(Refused::connections)];
        return;
    }
    add_connection(std::move(socket), kind, {});
}

void Shard::add_connection(AcceptedSocket socket, http::Listener kind, std::string leftover) {
    ++context_.connections;
    auto connection = std::make_shared<Connection>(*this, std::move(socket), kind, std::move(leftover));
    connections_.emplace(connection.get(), connection);
    connection->start();
}

void Shard::connection_closed(Connection* connection) {
    if (connections_.erase(connection) > 0) --context_.connections;
}

// ---- streams
// ----------------------------------------------------------------------------------------------------

void Shard::open_stream(StreamPlan plan, AcceptedSocket socket) {
    StreamSpec spec;
    spec.descriptor = socket.release();
    spec.options = SocketOptions::inherited;
    spec.opening = std::move(plan.opening);
    spec.framing = plan.framing;
    spec.audiences = plan.catch_up.audiences;
    spec.categories = plan.catch_up.categories;
    spec.subject = plan.subject;
    spec.session = plan.session;
    spec.token = plan.token;
    spec.heartbeat = plan.heartbeat;
    spec.expires_in = plan.expires_in;
    auto adopted = reactor_.adopt(std::move(spec));
    if (!adopted) {
        context_.admission.leave(plan.subject, plan.address);
        context_.say(LogLevel::error, "a stream could not be opened", {{"error", adopted.error().message()}});
        return;
    }
    ++context_.connections;
    facts_.grow_to(adopted->index + 1);
    auto& facts = facts_[adopted->index];
    facts.address = plan.address & Admission::address_mask;
    facts.open = true;
    facts.on_gap = plan.catch_up.on_gap;
    facts.after_end = plan.after_end;
    if (!plan.leftover.empty()) leftovers_.insert_or_assign(adopted->index, std::move(plan.leftover));
    if (context_.draining) {
        reactor_.end(*adopted, EndReason::drained);
    } else {
        plan.catch_up.foreign = context_.store.foreign();
        pool_.begin_at_once(*adopted, std::move(plan.catch_up));
    }
    // A store's thread may have its first events by the loop's next turn: the head leaves with them.
    if (pool_.asks_store(*adopted))
        return loop_.post([this, handle = *adopted] { reactor_.writable(handle); });
    reactor_.writable(*adopted);
}

void Shard::refuse_softly(RefusalPlan plan, AcceptedSocket socket) {
    StreamSpec spec;
    spec.descriptor = socket.release();
    spec.options = SocketOptions::inherited;
    spec.framing = plan.framing;
    ++context_.connections;
    if (!reactor_.refuse(std::move(spec), plan.retry_ms)) --context_.connections;
}

void Shard::probe_topics(const StreamPlan& plan, Callback<void(TopicProbe)> done) {
    // Shared because its own callbacks keep it until it has answered.
    std::make_shared<TopicProber>(
        context_.store, pool_,
        CatchUp{plan.catch_up, context_.registry.take(), context_.settings.take()->config.limits}, hooks(),
        std::move(done))
        ->start();
}

void Shard::fell_behind(StreamHandle handle, Position cursor, std::uint64_t dropped) {
    if (probe_.owns(handle)) return loop_.post([this] { probe_.go_on(); });
    CatchUpRequest request;
    request.foreign = context_.store.foreign();
    auto& facts = facts_[handle.index];
    request.foreign_lost = facts.foreign_lost;
    facts.foreign_lost = false;
    request.audiences = reactor_.audiences_of(handle);
    request.categories = reactor_.categories_of(handle);
    request.on_gap = facts.on_gap;
    request.from = {CatchUpFrom::Kind::position, {}, cursor};
    request.dropped = dropped;
    pool_.begin(handle, std::move(request));
}

void Shard::ended(const StreamEnd& end) {
    pool_.forget(end.handle);
    if (probe_.owns(end.handle)) return;
    --context_.connections;
    if (end.handle.index >= facts_.size() || !facts_[end.handle.index].open) return;  // a soft refusal
    const StreamFacts facts = std::exchange(facts_[end.handle.index], StreamFacts{});
    std::string leftover;
    if (const auto at = leftovers_.find(end.handle.index); at != leftovers_.end()) {
        leftover = std::move(at->second);
        leftovers_.erase(at);
    }
    context_.admission.leave(end.subject, facts.address);
    if (end.descriptor < 0) return;
    AcceptedSocket socket{end.descriptor, facts.address};
    if (facts.after_end == http::Connection::close || context_.draining) return;
    // Not from within the reactor: the next request may be a stream again.
    loop_.post([this, socket = std::move(socket), leftover = std::move(leftover)]() mutable {
        if (!context_.draining) add_connection(std::move(socket), http::Listener::api, std::move(leftover));
    });
}

// ---- the loop's turns
// -------------------------------------------------------------------------------------------

void Shard::schedule_pump() {
    if (std::exchange(pump_scheduled_, true)) return;
    loop_.post([this] {
        pump_scheduled_ = false;
        pump();
    });
}

// Takes frames only when what was taken has been sent: events that come faster than that share their writes.
void Shard::pump() {
    const std::uint64_t now = steady_ms();
    if (!reactor_.flush_pending()) accept_inbox(items_per_turn);
    const bool more = reactor_.flush(now);
    if (more || !inbox_.empty()) schedule_pump();
}

// Where they are few, streams have an event before its publisher has the answer: nobody waits for long, and
// each saves a turn of the loop.
void Shard::serve_few() {
    if (reactor_.streams() <= few_streams && !reactor_.flush_pending()) pump();
}

void Shard::accept_inbox(std::size_t items_max) {
    std::size_t items = 0;
    while (items < items_max) {
        const auto taken = inbox_.take();
        if (taken.overflowed) {
            ++counters_.inbox_overflows;
            if (taken.foreign_lost) foreign_lost();
            reactor_.lose_ring(last_position_);
        }
        if (!taken.batch) return;
        if (taken.batch->broken) {
            if (taken.batch->foreign_lost) foreign_lost();
            reactor_.lose_ring(last_position_);
            // In another life of the store positions begin anew.
            last_position_ = {};
            continue;
        }
        reactor_.accept(*taken.batch);
        items += taken.batch->items.size();
        last_position_ = std::max(last_position_, taken.batch->items.back().position);
    }
}

// Every stream is told when it has caught up, also one that does so already.
void Shard::foreign_lost() {
    for (std::size_t index = 0; index < facts_.size(); ++index) {
        facts_[index].foreign_lost = facts_[index].open;
    }
    for (const auto handle : pool_.note_foreign_lost()) facts_[handle.index].foreign_lost = false;
}

void Shard::on_tick() {
    const std::uint64_t now = steady_ms();
    reactor_.tick(now);
    if (now >= next_bound_ms_) refresh_bound();
}

// Moves the prefix of quiet streams on, so that their checkpoints do not grow old.
void Shard::refresh_bound() {
    if (bound_asked_) return;
    bound_asked_ = true;
    next_bound_ms_ = steady_ms() + bound_every_ms_;
    pool_.bound([this](const Result<Bound>& bound) {
        bound_asked_ = false;
        if (!bound) return;
        reactor_.checkpoint(bound->position, bound->tag);
        last_position_ = std::max(last_position_, bound->position);
    });
}

// ---- operations
// -------------------------------------------------------------------------------------------------

void Shard::drain(std::chrono::milliseconds window, Callback<void()> done) {
    loop_.post([this, window, done = std::move(done)]() mutable {
        const auto open = connections_;
        for (const auto& [raw, connection] : open) connection->close_when_idle();
        drain_some(steady_ms() + static_cast<std::uint64_t>(window.count()), std::move(done));
    });
}

// Ends as many streams as it takes to be through at the end of the window.
void Shard::drain_some(std::uint64_t until_ms, Callback<void()> done) {
    // What was acknowledged before leaves first: a store in memory cannot give it to who comes back.
    accept_inbox(~std::size_t{0});
    while (reactor_.flush(steady_ms())) {
    }
    std::vector<StreamHandle> open;
    std::size_t leaving = 0;
    reactor_.for_each([&](StreamHandle handle, const StreamRecord& record) {
        if (probe_.owns(handle)) return;
        const bool serving = record.state == StreamState::live || record.state == StreamState::catching_up;
        if (serving) {
            open.push_back(handle);
        } else {
            ++leaving;
        }
    });
    const std::uint64_t now = steady_ms();
    // A request that is under way gets its answer, so that its sender knows what became of it.
    const bool answering = now < until_ms && std::any_of(
                                                 connections_.begin(), connections_.end(),
                                                 [](const auto& entry) { return entry.second->busy(); });
    if (open.empty() && leaving == 0 && !answering) return done();
    const std::uint64_t turns = now >= until_ms ? 1 : (until_ms - now) / tick_ms + 1;
    const std::size_t share = (open.size() + turns - 1) / turns;
    for (std::size_t i = 0; i < share; ++i) {
        const std::size_t pick = i + context_.random() % (open.size() - i);
        std::swap(open[i], open[pick]);
        reactor_.end(open[i], EndReason::drained);
    }
    // What has not taken its last bytes by then is given up.
    const std::uint64_t patience = 2 * second_ms;
    if (open.empty() && now > until_ms + patience) return done();
    loop_.later(std::chrono::milliseconds{tick_ms}, [this, until_ms, done = std::move(done)]() mutable {
        drain_some(until_ms, std::move(done));
    });
}

ShardFigures Shard::figures() const {
    ShardFigures figures;
    figures.counters = counters_;
    figures.reactor = reactor_.counters();
    figures.catch_up = pool_.counters();
    figures.streams = reactor_.streams() - probe_.streams();
    figures.audiences = reactor_.audiences() - probe_.streams();
    figures.connections = connections_.size();
    figures.catching_up = pool_.active();
    figures.waiting = pool_.waiting();
    figures.inbox_bytes = inbox_.bytes();
    figures.io_uring = reactor_.send_path() == SendPath::io_uring ? 1 : 0;
    return figures;
}

void Shard::collect(Callback<void(const ShardFigures&)> take) {
    loop_.post([this, take = std::move(take)]() mutable { take(figures()); });
}

std::size_t Shard::stuck_shards() const {
    const std::uint64_t now = steady_ms();
    return static_cast<std::size_t>(std::count_if(context_.shards.begin(), context_.shards.end(),
                                                  [&](const Shard* shard) { return shard->stuck(now); }));
}

void Shard::collect_all(Callback<void(std::string)> done) {
    struct Gathering {
        std::vector<ShardFigures> figures;
        std::size_t missing = 0;
        Callback<void(std::string)> done;
    };
    // Shared by the shards' answers; only this shard's thread touches it.
    auto gathering = std::make_shared<Gathering>(Gathering{{}, context_.shards.size(), std::move(done)});
    for (Shard* shard : context_.shards) {
        shard->collect([this, gathering](const ShardFigures& figures) {
            loop_.post([this, gathering, figures] {
                gathering->figures.push_back(figures);
                if (--gathering->missing > 0) return;
                gathering->done(metrics_text(gathering->figures, context_.store.figures(), context_.broker));
            });
        });
    }
}

void Shard::reconfigure() {
    loop_.post([this] {
        const auto settings = context_.settings.take();
        reactor_.reconfigure(settings->config.delivery, settings->config.limits);
        tokens_.limit(settings->config.limits.token_cache);
        for (const auto& listener : listeners_)
            listener->prepare(settings->config.limits, settings->config.delivery.stall);
    });
}

}  // namespace tidings
