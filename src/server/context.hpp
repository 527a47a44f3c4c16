#pragma once
// What the shards of one hub share. Owned by the hub; everything in it is immutable, thread-safe or replaced
// whole.

#include "auth/authenticator.hpp"
#include "broker/broker.hpp"
#include "http/routes.hpp"
#include "net/admission.hpp"
#include "net/snapshot.hpp"
#include "store/store.hpp"

#include <tidings/config.hpp>
#include <tidings/log.hpp>
#include <tidings/registry.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace tidings {

// What a reload may replace.
struct Settings {
    Config config;
    // Shared because a shard's cache of verified tokens keeps the one whose answers it has.
    std::shared_ptr<const auth::Authenticator> authenticator;
};

using auth::Credential;

enum class Refused : std::uint8_t { process_full, user_full, address_full, draining, connections };
inline constexpr std::size_t refused_kinds = 5;

class Shard;

struct HubContext {
    Snapshot<Settings>& settings;
    Snapshot<Registry>& registry;
    http::Routes routes;
    Store& store;
    Broker& broker;
    Admission& admission;
    LogSink log;
    std::function<Milliseconds()> wall;     // milliseconds since 1970
    std::function<std::uint64_t()> random;  // thread-safe
    std::vector<Shard*> shards{};           // complete before the first one starts
    std::atomic<bool> draining{false};
    std::atomic<std::size_t> connections{0};            // of the API, streams included
    std::atomic<std::uint64_t> overloaded_since_ms{0};  // steady; 0: not overloaded

    void say(LogLevel level, std::string_view text, std::initializer_list<LogField> fields = {}) const {
        if (log) log(level, text, fields);
    }
    Timestamp now() const { return Timestamp{std::chrono::milliseconds{wall()}}; }
};

// Milliseconds of the steady clock.
std::uint64_t steady_ms() noexcept;

}  // namespace tidings
