// `tidings_load`: a plan as JSON in, its result as JSON out. README.md beside it describes both.
#include "load/run.hpp"

#include <csignal>
#include <fstream>
#include <iostream>
#include <iterator>

namespace {

std::atomic<bool> interrupted{false};

int fail(const tidings::Error& error) {
    std::cerr << "tidings_load: " << error.message() << "\n";
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: tidings_load PLAN.json|-\n";
        return 2;
    }
    std::ifstream file;
    const bool standard_input = std::string_view{argv[1]} == "-";
    if (!standard_input) file.open(argv[1]);
    std::istream& in = standard_input ? std::cin : file;
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    const auto plan = tidings::load::read_plan(text);
    if (!plan) return fail(plan.error());
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGINT, [](int) { interrupted = true; });
    std::signal(SIGTERM, [](int) { interrupted = true; });
    const tidings::load::Control control{[](const std::string& line) { std::cerr << line << "\n"; },
                                         &interrupted};
    const auto report = tidings::load::run(*plan, control);
    if (!report) return fail(report.error());
    std::cout << tidings::load::json_of(*report) << "\n";
    return 0;
}
