#pragma once
// For tests and counts of connections: a shard as far as a connection sees one, but for its streams.

#include "auth/token_cache.hpp"
#include "broker/broker.hpp"
#include "server/connection.hpp"
#include "server/counters.hpp"
#include "server/keys.hpp"
#include "server/publish_desk.hpp"
#include "store/memory_store.hpp"

#include <map>
#include <memory>
#include <utility>

namespace tidings {

// Opens nothing: what it is built on is opened by whoever uses it, with broker_ as the listener.
class ConnectionScene : public ConnectionHost {
public:
    static constexpr Milliseconds wall = 1'700'000'000'000;

    static std::unique_ptr<Store> memory_store() {
        StoreOptions options;
        options.clock = [] { return wall; };
        options.random = [] { return std::uint64_t{0x1234}; };
        return make_memory_store(std::move(options));
    }

    ConnectionScene(const Config& config, std::shared_ptr<const Registry> registry,
                    std::unique_ptr<Store> store)
        : settings_{std::make_shared<const Settings>(Settings{
              config, std::make_shared<const auth::Authenticator>(*make_authenticator(config.auth, {}))})},
          registry_{std::move(registry)},
          store_{std::move(store)},
          admission_{config.limits},
          tokens_{config.limits.token_cache} {}

    std::size_t connections() const noexcept { return open_.size(); }

    void connection_closed(Connection* connection) override { open_.erase(connection); }
    std::uint32_t draw_retry() override { return 1000; }
    HubContext& context() noexcept override { return context_; }
    ShardCounters& counters() noexcept override { return counters_; }
    auth::TokenCache& tokens() noexcept override { return tokens_; }
    Loop& connection_loop() noexcept override { return loop_; }
    PublishDesk& publish_desk() noexcept override { return desk_; }
    std::size_t stuck_shards() const override { return 0; }

protected:
    ~ConnectionScene() = default;

    void take_over(int descriptor) {
        // Shared because a connection's own handlers keep it.
        auto made =
            std::make_shared<Connection>(*this, AcceptedSocket{descriptor, 1}, http::Listener::api, "");
        open_.emplace(made.get(), made);
        made->start();
    }

    Snapshot<Settings> settings_;
    Snapshot<Registry> registry_;
    Broker broker_{registry_, Limits{}, {}};
    std::unique_ptr<Store> store_;
    Admission admission_;
    auth::TokenCache tokens_;
    HubContext context_{
        settings_, registry_,           http::Routes{"/api/v1"},        *store_, broker_, admission_,
        LogSink{}, [] { return wall; }, [] { return std::uint64_t{7}; }};
    ShardCounters counters_;
    Loop loop_;
    PublishDesk desk_{*store_, loop_, counters_};
    std::map<Connection*, std::shared_ptr<Connection>> open_;
};

}  // namespace tidings
