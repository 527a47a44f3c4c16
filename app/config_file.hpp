#pragma once
// tidings.toml, the environment and the flags become one Config, or every reason why not.

#include <tidings/config.hpp>
#include <tidings/result.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidings::app {

using Environment = std::map<std::string, std::string, std::less<>>;

// A flag of the command line that stands for a setting.
struct SettingFlag {
    std::string flag;     // "--listen", as the person wrote it
    std::string setting;  // "server.listen"
    std::string value;
};

// Where settings come from. Flags win over the environment, the environment over the file.
struct ConfigSources {
    std::string file{};                 // its name, for diagnostics
    std::optional<std::string> text{};  // its content; absent: there is no file
    Environment environment{};
    std::vector<SettingFlag> flags{};
    bool dev = false;  // --dev; the default address is then on loopback
};

using ConfigResult = boost::system::result<Config, Diagnostics>;

// All diagnostics at once, or the configuration. Reads no file but what `sources` holds.
ConfigResult read_config(const ConfigSources& sources);
// The same after reading `sources.file` (empty: no file) into `sources.text`.
ConfigResult load_config(ConfigSources sources);
// What is missing to serve: keys unless `dev`, and with `dev` a loopback address.
Diagnostics check_ready_to_serve(const Config& config, const std::string& file);
// The whole content of a file, at most 16 MiB. Fails with Errc::not_found; the detail names the path.
Result<std::string> read_file(const std::string& path);

}  // namespace tidings::app
