#include "config_file.hpp"

#include "settings.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

namespace tidings::app {
namespace {

using namespace std::chrono_literals;

constexpr const char* whole_file = R"(
[server]
listen = ["127.0.0.1:8081", "[::1]:0"]
base_path = "/live"
shards = 3
[server.limits]
streams = 1000
event_bytes = "32KiB"
head_timeout = "5s"
[auth]
issuer = "https://issuer.example"
audience = "web"
leeway = "10s"
[[auth.key]]
algorithm = "HS256"
secret = "0123456789abcdef0123456789abcdef"
kid = "first"
[[auth.key]]
algorithm = "RS256"
public_key_file = "key.pem"
[store]
url = "lmdb:/var/lib/tidings"
durability = "sync"
publish_wait = "2s"
lmdb_map = "1GiB"
[store.retention.user]
events = 50
age = "2h"
bytes = "64KiB"
[delivery]
heartbeat = "5s"
heartbeat_style = "block"
retry = ["1s", "3s"]
queue_bytes = "128KiB"
queue_events = 10
stall = "9s"
lifetime = "1h"
drain = "3s"
soft_refusal = false
[registry]
file = "events.toml"
[operations]
listen = "127.0.0.1:0"
[log]
level = "debug"
format = "json"
)";

ConfigResult from(std::string text, Environment environment = {}, std::vector<SettingFlag> flags = {}) {
    return read_config({"tidings.toml", std::move(text), std::move(environment), std::move(flags)});
}

std::string all(const ConfigResult& result) {
    std::string text;
    if (result) return "no diagnostics";
    for (const auto& one : result.error()) {
        text += one.file + ":" + std::to_string(one.line) + ":" + std::to_string(one.column) + ": " +
                one.what + "; " + one.hint + "\n";
    }
    return text;
}

TEST(ConfigFile, ReadsEverySection) {
    const auto result = from(whole_file);
    ASSERT_TRUE(result) << all(result);
    const Config& config = *result;
    EXPECT_EQ(config.server.listen, (std::vector<std::string>{"127.0.0.1:8081", "[::1]:0"}));
    EXPECT_EQ(config.server.base_path, "/live");
    EXPECT_EQ(config.server.shards, 3u);
    EXPECT_EQ(config.limits.streams, 1000u);
    EXPECT_EQ(config.limits.event_bytes, 32u * 1024);
    EXPECT_EQ(config.limits.head_timeout, 5s);
    EXPECT_EQ(config.auth.issuer, "https://issuer.example");
    EXPECT_EQ(config.auth.leeway, 10s);
    ASSERT_EQ(config.auth.keys.size(), 2u);
    EXPECT_EQ(config.auth.keys[0].kid, "first");
    EXPECT_EQ(config.auth.keys[1].public_key_file, "key.pem");
    EXPECT_EQ(config.store.url, "lmdb:/var/lib/tidings");
    EXPECT_EQ(config.store.durability, Durability::sync);
    EXPECT_EQ(config.store.retention.user, (Retention{50, 2h, 64 * 1024}));
    EXPECT_EQ(config.store.retention.topic, Retention{});
    EXPECT_EQ(config.delivery.heartbeat_style, HeartbeatStyle::block);
    EXPECT_EQ(config.delivery.retry_min, 1s);
    EXPECT_EQ(config.delivery.retry_max, 3s);
    EXPECT_EQ(config.limits.queue_bytes, 128u * 1024);
    EXPECT_EQ(config.limits.queue_events, 10u);
    EXPECT_FALSE(config.delivery.soft_refusal);
    EXPECT_EQ(config.registry_file, "events.toml");
    EXPECT_TRUE(config.operations.listen_set);
    EXPECT_EQ(config.log.level, LogLevel::debug);
    EXPECT_EQ(config.log.format, LogFormat::json);
}

TEST(ConfigFile, NothingAtAllIsTheDefaults) {
    const auto result = read_config({});
    ASSERT_TRUE(result) << all(result);
    EXPECT_EQ(config_toml(*result), config_toml(Config{}));
    EXPECT_FALSE(result->operations.listen_set);
}

TEST(ConfigFile, AMistakeNamesLineColumnAndTheNearestName) {
    struct Case {
        const char* text;
        std::size_t line, column;
        const char* what;
        const char* hint;
    };
    const Case cases[] = {
        {"[delivery]\n  heartbeet = \"15s\"\n", 2, 3, "unknown key 'heartbeet' in [delivery]", "'heartbeat'"},
        {"[delivry]\nheartbeat = \"15s\"\n", 1, 2, "unknown table 'delivry'", "'delivery'"},
        {"[server.limits]\nstream = 5\n", 2, 1, "unknown key 'stream' in [server.limits]", "'streams'"},
        {"[delivery]\nheartbeat = \"15\"\n", 2, 13, "wrong value for 'delivery.heartbeat'", "from 1s to 1h"},
        {"[delivery]\nheartbeat = 15\n", 2, 13, "wrong value for 'delivery.heartbeat'", "a duration"},
        {"[delivery]\nheartbeat = \"2h\"\n", 2, 13, "wrong value for 'delivery.heartbeat'", "from 1s to 1h"},
        {"[delivery]\nretry = [\"5s\", \"2s\"]\n", 2, 9, "wrong value for 'delivery.retry'",
         "the smaller first"},
        {"[server]\nlisten = \"0.0.0.0:80\"\n", 2, 10, "wrong value for 'server.listen'", "a list"},
        {"[server]\nlisten = [\"0.0.0.0\"]\n", 2, 10, "wrong value for 'server.listen'", "HOST:PORT"},
        {"[server]\nlisten = [\"unix:/run/t.sock\"]\n", 2, 10, "wrong value",
         "not supported by this version"},
        {"[server]\nshards = -1\n", 2, 10, "wrong value for 'server.shards'", "from 0 to 1024"},
        {"[server]\nshards = 1.5\n", 2, 10, "wrong value for 'server.shards'", "from 0 to 1024"},
        {"[store]\nurl = \"redis+cluster://localhost\"\n", 2, 7, "wrong value for 'store.url'",
         "Redis Cluster is not yet supported"},
        {"[store]\nurl = \"redis://u:hidden@\"\n", 2, 7, "wrong value for 'store.url'", "HOST"},
        {"[store]\ndurability = \"fsync\"\n", 2, 14, "wrong value", "\"process\", \"sync\""},
        {"[server.tls]\ncertificate = \"c\"\n", 1, 9, "'server.tls' is not supported by this version", ""},
        {"[store]\nprefix = \"s:e\"\n", 2, 10, "wrong value for 'store.prefix'", "1 to 64 characters"},
        {"[store]\nwait_replicas = 17\n", 2, 17, "wrong value for 'store.wait_replicas'", "from 0 to 16"},
        {"[store]\nforeign_producers = \"all\"\n", 2, 21, "wrong value", "\"none\", \"live\", \"retained\""},
        {"[[auth.key]]\nalgoritm = \"HS256\"\n", 2, 1, "unknown key 'algoritm' in [[auth.key]]",
         "'algorithm'"},
        {"[[auth.key]]\nalgorithm = \"none\"\n", 2, 13, "wrong value for 'auth.key.algorithm'", "HS256"},
        {"[[auth.key]]\nalgorithm = \"ES256\"\n", 2, 13, "wrong value", "not supported by this version"},
        {"[server\n", 1, 8, "", ""},
        {"delivery = 5\n", 1, 12, "'delivery' is a table", "[delivery]"},
    };
    for (const auto& [text, line, column, what, hint] : cases) {
        const auto result = from(text);
        ASSERT_FALSE(result) << text;
        ASSERT_EQ(result.error().size(), 1u) << text << all(result);
        const Diagnostic found = result.error().front();
        EXPECT_EQ(found.file, "tidings.toml");
        EXPECT_EQ(found.line, line) << text << all(result);
        EXPECT_EQ(found.column, column) << text << all(result);
        EXPECT_NE(found.what.find(what), std::string::npos) << all(result);
        EXPECT_NE(found.hint.find(hint), std::string::npos) << all(result);
    }
}

TEST(ConfigFile, SaysAllMistakesAtOnce) {
    const auto result = from("[delivery]\nstal = \"1s\"\ndrain = 3\n[log]\nlevel = \"loud\"\n",
                             {{"TIDINGS_STORE_URL", "disk:"}}, {{"--listen", "server.listen", "nowhere"}});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().size(), 5u) << all(result);
}

TEST(ConfigFile, TheEnvironmentWinsOverTheFileAndFlagsOverBoth) {
    const std::string file =
        "[log]\nlevel = \"debug\"\n[store]\nurl = \"lmdb:a\"\n[registry]\nfile = \"a\"\n";
    const auto result = from(file, {{"TIDINGS_STORE_URL", "lmdb:b"}, {"TIDINGS_REGISTRY_FILE", "b"}},
                             {{"--registry", "registry.file", "c"}});
    ASSERT_TRUE(result) << all(result);
    EXPECT_EQ(result->log.level, LogLevel::debug);
    EXPECT_EQ(result->store.url, "lmdb:b");
    EXPECT_EQ(result->registry_file, "c");
}

TEST(ConfigFile, EverySettingCanBeSetByItsVariableToWhatIsPrinted) {
    for (const Setting& setting : settings()) {
        std::string value = setting.print(Config{});
        std::erase_if(value, [](char c) { return c == '"' || c == '[' || c == ']' || c == ' '; });
        const auto result = read_config({"", std::nullopt, {{environment_name(setting.name), value}}, {}});
        ASSERT_TRUE(result) << setting.name << " = " << value << "\n" << all(result);
        EXPECT_EQ(config_toml(*result), config_toml(Config{})) << setting.name;
    }
}

TEST(ConfigFile, VariablesThatAreNotSettingsAreLeftAloneUnlessTheyLookLikeOne) {
    EXPECT_TRUE(read_config({"", {}, {{"TIDINGS_URL", "x"}, {"TIDINGS_TOKEN", "y"}, {"HOME", "z"}}, {}}));
    const auto result = read_config({"", {}, {{"TIDINGS_DELIVERY_HEARTBEET", "15s"}}, {}});
    ASSERT_FALSE(result);
    EXPECT_NE(all(result).find("did you mean 'TIDINGS_DELIVERY_HEARTBEAT'"), std::string::npos)
        << all(result);
    EXPECT_NE(all(read_config({"", {}, {{"TIDINGS_SERVER_TLS_KEY", "k"}}, {}})).find("not supported"),
              std::string::npos);
}

TEST(ConfigFile, TheFirstKeyCanComeFromTheEnvironment) {
    const auto result =
        read_config({"", {}, {{"TIDINGS_AUTH_KEY_SECRET", "0123456789abcdef0123456789abcdef"}}, {}});
    ASSERT_TRUE(result) << all(result);
    ASSERT_EQ(result->auth.keys.size(), 1u);
    EXPECT_EQ(result->auth.keys[0].algorithm, "HS256");
    EXPECT_TRUE(check_ready_to_serve(*result, "").empty());
}

// `config print` would write a file that cannot be read.
TEST(ConfigFile, RefusesValuesThatNoFileCouldHold) {
    for (const auto* name : {"TIDINGS_REGISTRY_FILE", "TIDINGS_SERVER_LISTEN", "TIDINGS_AUTH_KEY_KID"}) {
        EXPECT_NE(all(from("", {{name, "127\xd3\xcf.0.1:0"}})).find("a setting's value is UTF-8"),
                  std::string::npos)
            << name;
    }
    const auto flag = from("", {}, {{"--registry", "registry.file", "\xff"}});
    EXPECT_NE(all(flag).find("--registry"), std::string::npos);
}

TEST(ConfigFile, KeysThatCannotWorkAreRefused) {
    const char* cases[] = {
        "[[auth.key]]\nsecret = \"short\"\n",
        "[[auth.key]]\nalgorithm = \"HS512\"\nsecret = \"0123456789abcdef0123456789abcdef\"\n",
        "[[auth.key]]\nsecret_file = \"a\"\npublic_key_file = \"b\"\n",
        "[[auth.key]]\n",
        "[[auth.key]]\nalgorithm = \"RS256\"\nsecret_file = \"a\"\n",
        "[[auth.key]]\nalgorithm = \"HS256\"\npublic_key_file = \"a\"\n",
        // Users of both would meet.
        R"(auth.key = [{secret_file = "a", issuer = "x"}, {secret_file = "b", issuer = "y"}])",
    };
    for (const char* text : cases) EXPECT_FALSE(from(text)) << text;
    EXPECT_TRUE(
        from("[[auth.key]]\nsecret_file = \"a\"\nissuer = \"x\"\nnamespace = \"m\"\n"
             "[[auth.key]]\nsecret_file = \"b\"\nissuer = \"y\"\nnamespace = \"n\"\n"));
}

TEST(ConfigFile, WithoutKeysNothingServesUnlessOnLoopbackWithDev) {
    const auto plain = read_config({});
    EXPECT_NE(check_ready_to_serve(*plain, "").at(0).hint.find("--dev"), std::string::npos);
    ConfigSources sources;
    sources.dev = true;
    const auto dev = read_config(sources);
    EXPECT_EQ(dev->server.listen.at(0), "127.0.0.1:8080");
    EXPECT_TRUE(check_ready_to_serve(*dev, "").empty());
    sources.flags = {{"--listen", "server.listen", "0.0.0.0:8080"}};
    EXPECT_EQ(check_ready_to_serve(*read_config(sources), "").size(), 1u);
}

TEST(ConfigFile, AStoresPasswordIsNotPrinted) {
    const auto config = from(
        "[store]\nurl = \"redis://u:hidden@h:6379/0\"\nredis_fsync = \"always\"\nwait_replicas = 1\n"
        "foreign_producers = \"live\"\nforeign_consumers = true\nprefix = \"a.b\"\n");
    ASSERT_TRUE(config) << all(config);
    EXPECT_EQ(config->store.url, "redis://u:hidden@h:6379/0");
    EXPECT_EQ(config->store.foreign_producers, ForeignProducers::live);
    const std::string printed = config_toml(*config);
    EXPECT_EQ(printed.find("hidden"), std::string::npos);
    EXPECT_NE(printed.find("url = \"redis://u:***@h:6379/0\""), std::string::npos) << printed;
    EXPECT_NE(printed.find("prefix = \"a.b\""), std::string::npos);
}

TEST(ConfigFile, WhatIsPrintedReadsAsTheSame) {
    const auto first = from(whole_file);
    ASSERT_TRUE(first) << all(first);
    const std::string printed = config_toml(*first);
    EXPECT_EQ(printed.find("0123456789abcdef"), std::string::npos) << "a secret was printed";
    const auto again =
        from(std::string{printed}.replace(printed.find("# secret is"), 0, "secret_file = \"s\"\n"));
    ASSERT_TRUE(again) << all(again) << printed;
    EXPECT_EQ(config_toml(*again).find("publish_wait = \"5s\""), std::string::npos);
    EXPECT_EQ(again->store.retention.user, first->store.retention.user);
}

TEST(ConfigFile, AMissingFileIsNamed) {
    ConfigSources sources;
    sources.file = "/nowhere/tidings.toml";
    EXPECT_NE(all(load_config(sources)).find("cannot read /nowhere/tidings.toml"), std::string::npos);
}

// The documents are made from the table; `tidings config print --markdown limits > docs/limits.md` renews
// them.
TEST(Settings, TheDocumentsSayWhatTheTableSays) {
    const char* root = std::getenv("TIDINGS_SOURCE_DIR");
    const std::string docs = std::string{root != nullptr ? root : "."} + "/docs/";
    EXPECT_EQ(read_file(docs + "limits.md").value(), limits_markdown());
    EXPECT_EQ(read_file(docs + "configuration.md").value(), configuration_markdown());
}

TEST(Settings, EveryMemberOfLimitsIsASetting) {
    std::set<std::string> limits;
    for (const Setting& setting : settings()) {
        if (!setting.at_limit.empty()) limits.insert(setting.name);
    }
    constexpr std::size_t member_bytes = sizeof(std::size_t);
    static_assert(sizeof(std::chrono::milliseconds) == member_bytes);
    EXPECT_EQ(limits.size(), sizeof(Limits) / member_bytes);
}

TEST(Settings, AddressesAreChecked) {
    for (const char* good : {"127.0.0.1:80", "[::1]:0", "localhost:65535", "example.org:8080"}) {
        EXPECT_TRUE(check_address(good)) << good;
    }
    for (const char* bad :
         {"", ":80", "host", "host:", "host:x", "host:65536", "::1:80", "[]:80", "a b:80"}) {
        EXPECT_FALSE(check_address(bad)) << bad;
    }
    EXPECT_TRUE(is_loopback("127.0.0.1:80"));
    EXPECT_TRUE(is_loopback("[::1]:80"));
    EXPECT_FALSE(is_loopback("0.0.0.0:80"));
}

}  // namespace
}  // namespace tidings::app
