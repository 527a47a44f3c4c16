#pragma once
// The three scripts that run inside Redis: appends, bounds, and leases with the seals of ended terms. Each is
// one source text, named by its SHA-1; docs/redis.md describes what they read and write.

#include <string>

namespace tidings::redis {

struct Script {
    std::string source;
    std::string sha;  // 40 hexadecimal digits
};

// Immutable once made.
struct Scripts {
    Scripts();
    Script append;
    Script bound;
    Script state;
};

}  // namespace tidings::redis
