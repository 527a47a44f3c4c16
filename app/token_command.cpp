#include "commands.hpp"

#include "client/mint_token.hpp"

#include <ostream>

namespace tidings::app {

int token(const TokenOptions& options, Terminal& terminal) {
    AuthConfig auth;
    if (!options.secret_file.empty()) {
        KeyConfig key;
        key.secret_file = options.secret_file;
        auth.keys.push_back(std::move(key));
    } else {
        ConfigSources sources;
        sources.file = options.config;
        sources.environment = terminal.environment;
        const auto loaded = load_config(std::move(sources));
        if (!loaded) return say_diagnostics(terminal, loaded.error());
        auth = loaded->auth;
        if (auth.keys.empty()) {
            say_error(terminal, "there is no key to sign with; give --config or --secret-file");
            return exit_usage;
        }
    }
    const auto minted = mint_token(
        auth,
        {options.user, options.topics, options.publish, options.operate, options.session, options.expires},
        now());
    if (!minted) {
        say_error(terminal, minted.error().detail);
        return exit_usage;
    }
    terminal.out << *minted << "\n";
    return exit_done;
}

}  // namespace tidings::app
