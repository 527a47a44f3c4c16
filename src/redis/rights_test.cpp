#include "redis/rights.hpp"

#include "redis/names.hpp"
#include "redis/scripts.hpp"

#include <gtest/gtest.h>

#include <cctype>

namespace tidings::redis {
namespace {

TEST(Rights, NamesBeginWithThePrefix) {
    EXPECT_TRUE(rights_needed("sse").starts_with("~sse:* &sse:* -@all +select "));
    EXPECT_TRUE(rights_needed("app").starts_with("~app:* &app:* -@all +select "));
    EXPECT_TRUE(Names{"app"}.partition().starts_with("app:"));
}

// Each command that a script calls is among them.
TEST(Rights, AreAllThatTheScriptsNeed) {
    const std::string rights = rights_needed("sse") + " ";
    const Scripts scripts;
    for (const auto* script : {&scripts.append, &scripts.bound, &scripts.state}) {
        std::size_t calls = 0;
        for (const std::string_view call : {"redis.call('", "redis.pcall('"}) {
            for (auto at = script->source.find(call); at != std::string::npos;
                 at = script->source.find(call, at + 1)) {
                const auto begin = at + call.size();
                std::string right = " +";
                for (const char c : script->source.substr(begin, script->source.find('\'', begin) - begin)) {
                    right += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
                }
                EXPECT_NE(rights.find(right + " "), std::string::npos) << right;
                ++calls;
            }
        }
        EXPECT_GT(calls, 3U);
    }
}

}  // namespace
}  // namespace tidings::redis
