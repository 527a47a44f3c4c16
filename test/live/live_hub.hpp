#pragma once
// A hub in a process of its own, started from the binary under test.

#include "client/mint_token.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tidings::test {

class RedisServer;

enum class LiveStore : std::uint8_t { memory, lmdb, redis };
enum class LivePort : std::uint8_t { any, as_before };

std::string_view name_of(LiveStore store);

// The types of the test registry. Each takes {"n": integer, "from": string?, "pad": string?}.
inline constexpr std::string_view type_alpha = "item.alpha";      // category alpha, policy resume
inline constexpr std::string_view type_beta = "item.beta";        // category beta, policy resume
inline constexpr std::string_view type_drop = "item.drop";        // category gamma, policy drop
inline constexpr std::string_view type_passing = "item.passing";  // category gamma, drop, retain = false
inline constexpr std::string_view type_latest = "item.latest";    // category gamma, conflate by "from"

// Starts, signals and kills `tidings serve` with a configuration of its own in a directory of its own.
// Belongs to one test and one thread; the end kills the process and removes the directory. Addresses change
// with every start unless LivePort::as_before is asked for.
class LiveHub {
public:
    // `settings`: by their full names, as TOML values: {{"delivery.stall", "\"1s\""}}. They win over the
    // defaults of the test: 127.0.0.1:0, two shards, drain 200ms, retry 100ms to 190ms.
    explicit LiveHub(LiveStore store = LiveStore::memory, std::map<std::string, std::string> settings = {});
    ~LiveHub();
    LiveHub(const LiveHub&) = delete;
    LiveHub& operator=(const LiveHub&) = delete;

    // Returns when it listens; fails the test (and returns false) when it does not.
    bool start(LivePort port = LivePort::any);
    void kill();                   // SIGKILL, and waits for its end
    int terminate();               // SIGTERM, waits; its exit code, or 1000 + the signal that ended it
    void send_signal(int number);  // and does not wait
    int wait();                    // for its end; as terminate()
    bool running() const noexcept { return process_ > 0; }

    // For the next start, or for a reload. `toml` empty: the setting is removed.
    void set(const std::string& name, const std::string& toml);
    void write_config() const;
    // Instead of the test registry; before start().
    void use_registry(std::string file);

    // The hub's own Redis; only with LiveStore::redis. It outlives the hub's process.
    RedisServer& redis() { return *redis_; }

    pid_t process() const noexcept { return process_; }
    std::uint16_t port() const noexcept { return port_; }
    std::uint16_t operations_port() const noexcept { return operations_port_; }
    std::string url() const;  // with the base path
    const std::filesystem::path& directory() const noexcept { return directory_; }
    std::filesystem::path config_file() const { return directory_ / "tidings.toml"; }
    std::string log() const;             // what it said on standard error so far
    std::size_t resident_bytes() const;  // of the process, now

    // Of its one HS256 key.
    std::string secret() const;
    std::string token(const TokenWish& wish) const;
    // May read its own events and the topics.
    std::string reader(const std::string& user, const std::vector<std::string>& topics = {}) const;
    // May publish everything, and operate.
    std::string publisher() const;

private:
    std::string config_text() const;
    bool read_addresses(int output);

    std::unique_ptr<RedisServer> redis_;
    std::filesystem::path directory_;
    std::map<std::string, std::string> settings_;
    std::string registry_;
    pid_t process_ = -1;
    std::uint16_t port_ = 0;
    std::uint16_t operations_port_ = 0;
};

}  // namespace tidings::test
