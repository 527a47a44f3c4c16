#pragma once
// The command line as values. CLI11 is behind command_line.cpp.

#include "config_file.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tidings::app {

enum class Output : std::uint8_t { text, json };

// Where a client command goes and as whom.
struct HubAccess {
    std::string url;
    std::string token;
};

struct ServeOptions {
    std::string config;
    std::vector<SettingFlag> flags;  // of --listen, --store, --registry
    bool dev = false;
};

struct PublishOptions {
    HubAccess hub;
    std::string type, user, topic;
    bool broadcast = false;
    std::string data = "{}";  // "-": lines of standard input
    std::string key, idempotency_key, occurred_at;
    Output output = Output::text;
};

struct EmitOptions {
    HubAccess hub;
    std::string name;
    std::string data = "{}";  // "-": lines of standard input
    std::string idempotency_key, occurred_at;
    Output output = Output::text;
};

struct SubscribeOptions {
    HubAccess hub;
    std::vector<std::string> categories, topics;
    std::string last_event_id, from;
    std::size_t count = 0;                 // 0: no end
    std::chrono::milliseconds timeout{0};  // 0: none
    Output output = Output::text;
};

struct BenchOptions {
    HubAccess hub;
    std::string key, secret_file;  // an HS256 secret, which mints a token for each user
    std::string type;              // empty: one that the hub has
    std::string topic;             // empty: everybody
    std::size_t streams = 1000;
    std::size_t bytes = 200;
    double rate = 50;
    double seconds = 10;
    Output output = Output::text;
};

struct TokenOptions {
    std::string user;
    std::vector<std::string> topics, publish;
    bool operate = false;
    std::chrono::milliseconds expires{15 * 60'000};
    std::string session, config, secret_file;
};

struct RegistryOptions {
    enum class Do : std::uint8_t { check, list, show } what = Do::check;
    std::string file, config, type;
    Output output = Output::text;
};

struct ConfigOptions {
    enum class Do : std::uint8_t { check, print } what = Do::check;
    std::string file;
    std::string markdown;  // "", "settings", "limits"
    bool dev = false;
};

// Nothing to run: what to print where, and the exit code.
struct Finished {
    int code = 0;
    std::string out, err;
};

using Command = std::variant<Finished, ServeOptions, PublishOptions, EmitOptions, SubscribeOptions,
                             BenchOptions, TokenOptions, RegistryOptions, ConfigOptions>;

// Wrong usage is a Finished with exit code 2 and the nearest name that exists.
Command parse_command_line(const std::vector<std::string>& arguments, const Environment& environment);

}  // namespace tidings::app
