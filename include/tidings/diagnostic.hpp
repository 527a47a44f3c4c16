#pragma once
// What is wrong with a person's file, where, and what would be right.

#include <cstddef>
#include <string>
#include <vector>

namespace tidings {

struct Diagnostic {
    std::string file;
    std::size_t line = 0;    // from 1; 0: the file as a whole
    std::size_t column = 0;  // from 1
    std::string what;        // "unknown key 'heartbeet' in [delivery]"
    std::string hint{};      // "did you mean 'heartbeat'?"; may be empty

    // "tidings.toml:12:3: unknown key 'heartbeet' in [delivery]; did you mean 'heartbeat'?"
    std::string text() const;
};

using Diagnostics = std::vector<Diagnostic>;

}  // namespace tidings
