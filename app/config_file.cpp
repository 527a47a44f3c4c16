#include "config_file.hpp"

#include "settings.hpp"

#include "base/nearest.hpp"
#include "base/utf8.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <sstream>

namespace tidings::app {
namespace {

// Walks one TOML document and fills the configuration from it. Lives for one call.
class FileReader {
public:
    FileReader(Config& config, Diagnostics& found, const std::string& file)
        : config_{config}, found_{found}, file_{file} {}

    void read(const toml::table& root) { table(root, ""); }

private:
    void table(const toml::table& node, const std::string& path) {
        for (const auto& [key, value] : node) {
            const std::string name =
                path.empty() ? std::string{key.str()} : path + "." + std::string{key.str()};
            member(key, value, name, path);
        }
    }

    void member(const toml::key& key, const toml::node& value, const std::string& name,
                const std::string& path) {
        if (std::ranges::find(unsupported_settings(), name) != unsupported_settings().end()) {
            say(key.source(), "'" + name + "' is not supported by this version", "");
        } else if (name == "auth.key") {
            keys(value);
        } else if (const auto* setting = find(name); setting != nullptr) {
            set(*setting, value);
        } else if (is_table(name)) {
            if (const auto* nested = value.as_table()) {
                table(*nested, name);
            } else {
                say(value.source(), "'" + name + "' is a table, not a value", "write [" + name + "]");
            }
        } else {
            unknown(key, value, name, path);
        }
    }

    void unknown(const toml::key& key, const toml::node& value, const std::string& name,
                 const std::string& path) {
        const std::string part = name.substr(path.empty() ? 0 : path.size() + 1);
        const std::string kind = value.is_table() ? "unknown table '" : "unknown key '";
        const auto close = nearest(part, members(path));
        say(key.source(), kind + part + (path.empty() ? "'" : "' in [" + path + "]"),
            close ? "did you mean '" + *close + "'?" : "allowed: " + joined(members(path)));
    }

    void set(const Setting& setting, const toml::node& value) {
        const auto taken = value_of(value);
        const auto result = taken ? setting.set(config_, *taken)
                                  : Result<void>{Error{Errc::invalid_field, "allowed: " + setting.allowed}};
        if (!result) say(value.source(), "wrong value for '" + setting.name + "'", result.error().detail);
    }

    void keys(const toml::node& value) {
        const auto* list = value.as_array();
        if (list == nullptr || !list->is_homogeneous<toml::table>()) {
            say(value.source(), "'auth.key' is a list of tables", "write [[auth.key]]");
            return;
        }
        for (const auto& one : *list) {
            KeyConfig key;
            for (const auto& [name, node] : *one.as_table()) key_member(key, name, node);
            config_.auth.keys.push_back(std::move(key));
        }
    }

    void key_member(KeyConfig& key, const toml::key& name, const toml::node& node) {
        std::vector<std::string> names;
        for (const KeySetting& setting : key_settings()) {
            names.push_back(setting.name);
            if (setting.name != name.str()) continue;
            const auto* text = node.as_string();
            const auto result = text != nullptr
                                    ? setting.set(key, text->get())
                                    : Result<void>{Error{Errc::invalid_field, "allowed: " + setting.allowed}};
            if (!result)
                say(node.source(), "wrong value for 'auth.key." + setting.name + "'", result.error().detail);
            return;
        }
        const auto close = nearest(name.str(), names);
        say(name.source(), "unknown key '" + std::string{name.str()} + "' in [[auth.key]]",
            close ? "did you mean '" + *close + "'?" : "allowed: " + joined(names));
    }

    static std::optional<SettingValue> value_of(const toml::node& node) {
        if (const auto* text = node.as_string()) return text->get();
        if (const auto* number = node.as_integer()) return number->get();
        if (const auto* flag = node.as_boolean()) return flag->get();
        const auto* list = node.as_array();
        if (list == nullptr) return std::nullopt;
        std::vector<std::string> texts;
        for (const auto& one : *list) {
            const auto* text = one.as_string();
            if (text == nullptr) return std::nullopt;
            texts.push_back(text->get());
        }
        return texts;
    }

    static const Setting* find(std::string_view name) {
        const auto at = std::ranges::find(settings(), name, &Setting::name);
        return at == settings().end() ? nullptr : &*at;
    }

    static bool is_table(const std::string& name) {
        return std::ranges::any_of(settings(),
                                   [&](const Setting& s) { return s.name.starts_with(name + "."); });
    }

    // The keys and tables that may stand in the table `path`.
    static std::vector<std::string> members(const std::string& path) {
        std::vector<std::string> names;
        const std::string prefix = path.empty() ? "" : path + ".";
        for (const Setting& setting : settings()) {
            if (!setting.name.starts_with(prefix)) continue;
            const auto rest = setting.name.substr(prefix.size());
            auto name = rest.substr(0, rest.find('.'));
            if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
        }
        if (path == "auth") names.emplace_back("key");
        return names;
    }

    void say(const toml::source_region& where, std::string what, std::string hint) {
        found_.push_back({file_, where.begin.line, where.begin.column, std::move(what), std::move(hint)});
    }

    Config& config_;
    Diagnostics& found_;
    const std::string& file_;
};

void read_text(const ConfigSources& sources, Config& config, Diagnostics& found) {
    if (!sources.text) return;
    try {
        FileReader{config, found, sources.file}.read(toml::parse(*sources.text, sources.file));
    } catch (const toml::parse_error& error) {
        const auto where = error.source().begin;
        found.push_back({sources.file, where.line, where.column, std::string{error.description()}, ""});
    }
}

// A file is UTF-8, and `config print` writes one: what could not stand in it is no setting anywhere.
constexpr std::string_view not_utf8 = "a setting's value is UTF-8";

void apply(const Setting& setting, std::string_view text, const std::string& where, Config& config,
           Diagnostics& found) {
    const auto value = valid_utf8(text) ? value_from_text(setting.kind, text)
                                        : Error{Errc::invalid_field, std::string{not_utf8}};
    const auto result = value ? setting.set(config, *value) : Result<void>{value.error()};
    if (!result) {
        found.push_back({where, 0, 0, "wrong value for '" + setting.name + "'", result.error().detail});
    }
}

// Variables that begin with a section of the file must name a setting; others under TIDINGS_ are not
// settings.
bool names_a_section(std::string_view variable) {
    constexpr std::array<std::string_view, 8> sections{"SERVER",   "AUTH",       "STORE", "DELIVERY",
                                                       "REGISTRY", "OPERATIONS", "LOG",   "CORS"};
    variable.remove_prefix(std::string_view{"TIDINGS_"}.size());
    return std::ranges::any_of(sections, [&](std::string_view section) {
        return variable.starts_with(section) && variable.substr(section.size()).starts_with('_');
    });
}

bool read_key_variable(const std::string& name, const std::string& value, Config& config,
                       Diagnostics& found) {
    for (const KeySetting& setting : key_settings()) {
        if (environment_name("auth.key." + setting.name) != name) continue;
        if (config.auth.keys.empty()) config.auth.keys.emplace_back();
        // A secret may be any bytes: it is never printed.
        const auto result = setting.name == "secret" || valid_utf8(value)
                                ? setting.set(config.auth.keys.front(), value)
                                : Result<void>{Error{Errc::invalid_field, std::string{not_utf8}}};
        if (!result) {
            found.push_back({"environment " + name, 0, 0, "wrong value for 'auth.key." + setting.name + "'",
                             result.error().detail});
        }
        return true;
    }
    return false;
}

void unknown_variable(const std::string& name, Diagnostics& found) {
    std::vector<std::string> names;
    for (const Setting& setting : settings()) names.push_back(environment_name(setting.name));
    for (const KeySetting& setting : key_settings())
        names.push_back(environment_name("auth.key." + setting.name));
    for (const std::string& later : unsupported_settings()) {
        if (!name.starts_with(environment_name(later))) continue;
        found.push_back(
            {"environment " + name, 0, 0, "'" + later + "' is not supported by this version", ""});
        return;
    }
    const auto close = nearest(name, names);
    found.push_back(
        {"environment " + name, 0, 0, "unknown setting",
         close ? "did you mean '" + *close + "'?" : "see `tidings config print --markdown settings`"});
}

void read_environment(const Environment& environment, Config& config, Diagnostics& found) {
    for (auto at = environment.lower_bound("TIDINGS_"); at != environment.end(); ++at) {
        const std::string& name = at->first;
        const std::string& value = at->second;
        if (!name.starts_with("TIDINGS_")) break;
        const auto setting = std::ranges::find_if(
            settings(), [&](const Setting& one) { return environment_name(one.name) == name; });
        if (setting != settings().end()) {
            apply(*setting, value, "environment " + name, config, found);
        } else if (!read_key_variable(name, value, config, found) && names_a_section(name)) {
            unknown_variable(name, found);
        }
    }
}

// The most common mistakes with keys. Reading the files they name is the hub's.
std::string key_mistake(const KeyConfig& key) {
    const bool symmetric = key.algorithm.starts_with("HS");
    const int sources = !key.secret.empty() + !key.secret_file.empty() + !key.public_key_file.empty();
    if (sources != 1) return "give exactly one of secret, secret_file and public_key_file";
    if (symmetric && !key.public_key_file.empty()) return key.algorithm + " needs secret or secret_file";
    if (!symmetric && key.public_key_file.empty()) return key.algorithm + " needs public_key_file";
    const std::size_t least = symmetric ? std::stoul(key.algorithm.substr(2)) / 8 : 0;
    if (!key.secret.empty() && key.secret.size() < least) {
        return "a secret for " + key.algorithm + " has at least " + std::to_string(least) +
               " bytes; this one has " + std::to_string(key.secret.size());
    }
    return {};
}

void check_keys(const Config& config, const std::string& file, Diagnostics& found) {
    std::set<std::string> issuers;
    std::set<std::string> spaces;
    for (const KeyConfig& key : config.auth.keys) {
        issuers.insert(key.issuer.empty() ? config.auth.issuer : key.issuer);
        spaces.insert(key.name_space);
    }
    std::size_t number = 0;
    for (const KeyConfig& key : config.auth.keys) {
        const std::string which = "[[auth.key]] number " + std::to_string(++number);
        if (const auto mistake = key_mistake(key); !mistake.empty())
            found.push_back({file, 0, 0, which, mistake});
        if (issuers.size() < 2) continue;
        if (key.issuer.empty() || key.name_space.empty()) {
            found.push_back(
                {file, 0, 0, which, "with keys of several issuers each key needs issuer and namespace"});
        }
    }
    if (issuers.size() > 1 && spaces.size() < issuers.size()) {
        found.push_back({file, 0, 0, "[[auth.key]]", "keys of different issuers need different namespaces"});
    }
}

void check_together(const Config& config, const std::string& file, Diagnostics& found) {
    check_keys(config, file, found);
    if (config.limits.streams > config.limits.connections) {
        found.push_back({file, 0, 0, "'server.limits.streams' is above 'server.limits.connections'",
                         "raise connections, or lower streams"});
    }
    if (config.limits.queue_bytes < config.limits.event_bytes) {
        found.push_back({file, 0, 0, "'delivery.queue_bytes' is below 'server.limits.event_bytes'",
                         "a stream's queue must hold at least one event"});
    }
}

}  // namespace

ConfigResult read_config(const ConfigSources& sources) {
    Config config;
    config.dev = sources.dev;
    if (sources.dev) config.server.listen = {"127.0.0.1:8080"};
    Diagnostics found;
    read_text(sources, config, found);
    read_environment(sources.environment, config, found);
    for (const SettingFlag& flag : sources.flags) {
        const auto setting = std::ranges::find(settings(), flag.setting, &Setting::name);
        if (setting != settings().end()) apply(*setting, flag.value, flag.flag, config, found);
    }
    if (found.empty()) check_together(config, sources.text ? sources.file : "configuration", found);
    if (!found.empty()) return found;
    return config;
}

ConfigResult load_config(ConfigSources sources) {
    if (!sources.file.empty()) {
        auto text = read_file(sources.file);
        if (!text)
            return Diagnostics{{sources.file, 0, 0, text.error().detail, "--config names a TOML file"}};
        sources.text = std::move(*text);
    }
    return read_config(sources);
}

Diagnostics check_ready_to_serve(const Config& config, const std::string& file) {
    Diagnostics found;
    const std::string where = file.empty() ? "configuration" : file;
    if (config.auth.keys.empty() && !config.dev) {
        found.push_back({where, 0, 0, "there is no key, so nobody could be told from anybody else",
                         "add [[auth.key]] (or TIDINGS_AUTH_KEY_SECRET), or try it out with --dev"});
    }
    for (const std::string& address : config.server.listen) {
        if (!config.dev || is_loopback(address)) continue;
        found.push_back({where, 0, 0, "--dev listens on loopback only, not on " + address,
                         "use 127.0.0.1 or [::1], or configure a key"});
    }
    return found;
}

Result<std::string> read_file(const std::string& path) {
    constexpr std::size_t bytes_max = 16 * 1024 * 1024;
    std::ifstream file{path, std::ios::binary};
    if (!file) return Error{Errc::not_found, "cannot read " + path};
    std::string text(bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (file.bad() || (text.empty() && !file.eof())) return Error{Errc::not_found, "cannot read " + path};
    if (text.size() > bytes_max) return Error{Errc::not_found, path + " is larger than 16 MiB"};
    return text;
}

}  // namespace tidings::app
