#pragma once
// What a command has around it: streams, environment, signals. Tests give their own.

#include "config_file.hpp"

#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

namespace tidings::app {

// Documented in every --help.
enum ExitCode : int {
    exit_done = 0,
    exit_failed = 1,
    exit_usage = 2,        // wrong usage or configuration
    exit_unreachable = 3,  // could not reach the server
    exit_refused = 4,      // 401 or 403
    exit_timed_out = 5
};

enum class Interrupt : std::uint8_t { end, reload };  // SIGINT and SIGTERM; SIGHUP
using OnInterrupt = std::function<void(Interrupt)>;

// Borrowed by a command for its run. `watch_interrupts` calls back on a thread of its own until what it
// returned is destroyed; that it is shared is only so that it can be of any type.
struct Terminal {
    std::istream& in;
    std::ostream& out;
    std::ostream& err;
    Environment environment{};
    bool out_is_terminal = false;
    bool err_is_terminal = false;
    std::function<std::shared_ptr<void>(OnInterrupt)> watch_interrupts{};
};

// Marks text for a terminal, and only there; NO_COLOR turns it off.
class Colours {
public:
    explicit Colours(const Terminal& terminal)
        : on_{terminal.out_is_terminal && !terminal.environment.contains("NO_COLOR")} {}

    std::string dim(std::string_view text) const { return marked("2", text); }
    std::string bold(std::string_view text) const { return marked("1", text); }
    std::string green(std::string_view text) const { return marked("32", text); }
    std::string yellow(std::string_view text) const { return marked("33", text); }

private:
    std::string marked(std::string_view code, std::string_view text) const {
        if (!on_) return std::string{text};
        return "\x1b[" + std::string{code} + "m" + std::string{text} + "\x1b[0m";
    }
    bool on_;
};

// The whole program but for main(): `arguments` without the program's name.
int run(const std::vector<std::string>& arguments, Terminal& terminal);

// "error: …" on standard error.
void say_error(Terminal& terminal, std::string_view text);
// Each diagnostic on its line. Returns exit_usage.
int say_diagnostics(Terminal& terminal, const Diagnostics& found);

}  // namespace tidings::app
