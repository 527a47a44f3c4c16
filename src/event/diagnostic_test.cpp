#include <tidings/result.hpp>

#include <gtest/gtest.h>

namespace tidings {
namespace {

TEST(Diagnostic, SaysWhereWhatAndWhatWouldBeRight) {
    const Diagnostic full{"tidings.toml", 12, 3, "unknown key 'heartbeet' in [delivery]",
                          "did you mean 'heartbeat'?"};
    EXPECT_EQ(full.text(),
              "tidings.toml:12:3: unknown key 'heartbeet' in [delivery]; did you mean 'heartbeat'?");
}

TEST(Diagnostic, LeavesOutWhatItDoesNotKnow) {
    EXPECT_EQ((Diagnostic{"a.toml", 0, 0, "cannot be read"}).text(), "a.toml: cannot be read");
    EXPECT_EQ((Diagnostic{"a.toml", 4, 0, "wrong"}).text(), "a.toml:4: wrong");
    EXPECT_EQ((Diagnostic{"", 0, 0, "wrong"}).text(), "wrong");
}

}  // namespace
}  // namespace tidings
