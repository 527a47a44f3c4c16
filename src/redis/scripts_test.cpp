#include "redis/scripts.hpp"

#include "redis/lua_append.hpp"
#include "redis/lua_common.hpp"
#include "redis/lua_state.hpp"

#include <gtest/gtest.h>

namespace tidings::redis {
namespace {

TEST(Scripts, BeginWithTheClockAndTheTerms) {
    const Scripts scripts;
    EXPECT_EQ(scripts.append.source, std::string{lua_common} + std::string{lua_append});
    EXPECT_EQ(scripts.bound.source, std::string{lua_common} + std::string{lua_bound});
    EXPECT_EQ(scripts.state.source, std::string{lua_common} + std::string{lua_state});
}

// That it is the right digest only a server can say: redis_scripts_test.cpp.
TEST(Scripts, AreNamedByTheSha1OfTheirSource) {
    const Scripts scripts;
    for (const auto* script : {&scripts.append, &scripts.bound, &scripts.state}) {
        EXPECT_EQ(script->sha.size(), 40U);
        EXPECT_EQ(script->sha.find_first_not_of("0123456789abcdef"), std::string::npos);
        EXPECT_EQ(script->source.find('\0'), std::string::npos);
    }
    EXPECT_NE(scripts.append.sha, scripts.bound.sha);
    EXPECT_EQ(Scripts{}.state.sha, scripts.state.sha);
}

}  // namespace
}  // namespace tidings::redis
