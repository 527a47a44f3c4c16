// The binary `tidings`: streams, environment and signals of the process, and nothing else.
#include "signals.hpp"
#include "terminal.hpp"

#include <unistd.h>

#include <csignal>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

namespace {

tidings::app::Environment environment_of(char** variables) {
    tidings::app::Environment environment;
    for (; *variables != nullptr; ++variables) {
        const std::string one{*variables};
        if (const auto equals = one.find('='); equals != std::string::npos) {
            environment.emplace(one.substr(0, equals), one.substr(equals + 1));
        }
    }
    return environment;
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of the stream, not the end of the process
    std::ios::sync_with_stdio(false);
    std::cin.tie(nullptr);
    try {
        tidings::app::Terminal terminal{std::cin,
                                        std::cout,
                                        std::cerr,
                                        environment_of(environ),
                                        isatty(STDOUT_FILENO) == 1,
                                        isatty(STDERR_FILENO) == 1,
                                        tidings::app::watch_signals};
        return tidings::app::run({argv + 1, argv + argc}, terminal);
    } catch (const std::exception& error) {
        std::cerr << "error: " << error.what() << "\n";
        return tidings::app::exit_failed;
    }
}
