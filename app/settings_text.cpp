// The table of settings as text: for `config print` and for the documents.
#include "settings.hpp"

namespace tidings::app {
namespace {

std::string table_of(const std::string& name) { return name.substr(0, name.rfind('.')); }
std::string key_of(const std::string& name) { return name.substr(name.rfind('.') + 1); }

void append_keys(std::string& toml, const Config& config) {
    for (const KeyConfig& key : config.auth.keys) {
        toml += "\n[[auth.key]]\n";
        for (const KeySetting& setting : key_settings()) {
            const std::string& value = setting.value(key);
            if (value.empty()) continue;
            if (setting.name == "secret") {
                toml += "# secret is set and not shown\n";
            } else {
                toml += setting.name + " = " + toml_quoted(value) + "\n";
            }
        }
    }
}

// The characters that would end a cell or look like markup stay as they are but for the bar.
std::string cell(std::string text) {
    for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
        text.replace(at, 1, "\\|");
    return text;
}

}  // namespace

std::string config_toml(const Config& config) {
    std::string toml;
    std::string table;
    for (const Setting& setting : settings()) {
        if (const std::string its_table = table_of(setting.name); its_table != table) {
            if (table == "auth") append_keys(toml, config);
            table = its_table;
            toml += (toml.empty() ? "[" : "\n[") + table + "]\n";
        }
        toml += key_of(setting.name) + " = " + setting.print(config) + "\n";
    }
    return toml;
}

std::string configuration_markdown() {
    std::string text =
        "# Configuration\n\n"
        "`tidings serve --config tidings.toml` reads these settings; `tidings config check` checks a file "
        "and\n"
        "`tidings config print` shows what is in effect. Each is also a variable of the environment, which "
        "wins over\n"
        "the file; a flag of the command line wins over both. Durations and sizes carry their unit: `15s`, "
        "`100ms`,\n"
        "`1h`, `256KiB`. In the environment a list is separated by commas. Paths are relative to the "
        "working\n"
        "directory. A key or value that is not known stops the start and is named with its line and column.\n"
        "The settings of `[server.limits]` are in [limits.md](limits.md).\n"
        "This page is made by `tidings config print --markdown settings`.\n";
    std::string table;
    const Config defaults;
    for (const Setting& setting : settings()) {
        if (setting.name.starts_with("server.limits.")) continue;
        if (const std::string its_table = table_of(setting.name); its_table != table) {
            table = its_table;
            text += "\n## [" + table +
                    "]\n\n| key | default | allowed | what it does | variable |\n|---|---|---|---|---|\n";
        }
        const std::string meaning =
            setting.at_limit.empty() ? setting.meaning : setting.meaning + " " + setting.at_limit;
        text += "| `" + key_of(setting.name) + "` | `" + setting.print(defaults) + "` | " +
                cell(setting.allowed) + " | " + cell(meaning) + " | `" + environment_name(setting.name) +
                "` |\n";
    }
    text +=
        "\n## [[auth.key]]\n\nAt least one key, or `--dev`: without keys the hub refuses to start. The "
        "variables "
        "describe the first key.\n\n| key | allowed | what it does | variable |\n|---|---|---|---|\n";
    for (const KeySetting& setting : key_settings()) {
        text += "| `" + setting.name + "` | " + cell(setting.allowed) + " | " + cell(setting.meaning) +
                " | `" + environment_name("auth.key." + setting.name) + "` |\n";
    }
    return text;
}

std::string limits_markdown() {
    std::string text =
        "# Limits\n\n"
        "Every queue, buffer and count has a bound. These are their defaults, the settings that change them, "
        "and what\n"
        "happens at each. This page is made by `tidings config print --markdown limits`.\n\n"
        "| what | default | setting | allowed | what happens at it |\n|---|---|---|---|---|\n";
    const Config defaults;
    for (const Setting& setting : settings()) {
        if (setting.at_limit.empty()) continue;
        constexpr std::string_view prefix = "Limit: ";
        std::string what = setting.meaning.substr(prefix.size());
        what.pop_back();
        std::string value = setting.print(defaults);
        std::erase(value, '"');
        text += "| " + cell(what) + " | " + value + " | `" + setting.name + "` | " + cell(setting.allowed) +
                " | " + cell(setting.at_limit) + " |\n";
    }
    text +=
        "\nLogs are bounded by `[store.retention.*]` (see [configuration.md](configuration.md)): what lies "
        "beyond is\n"
        "trimmed, and a client that comes back for it gets a `tidings.gap`.\n";
    return text;
}

}  // namespace tidings::app
