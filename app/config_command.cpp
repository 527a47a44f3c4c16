#include "commands.hpp"
#include "settings.hpp"

#include <ostream>

namespace tidings::app {

int config(const ConfigOptions& options, Terminal& terminal) {
    if (!options.markdown.empty()) {
        terminal.out << (options.markdown == "limits" ? limits_markdown() : configuration_markdown());
        return exit_done;
    }
    ConfigSources sources;
    sources.file = options.file;
    sources.environment = terminal.environment;
    sources.dev = options.dev;
    const auto loaded = load_config(std::move(sources));
    if (!loaded) return say_diagnostics(terminal, loaded.error());
    if (options.what == ConfigOptions::Do::print) {
        terminal.out << config_toml(*loaded);
        return exit_done;
    }
    const Diagnostics missing = check_ready_to_serve(*loaded, options.file);
    if (!missing.empty()) return say_diagnostics(terminal, missing);
    terminal.out << (options.file.empty() ? "the configuration" : options.file) << " is good\n";
    return exit_done;
}

}  // namespace tidings::app
