// The input is a tidings.toml and, after a NUL, variables of the environment, a line each. It is a
// configuration or diagnostics, never a crash; a configuration that is printed reads as the same one.

#include "base/assert.hpp"
#include "config_file.hpp"
#include "settings.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace tidings;

namespace {

app::Environment variables(std::string_view lines) {
    app::Environment found;
    while (!lines.empty()) {
        const auto line = lines.substr(0, lines.find('\n'));
        lines.remove_prefix(std::min(lines.size(), line.size() + 1));
        const auto equals = line.find('=');
        if (equals == std::string_view::npos) continue;
        found["TIDINGS_" + std::string{line.substr(0, equals)}] = line.substr(equals + 1);
    }
    return found;
}

// Keys are left out: their secrets are never printed.
void check_printed(Config config) {
    config.auth.keys.clear();
    const auto printed = app::config_toml(config);
    const auto again = app::read_config({"printed.toml", printed, {}, {}});
    TIDINGS_ASSERT(again.has_value());
    TIDINGS_ASSERT(app::config_toml(*again) == printed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input{reinterpret_cast<const char*>(data), size};
    const auto nul = input.find('\0');
    app::ConfigSources sources;
    sources.file = "fuzz.toml";
    sources.text = input.substr(0, nul);
    if (nul != std::string_view::npos) sources.environment = variables(input.substr(nul + 1));
    const auto config = app::read_config(sources);
    if (config) {
        check_printed(*config);
        static_cast<void>(app::check_ready_to_serve(*config, sources.file));
        return 0;
    }
    TIDINGS_ASSERT(!config.error().empty());
    for (const auto& one : config.error()) TIDINGS_ASSERT(!one.what.empty() && !one.file.empty());
    return 0;
}
