// From arguments to a command.
#include "commands.hpp"

#include <ostream>

namespace tidings::app {
namespace {

// Runs whichever command was asked for. Lives for one run.
struct Runner {
    Terminal& terminal;

    int operator()(const Finished& finished) const {
        terminal.out << finished.out;
        terminal.err << finished.err;
        return finished.code;
    }
    int operator()(const ServeOptions& options) const { return serve(options, terminal); }
    int operator()(const PublishOptions& options) const { return publish(options, terminal); }
    int operator()(const EmitOptions& options) const { return emit(options, terminal); }
    int operator()(const SubscribeOptions& options) const { return subscribe(options, terminal); }
    int operator()(const BenchOptions& options) const { return bench(options, terminal); }
    int operator()(const TokenOptions& options) const { return token(options, terminal); }
    int operator()(const RegistryOptions& options) const { return registry(options, terminal); }
    int operator()(const ConfigOptions& options) const { return config(options, terminal); }
};

}  // namespace

int run(const std::vector<std::string>& arguments, Terminal& terminal) {
    const int code = std::visit(Runner{terminal}, parse_command_line(arguments, terminal.environment));
    terminal.out.flush();
    terminal.err.flush();
    return code;
}

void say_error(Terminal& terminal, std::string_view text) { terminal.err << "error: " << text << "\n"; }

int say_diagnostics(Terminal& terminal, const Diagnostics& found) {
    for (const Diagnostic& one : found) terminal.err << "error: " << one.text() << "\n";
    return exit_usage;
}

Timestamp now() {
    return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

}  // namespace tidings::app
