#pragma once
// The one table of settings. The file reader, the environment, `config print`, `config check` and the
// documents are made from it, so that they cannot differ.

#include <tidings/config.hpp>
#include <tidings/result.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tidings::app {

// A value as a file or a variable gives it.
using SettingValue = std::variant<bool, std::int64_t, std::string, std::vector<std::string>>;

enum class SettingKind : std::uint8_t { boolean, count, text, texts, duration, size };

// One setting: how it is called, what it takes, what it does. Immutable; made once per table.
struct Setting {
    std::string name;  // "delivery.heartbeat"; the last part is the key, the rest the TOML table
    SettingKind kind = SettingKind::text;
    std::string allowed;   // "a duration from 1s to 1h"
    std::string meaning;   // a sentence for docs/configuration.md; of a limit: what is bounded
    std::string at_limit;  // of a limit only: what happens there, for docs/limits.md
    // Fails with Errc::invalid_field, the detail says what is allowed.
    std::function<Result<void>(Config&, const SettingValue&)> set;
    std::function<std::string(const Config&)> print;  // as TOML
};

// In the order in which they are printed. [[auth.key]] is not among them: see key_settings().
const std::vector<Setting>& settings();

// The members of one [[auth.key]].
struct KeySetting {
    std::string name;
    std::string allowed;
    std::string meaning;
    std::function<Result<void>(KeyConfig&, const std::string&)> set;
    std::function<const std::string&(const KeyConfig&)> value;
};
const std::vector<KeySetting>& key_settings();

// Names that the interface has and this version does not: whole tables ("server.tls") and keys
// ("store.prefix").
const std::vector<std::string>& unsupported_settings();

// "delivery.heartbeat" is TIDINGS_DELIVERY_HEARTBEAT.
std::string environment_name(std::string_view setting);
// The value that a text stands for, as the environment and flags give it: lists are separated by commas.
Result<SettingValue> value_from_text(SettingKind kind, std::string_view text);
// "HOST:PORT" with a port from 0 to 65535; an IPv6 host stands in brackets. Fails with Errc::invalid_field.
Result<void> check_address(std::string_view address);
bool is_loopback(std::string_view address);
// A TOML string.
std::string toml_quoted(std::string_view text);

// What `config print` shows: every setting with its value, secrets hidden.
std::string config_toml(const Config& config);
// docs/configuration.md and docs/limits.md, whole.
std::string configuration_markdown();
std::string limits_markdown();

}  // namespace tidings::app
