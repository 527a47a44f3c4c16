#include <tidings/hub.hpp>

#include "base/json.hpp"
#include "base/store_url.hpp"
#include "broker/broker.hpp"
#include "broker/redis_store.hpp"
#include "event/conflation_key.hpp"
#include "net/lifecycle.hpp"
#include "net/listener.hpp"
#include "net/send_backend.hpp"
#include "server/keys.hpp"
#include "server/shard.hpp"
#include "store/idempotency.hpp"
#include "store/lmdb_store.hpp"
#include "store/memory_store.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <thread>

namespace tidings {
namespace {

Milliseconds wall_ms() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<Milliseconds>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

std::uint64_t random_number() {
    std::uint64_t number = 0;
    RAND_bytes(reinterpret_cast<unsigned char*>(&number), sizeof number);
    return number;
}

Result<std::unique_ptr<Store>> make_redis(const Config& config, Snapshot<Registry>& registry,
                                          const LogSink& log) {
    auto url = redis::RedisUrl::parse(config.store.url);
    if (!url) return url.error();
    RedisStoreOptions options;
    options.url = *std::move(url);
    options.store = config.store;
    options.limits = config.limits;
    options.random = random_number;
    options.registry = [&registry] { return registry.take(); };
    options.log = log;
    return make_redis_store(std::move(options));
}

Result<std::unique_ptr<Store>> make_store(const Config& config, Snapshot<Registry>& registry,
                                          const LogSink& log) {
    if (config.store.url.starts_with("redis")) return make_redis(config, registry, log);
    StoreOptions options;
    options.retention = config.store.retention;
    options.limits = config.limits;
    options.clock = wall_ms;
    options.random = random_number;
    const std::string& url = config.store.url;
    if (url == "memory:") return make_memory_store(std::move(options));
    if (!url.starts_with("lmdb:") || url.size() == 5) {
        return Error{Errc::invalid_field,
                     "the store '" + without_password(url) + "' is not one that this build can open"};
    }
    LmdbOptions lmdb;
    lmdb.store = std::move(options);
    lmdb.directory = url.substr(5);
    lmdb.durability = config.store.durability;
    lmdb.map_bytes = config.store.lmdb_map;
    lmdb.note = [log](std::string_view text) {
        if (log) log(LogLevel::warning, text, {});
    };
    return make_lmdb_store(std::move(lmdb));
}

// A reload may add categories but not renumber those that live streams have chosen.
bool keeps_categories(const Registry& before, const Registry& after) {
    return after.categories().size() >= before.categories().size() &&
           std::equal(before.categories().begin(), before.categories().end(), after.categories().begin());
}

// What a reload finds changed, by the names a person knows.
class Changed {
public:
    template <class T>
    void check(const char* name, const T& old_value, const T& new_value) {
        if (!(old_value == new_value)) names.emplace_back(name);
    }
    std::vector<std::string> names;
};

void check_limits(Changed& changed, const Limits& before, const Limits& after) {
    changed.check("server.limits.event_bytes", before.event_bytes, after.event_bytes);
    changed.check("server.limits.catching_up", before.catching_up, after.catching_up);
    changed.check("server.limits.page_events", before.page_events, after.page_events);
    changed.check("server.limits.page_bytes", before.page_bytes, after.page_bytes);
    changed.check("server.limits.append_batch", before.append_batch, after.append_batch);
    changed.check("server.limits.append_queue", before.append_queue, after.append_queue);
    changed.check("server.limits.append_queue_bytes", before.append_queue_bytes, after.append_queue_bytes);
    changed.check("server.limits.redis_reply_bytes", before.redis_reply_bytes, after.redis_reply_bytes);
    changed.check("server.limits.redis_output_bytes", before.redis_output_bytes, after.redis_output_bytes);
    changed.check("server.limits.redis_connect_timeout", before.redis_connect_timeout,
                  after.redis_connect_timeout);
    changed.check("server.limits.redis_ping_interval", before.redis_ping_interval, after.redis_ping_interval);
    changed.check("server.limits.redis_answer_timeout", before.redis_answer_timeout,
                  after.redis_answer_timeout);
    changed.check("server.limits.foreign_search", before.foreign_search, after.foreign_search);
    changed.check("server.limits.ring_events", before.ring_events, after.ring_events);
    changed.check("server.limits.ring_bytes", before.ring_bytes, after.ring_bytes);
    changed.check("server.limits.inbox_bytes", before.inbox_bytes, after.inbox_bytes);
}

// The settings that a running hub cannot change, by the names a person knows.
std::vector<std::string> needing_restart(const Config& before, const Config& after) {
    Changed changed;
    changed.check("server.listen", before.server.listen, after.server.listen);
    changed.check("server.base_path", before.server.base_path, after.server.base_path);
    changed.check("server.shards", before.server.shards, after.server.shards);
    changed.check("server.send_path", before.server.send_path, after.server.send_path);
    changed.check("store.url", before.store.url, after.store.url);
    changed.check("store.durability", before.store.durability, after.store.durability);
    changed.check("store.lmdb_map", before.store.lmdb_map, after.store.lmdb_map);
    changed.check("store.prefix", before.store.prefix, after.store.prefix);
    changed.check("store.redis_fsync", before.store.redis_fsync, after.store.redis_fsync);
    changed.check("store.wait_replicas", before.store.wait_replicas, after.store.wait_replicas);
    changed.check("store.foreign_producers", before.store.foreign_producers, after.store.foreign_producers);
    changed.check("store.foreign_consumers", before.store.foreign_consumers, after.store.foreign_consumers);
    if (is_redis_url(before.store.url))
        changed.check("store.publish_wait", before.store.publish_wait, after.store.publish_wait);
    changed.check("store.retention", before.store.retention, after.store.retention);
    changed.check("operations.listen", before.operations.listen, after.operations.listen);
    changed.check("log.format", before.log.format, after.log.format);
    check_limits(changed, before.limits, after.limits);
    return std::move(changed.names);
}

}  // namespace

struct Hub::Impl {
    Impl(Config config, Registry registry, LogSink sink)
        : first{std::move(config)},
          log{std::move(sink)},
          registry_snapshot{std::make_shared<const Registry>(std::move(registry))} {}

    Result<void> start();
    Result<void> choose_send_path();
    Result<void> bind(std::size_t shard_count);
    Result<void> bind_operations();
    void stop();
    void shards_drained();

    Config first;
    LogSink log;
    Snapshot<Registry> registry_snapshot;
    std::unique_ptr<Snapshot<Settings>> settings;
    std::unique_ptr<Broker> broker;
    std::unique_ptr<Store> store;
    std::unique_ptr<Admission> admission;
    std::unique_ptr<HubContext> context;
    std::vector<std::unique_ptr<Shard>> shards;
    std::vector<std::string> addresses;
    std::string operations;
    auth::HashKey hash_key{};

    Lifecycle life;
    std::thread reaper;
};

Result<void> Hub::Impl::start() {
    if (first.auth.keys.empty()) {
        return Error{Errc::invalid_field, "no keys: a hub is private by default. Configure [[auth.key]]"};
    }
    RAND_bytes(hash_key.data(), static_cast<int>(hash_key.size()));
    auto authenticator = make_authenticator(first.auth, hash_key);
    if (!authenticator) return authenticator.error();
    settings = std::make_unique<Snapshot<Settings>>(std::make_shared<const Settings>(
        Settings{first, std::make_shared<const auth::Authenticator>(*std::move(authenticator))}));
    broker = std::make_unique<Broker>(registry_snapshot, first.limits, log);
    auto made = make_store(first, registry_snapshot, log);
    if (!made) return made.error();
    store = std::move(*made);
    admission = std::make_unique<Admission>(first.limits);
    context.reset(new HubContext{*settings, registry_snapshot, http::Routes{first.server.base_path}, *store,
                                 *broker, *admission, log, wall_ms, random_number});
    if (auto chosen = choose_send_path(); !chosen) return chosen;
    const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
    const std::size_t count = first.server.shards != 0 ? first.server.shards : cores;
    for (std::size_t i = 0; i < count; ++i) {
        shards.push_back(std::make_unique<Shard>(*context));
        context->shards.push_back(shards.back().get());
        broker->attach(&shards.back()->inbox());
    }
    if (auto bound = bind(count); !bound) return bound;
    if (auto bound = bind_operations(); !bound) return bound;
    if (auto opened = store->open(broker.get()); !opened) return opened;
    for (auto& shard : shards) shard->start();
    life.started();
    return {};
}

// Who asks for io_uring by name is told where there is none; `auto` takes what there is.
Result<void> Hub::Impl::choose_send_path() {
    const SendPath wish = first.server.send_path;
    if (wish == SendPath::send) {
        context->say(LogLevel::info, "events go to sockets by send", {{"send_path", "send"}});
        return {};
    }
    const auto offered = uring_offered();
    if (!offered && wish == SendPath::io_uring) {
        return Error{Errc::invalid_field, "server.send_path is \"io_uring\", but " + offered.error().detail +
                                              "; \"auto\" and \"send\" work everywhere"};
    }
    if (offered) {
        context->say(LogLevel::info, "events go to sockets through io_uring", {{"send_path", "io_uring"}});
    } else {
        context->say(LogLevel::info, "events go to sockets by send",
                     {{"send_path", "send"}, {"why", offered.error().detail}});
    }
    return {};
}

Result<void> Hub::Impl::bind(std::size_t shard_count) {
    for (const auto& text : first.server.listen) {
        const auto address = ListenAddress::parse(text);
        if (!address) return address.error();
        auto descriptors = open_listeners(*address, shard_count);
        if (!descriptors) return descriptors.error();
        addresses.push_back("http://" + bound_address(descriptors->front()));
        for (std::size_t i = 0; i < shard_count; ++i)
            shards[i]->listen((*descriptors)[i], http::Listener::api);
    }
    return {};
}

Result<void> Hub::Impl::bind_operations() {
    auto address = ListenAddress::parse(first.operations.listen);
    if (!address) return address.error();
    auto descriptors = open_listeners(*address, 1);
    if (!descriptors && !first.operations.listen_set && address->port != 0) {
        // Nobody asked for this very port: another will do, and is printed.
        address->port = 0;
        descriptors = open_listeners(*address, 1);
    }
    if (!descriptors) return descriptors.error();
    operations = "http://" + bound_address(descriptors->front());
    shards.front()->listen(descriptors->front(), http::Listener::operations);
    return {};
}

void Hub::Impl::stop() {
    if (!life.begin_stopping()) return;
    // The streams first, so that none sees the store go; then the store, whose callbacks find the loops still
    // there.
    for (auto& shard : shards) shard->stop();
    if (store) store->close();
    life.over();
}

// Called on each shard's thread when its last stream has ended; stopping joins those threads, so another does
// it.
void Hub::Impl::shards_drained() {
    if (life.part_drained()) reaper = std::thread{[this] { stop(); }};
}

Hub::Hub(Config config, Registry registry, LogSink log)
    : impl_{std::make_unique<Impl>(std::move(config), std::move(registry), std::move(log))} {}

Hub::~Hub() {
    impl_->stop();
    if (impl_->reaper.joinable()) impl_->reaper.join();
    // Before the store and the broker, which their callbacks refer to, and after the threads have ended.
    impl_->store.reset();
    impl_->shards.clear();
}

Result<void> Hub::start() { return impl_->start(); }

std::vector<std::string> Hub::addresses() const { return impl_->addresses; }

std::string Hub::operations_address() const { return impl_->operations; }

void Hub::drain() {
    auto& impl = *impl_;
    if (!impl.life.begin_draining(impl.shards.size())) return;
    impl.context->draining = true;
    const auto window = impl.settings->take()->config.delivery.drain;
    for (auto& shard : impl.shards) {
        shard->drain(window, [&impl] { impl.shards_drained(); });
    }
}

void Hub::stop() { impl_->stop(); }

void Hub::wait() { impl_->life.wait_until_over(); }

std::vector<std::string> Hub::reload(Config config, Registry registry) {
    auto& impl = *impl_;
    const auto before = impl.settings->take();
    // Compared with what runs, not with what an earlier reload asked for in vain.
    auto names = needing_restart(impl.first, config);
    if (keeps_categories(*impl.registry_snapshot.take(), registry)) {
        impl.registry_snapshot.put(std::make_shared<const Registry>(std::move(registry)));
    } else {
        names.emplace_back("registry (its categories were removed or moved)");
    }
    auto authenticator = make_authenticator(config.auth, impl.hash_key);
    const bool usable = authenticator && !config.auth.keys.empty();
    if (!usable) {
        names.emplace_back("auth (" +
                           (authenticator ? std::string{"no keys"} : authenticator.error().detail) + ")");
        authenticator = make_authenticator(before->config.auth, impl.hash_key);
        config.auth = before->config.auth;
        if (!authenticator) return names;
    }
    impl.admission->reconfigure(config.limits);
    impl.settings->put(std::make_shared<const Settings>(
        Settings{std::move(config), std::make_shared<const auth::Authenticator>(*std::move(authenticator))}));
    for (auto& shard : impl.shards) shard->reconfigure();
    return names;
}

void Hub::publish(EventDraft draft, std::function<void(Result<Uuid>)> done) {
    auto& impl = *impl_;
    const auto registry = impl.registry_snapshot.take();
    const auto* type = registry->find(draft.type);
    if (type == nullptr)
        return done(Error{Errc::unknown_type, "the registry has no type '" + draft.type + "'"});
    const auto settings = impl.settings->take();  // kept: a reload may replace it meanwhile
    const auto& limits = settings->config.limits;
    auto data = minified(draft.data, limits);
    if (!data) return done(data.error());
    if (data->size() > limits.event_bytes) return done(Error{Errc::event_too_large});
    if (auto checked = registry->check_data(draft.type, *data); !checked) return done(checked.error());
    if (!draft.key.empty()) {
        if (auto usable = check_given_key(type, draft.type, draft.key, limits); !usable)
            return done(usable.error());
    }
    AppendItem item;
    item.audience = draft.audience;
    item.type = draft.type;
    item.category = type->category;
    item.retain = type->retain;
    item.data = std::move(*data);
    item.key = draft.key;
    item.occurred_at = draft.occurred_at.value_or(Timestamp{std::chrono::milliseconds{wall_ms()}});
    if (!draft.idempotency_key.empty() && item.retain) {
        item.idempotency = idempotency_of({}, item, draft.idempotency_key, {});
    }
    item.key = conflation_key(type, draft.key, item.data, limits);
    std::vector<AppendItem> items;
    items.push_back(std::move(item));
    impl.store->append(std::move(items), [done = std::move(done)](const AppendResults& results) {
        if (!results.front()) return done(results.front().error());
        done(results.front()->id);
    });
}

}  // namespace tidings
