#pragma once
// TIDINGS_ASSERT: on in release, for bugs only, never on input.

#include <cstdio>
#include <cstdlib>

#define TIDINGS_ASSERT(condition)                                                                \
    do {                                                                                         \
        if (!(condition)) [[unlikely]] {                                                         \
            std::fprintf(stderr, "tidings: bug: %s at %s:%d\n", #condition, __FILE__, __LINE__); \
            std::abort();                                                                        \
        }                                                                                        \
    } while (false)
