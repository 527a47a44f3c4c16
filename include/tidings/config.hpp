#pragma once
// The settings of a hub, as plain values. tidings.toml, the environment and the command line fill the same
// struct; an embedder fills it by hand. docs/configuration.md and docs/limits.md describe each.

#include <tidings/event.hpp>
#include <tidings/limits.hpp>
#include <tidings/log.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidings {

// What a log retains, per class of audience.
struct Retention {
    std::size_t events = 1000;
    std::chrono::milliseconds age{3'600'000};  // since the log's last append; a whole log dies at once
    std::size_t bytes = 1024 * 1024;           // of encoded entries; embedded stores only
    bool operator==(const Retention&) const = default;
};

struct RetentionPolicy {
    Retention user{}, broadcast{}, topic{};
    const Retention& of(const Audience& audience) const noexcept {
        switch (audience.kind) {
            case Audience::Kind::user: return user;
            case Audience::Kind::topic: return topic;
            case Audience::Kind::broadcast: break;
        }
        return broadcast;
    }
    bool operator==(const RetentionPolicy&) const = default;
};

// How streams' bytes go to the kernel.
enum class SendPath : std::uint8_t {
    automatic,  // io_uring where it is offered and a batch is worth it
    send,       // one system call for each write
    io_uring    // required: a hub does not start without it
};

// [server]; its limits are Config::limits.
struct ServerConfig {
    std::vector<std::string> listen{"0.0.0.0:8080"};  // "HOST:PORT"; port 0 picks a free one
    std::string base_path = "/api/v1";  // begins with a slash, does not end with one; may be empty
    std::size_t shards = 0;             // 0: one per core
    SendPath send_path = SendPath::automatic;
};

// [[auth.key]]: HS256/384/512 with a secret, RS256/384/512 with a public key.
struct KeyConfig {
    std::string algorithm = "HS256";
    std::string secret{};           // exactly one of these three;
    std::string secret_file{};      // one line end at its end is not part of the secret
    std::string public_key_file{};  // PEM
    std::string kid{};              // empty: the key fits tokens that name no key
    std::string issuer{};           // empty: AuthConfig::issuer
    std::string name_space{};       // "namespace": users become "<namespace>!<id>"; only with several issuers
};

// [auth]
struct AuthConfig {
    std::string issuer{};                      // empty: not checked
    std::string audience{};                    // empty: not checked
    std::chrono::milliseconds leeway{30'000};  // for exp, nbf and iat
    std::vector<KeyConfig> keys{};             // none: a hub refuses to start
};

enum class Durability : std::uint8_t {
    process,  // survives kill -9
    sync      // survives power loss
};

// Whether an acknowledged write survives a crash of Redis: what it says itself, or what is declared.
enum class RedisFsync : std::uint8_t { ask, always, everysec, no };

// Other systems' own publishers on the same Redis.
enum class ForeignProducers : std::uint8_t {
    none,
    live,     // they only PUBLISH: what passes while the link is broken is lost, and told
    retained  // they also XADD
};

// [store]
struct StoreConfig {
    // "memory:", "lmdb:DIRECTORY", "redis://…", "rediss://…" or "redis+sentinel://…"
    std::string url = "memory:";
    Durability durability = Durability::process;
    std::chrono::milliseconds publish_wait{5'000};  // how long a publish may wait for the store
    std::size_t lmdb_map = std::size_t{4} << 30;    // the largest size of the file
    std::string prefix = "sse";                     // names on Redis begin with it
    RedisFsync redis_fsync = RedisFsync::ask;
    std::size_t wait_replicas = 0;  // that must have a publish before it is acknowledged
    ForeignProducers foreign_producers = ForeignProducers::retained;
    bool foreign_consumers = false;  // they read whole logs: at most 1,100 entries are kept
    RetentionPolicy retention{};
};

enum class HeartbeatStyle : std::uint8_t {
    line,   // a comment without a blank line after it
    block,  // a comment with one
    event   // tidings.heartbeat
};

// [delivery]; its queue_bytes and queue_events are in Config::limits.
struct DeliveryConfig {
    std::chrono::milliseconds heartbeat{15'000};  // of silence
    HeartbeatStyle heartbeat_style = HeartbeatStyle::line;
    std::chrono::milliseconds retry_min{2'000};  // each client draws its `retry:` from this range
    std::chrono::milliseconds retry_max{5'000};
    std::chrono::milliseconds stall{30'000};  // a reader that takes nothing for so long is ended
    std::chrono::milliseconds lifetime{0};    // longest life of a stream; 0: unlimited
    std::chrono::milliseconds drain{10'000};  // window over which a drain ends the streams
    bool soft_refusal = true;                 // false: browsers get 503 and 429 too
};

// [operations]
struct OperationsConfig {
    std::string listen = "127.0.0.1:9464";
    bool listen_set =
        false;  // set by a person: when its port is taken, starting fails instead of choosing another
};

enum class LogFormat : std::uint8_t { text, json };

// [log]
struct LogConfig {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::text;
};

struct Config {
    ServerConfig server{};
    Limits limits{};
    AuthConfig auth{};
    StoreConfig store{};
    DeliveryConfig delivery{};
    std::string registry_file{};  // [registry] file; a hub is given the registry itself
    OperationsConfig operations{};
    LogConfig log{};
    bool dev = false;  // --dev: a throw-away key, loopback only
};

// "100ms", "15s", "10m", "1h", "7d": a whole number and its unit. Fails with Errc::invalid_field.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
// "512B", "256KiB", "1MiB", "4GiB": a whole number and its unit. Fails with Errc::invalid_field.
Result<std::size_t> parse_size(std::string_view text);
// Their inverse, in the largest unit that loses nothing: "90s", "256KiB"; zero is "0s" and "0B".
std::string duration_text(std::chrono::milliseconds duration);
std::string size_text(std::size_t bytes);

}  // namespace tidings
