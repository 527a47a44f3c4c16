#include "settings.hpp"

#include "setting_values.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace tidings::app {
namespace {

using std::chrono::milliseconds;

void add_server(SettingTable& table) {
    table.texts(
        "server.listen", "a list of \"HOST:PORT\"; port 0 picks a free one",
        "The addresses the hub answers on.", [](Config& config) -> auto& { return config.server.listen; },
        check_listen);
    table.text(
        "server.base_path", "a path such as \"/api/v1\"; empty for none",
        "What every path of the interface begins with.",
        [](Config& config) -> auto& { return config.server.base_path; }, check_base_path);
    table.count("server.shards", {0, 1024}, "Threads that serve streams; 0 is one per core.",
                [](Config& config) -> auto& { return config.server.shards; });
    table.choice<SendPath>(
        "server.send_path",
        {{"auto", SendPath::automatic}, {"send", SendPath::send}, {"io_uring", SendPath::io_uring}},
        "How events go to sockets: `send`, a system call for each write; `io_uring`, in batches, and the hub "
        "does not start where the kernel offers none; `auto`, in batches where it does.",
        [](Config& config) -> auto& { return config.server.send_path; });
}

void add_auth(SettingTable& table) {
    table.text(
        "auth.issuer", "text; empty: not checked", "The `iss` that a token must have.",
        [](Config& config) -> auto& { return config.auth.issuer; }, any_text);
    table.text(
        "auth.audience", "text; empty: not checked", "The `aud` that a token must have.",
        [](Config& config) -> auto& { return config.auth.audience; }, any_text);
    table.duration("auth.leeway", {milliseconds{0}, milliseconds{600'000}},
                   "How far clocks may differ when `exp`, `nbf` and `iat` are checked.",
                   [](Config& config) -> auto& { return config.auth.leeway; });
}

template <class Of>
void add_retention(SettingTable& table, const std::string& audience, Of of) {
    const std::string prefix = "store.retention." + audience + ".";
    table.count(prefix + "events", {1, 10'000'000}, "Events that one log of this kind keeps.",
                [of](Config& config) -> auto& { return of(config).events; });
    table.duration(prefix + "age", {milliseconds{1'000}, milliseconds{365LL * 86'400'000}},
                   "How long a log lives after its last event.",
                   [of](Config& config) -> auto& { return of(config).age; });
    table.size(prefix + "bytes", {4096, std::size_t{1} << 40}, "Bytes that one log of this kind keeps.",
               [of](Config& config) -> auto& { return of(config).bytes; });
}

void add_redis(SettingTable& table) {
    table.text(
        "store.prefix", "1 to 64 characters of A-Z a-z 0-9 . _ -", "Redis: every name begins with it.",
        [](Config& config) -> auto& { return config.store.prefix; }, check_redis_prefix);
    table.choice<RedisFsync>("store.redis_fsync",
                             {{"ask", RedisFsync::ask},
                              {"always", RedisFsync::always},
                              {"everysec", RedisFsync::everysec},
                              {"no", RedisFsync::no}},
                             "Redis: its `appendfsync`, where `CONFIG GET` may not be asked for it.",
                             [](Config& config) -> auto& { return config.store.redis_fsync; });
    table.count("store.wait_replicas", {0, 16},
                "Redis: replicas that must have a publish before it is acknowledged.",
                [](Config& config) -> auto& { return config.store.wait_replicas; });
    table.choice<ForeignProducers>(
        "store.foreign_producers",
        {{"none", ForeignProducers::none},
         {"live", ForeignProducers::live},
         {"retained", ForeignProducers::retained}},
        "Redis: the original system's own publishers: `live`, they only `PUBLISH`; `retained`, they also "
        "`XADD`.",
        [](Config& config) -> auto& { return config.store.foreign_producers; });
    table.boolean("store.foreign_consumers",
                  "Redis: the original system's own readers; a user's log keeps at most 1,100 entries.",
                  [](Config& config) -> auto& { return config.store.foreign_consumers; });
}

void add_store(SettingTable& table) {
    table.store_url();
    table.choice<Durability>("store.durability",
                             {{"process", Durability::process}, {"sync", Durability::sync}},
                             "LMDB: `process` survives kill -9, `sync` survives power loss.",
                             [](Config& config) -> auto& { return config.store.durability; });
    table.duration("store.publish_wait", {milliseconds{100}, milliseconds{60'000}},
                   "How long a publish may wait for the store.",
                   [](Config& config) -> auto& { return config.store.publish_wait; });
    table.size("store.lmdb_map", {std::size_t{1} << 20, std::size_t{64} << 40},
               "The largest size of the LMDB file; when it is full a publish is answered 507.",
               [](Config& config) -> auto& { return config.store.lmdb_map; });
    add_redis(table);
    add_retention(table, "user", [](Config& config) -> auto& { return config.store.retention.user; });
    add_retention(table, "broadcast",
                  [](Config& config) -> auto& { return config.store.retention.broadcast; });
    add_retention(table, "topic", [](Config& config) -> auto& { return config.store.retention.topic; });
}

void add_delivery(SettingTable& table) {
    table.duration("delivery.heartbeat", {milliseconds{1'000}, milliseconds{3'600'000}},
                   "A stream that is silent for so long gets a heartbeat.",
                   [](Config& config) -> auto& { return config.delivery.heartbeat; });
    table.choice<HeartbeatStyle>(
        "delivery.heartbeat_style",
        {{"line", HeartbeatStyle::line}, {"block", HeartbeatStyle::block}, {"event", HeartbeatStyle::event}},
        "`line`: a comment without a blank line; `block`: with one; `event`: `tidings.heartbeat`.",
        [](Config& config) -> auto& { return config.delivery.heartbeat_style; });
    table.add_retry_range();
    table.limit_size(
        "delivery.queue_bytes", {4096, std::size_t{1} << 30}, "unsent bytes of one stream",
        "What is queued is dropped; the stream catches up from the log, or gets a `tidings.gap`.",
        [](Config& config) -> auto& { return config.limits.queue_bytes; });
    table.limit_count(
        "delivery.queue_events", {1, 1'000'000}, "unsent events of one stream",
        "What is queued is dropped; the stream catches up from the log, or gets a `tidings.gap`.",
        [](Config& config) -> auto& { return config.limits.queue_events; });
    table.duration("delivery.stall", {milliseconds{1'000}, milliseconds{3'600'000}},
                   "A reader that takes nothing for so long is ended.",
                   [](Config& config) -> auto& { return config.delivery.stall; });
    table.duration("delivery.lifetime", {milliseconds{0}, milliseconds{30LL * 86'400'000}},
                   "The longest life of a stream; 0s is unlimited.",
                   [](Config& config) -> auto& { return config.delivery.lifetime; });
    table.duration("delivery.drain", {milliseconds{0}, milliseconds{3'600'000}},
                   "The window over which SIGTERM ends the streams.",
                   [](Config& config) -> auto& { return config.delivery.drain; });
    table.boolean(
        "delivery.soft_refusal",
        "Answer browsers 200 with `retry:` instead of 429 and 503, which would silence them for good.",
        [](Config& config) -> auto& { return config.delivery.soft_refusal; });
}

void add_rest(SettingTable& table) {
    table.text(
        "registry.file", "a path", "The registry of event types; without it there is none to publish.",
        [](Config& config) -> auto& { return config.registry_file; }, any_text);
    table.operations_listen();
    table.choice<LogLevel>("log.level",
                           {{"debug", LogLevel::debug},
                            {"info", LogLevel::info},
                            {"warning", LogLevel::warning},
                            {"error", LogLevel::error}},
                           "What is logged, on standard error.",
                           [](Config& config) -> auto& { return config.log.level; });
    table.choice<LogFormat>("log.format", {{"text", LogFormat::text}, {"json", LogFormat::json}},
                            "`json` is one object a line.",
                            [](Config& config) -> auto& { return config.log.format; });
}

std::vector<Setting> make_settings() {
    SettingTable table;
    add_server(table);
    add_limits(table);
    add_auth(table);
    add_store(table);
    add_delivery(table);
    add_rest(table);
    return std::move(table).take();
}

Result<void> set_algorithm(KeyConfig& key, const std::string& value) {
    constexpr std::array<std::string_view, 6> known{"HS256", "HS384", "HS512", "RS256", "RS384", "RS512"};
    constexpr std::array<std::string_view, 7> later{"PS256", "PS384", "PS512",  "ES256",
                                                    "ES384", "EdDSA", "Ed25519"};
    if (std::ranges::find(known, value) == known.end()) {
        const bool is_later = std::ranges::find(later, value) != later.end();
        return Error{Errc::invalid_field, std::string{is_later ? "not supported by this version; " : ""} +
                                              "allowed: HS256, HS384, HS512, RS256, RS384, RS512"};
    }
    key.algorithm = value;
    return {};
}

KeySetting key_text(std::string name, std::string allowed, std::string meaning,
                    std::string KeyConfig::* member) {
    return {std::move(name), std::move(allowed), std::move(meaning),
            [member](KeyConfig& key, const std::string& value) -> Result<void> {
                key.*member = value;
                return {};
            },
            [member](const KeyConfig& key) -> const std::string& { return key.*member; }};
}

std::vector<KeySetting> make_key_settings() {
    std::vector<KeySetting> table;
    table.push_back({"algorithm", "HS256, HS384, HS512, RS256, RS384 or RS512",
                     "How tokens of this key are signed; never taken from the token.", set_algorithm,
                     [](const KeyConfig& key) -> const std::string& { return key.algorithm; }});
    table.push_back(key_text("secret", "text of at least 32, 48 or 64 bytes",
                             "The shared secret of HS256, 384, 512.", &KeyConfig::secret));
    table.push_back(
        key_text("secret_file", "a path", "A file that holds the secret.", &KeyConfig::secret_file));
    table.push_back(key_text("public_key_file", "a path",
                             "A PEM file with the public key of RS256, 384, 512.",
                             &KeyConfig::public_key_file));
    table.push_back(
        key_text("kid", "text; optional", "The key's name in the token's header.", &KeyConfig::kid));
    table.push_back(key_text("issuer", "text; needed with several issuers", "The `iss` of this key's tokens.",
                             &KeyConfig::issuer));
    table.push_back(key_text("namespace", "text; needed with several issuers",
                             "Users of this key are `<namespace>!<id>`, so that issuers never share a user.",
                             &KeyConfig::name_space));
    return table;
}

}  // namespace

const std::vector<Setting>& settings() {
    static const std::vector<Setting> table = make_settings();
    return table;
}

const std::vector<KeySetting>& key_settings() {
    static const std::vector<KeySetting> table = make_key_settings();
    return table;
}

const std::vector<std::string>& unsupported_settings() {
    static const std::vector<std::string> names{
        "server.inspector", "server.trusted_proxies", "server.tls", "auth.cookie", "auth.jwks", "cors"};
    return names;
}

std::string environment_name(std::string_view setting) {
    std::string name = "TIDINGS_";
    for (const char character : setting) {
        if (character == '.') {
            name += '_';
        } else {
            name +=
                character >= 'a' && character <= 'z' ? static_cast<char>(character - 'a' + 'A') : character;
        }
    }
    return name;
}

Result<SettingValue> value_from_text(SettingKind kind, std::string_view text) {
    switch (kind) {
        case SettingKind::boolean:
            if (text == "true") return SettingValue{true};
            if (text == "false") return SettingValue{false};
            return Error{Errc::invalid_field, "allowed: true or false"};
        case SettingKind::count: {
            std::int64_t number = 0;
            const auto [rest, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
            if (ec != std::errc{} || rest != text.data() + text.size()) {
                return Error{Errc::invalid_field, "allowed: a whole number"};
            }
            return SettingValue{number};
        }
        case SettingKind::texts: {
            std::vector<std::string> parts;
            while (!text.empty()) {
                const auto comma = std::min(text.find(','), text.size());
                parts.emplace_back(text.substr(0, comma));
                text.remove_prefix(std::min(comma + 1, text.size()));
            }
            return SettingValue{std::move(parts)};
        }
        case SettingKind::text:
        case SettingKind::duration:
        case SettingKind::size: break;
    }
    return SettingValue{std::string{text}};
}

}  // namespace tidings::app
