#include "store/state_file.hpp"

#include "store/store_test_support.hpp"

namespace tidings {
namespace {

using store_test::TemporaryFolder;

TEST(RunState, ReadsWhatItWrites) {
    for (const auto end : {RunState::End::open, RunState::End::closed}) {
        for (const auto durability : {Durability::process, Durability::sync}) {
            const RunState state{end, durability, "3f1c"};
            EXPECT_EQ(parse_run_state(run_state_text(state)), state);
        }
    }
    for (const auto* text : {"", "tidings-store 2\nopen\nsync\nx\n", "tidings-store 1\nmaybe\nsync\nx\n",
                             "tidings-store 1\nopen\nfast\nx\n", "tidings-store 1\nopen\nsync\nx\nmore\n"}) {
        EXPECT_FALSE(parse_run_state(text)) << text;
    }
}

TEST(RunState, ReplacesItsFile) {
    const TemporaryFolder folder;
    EXPECT_FALSE(read_run_state(folder.path()).value());
    for (const auto* boot : {"a", "b"}) {
        const RunState state{RunState::End::open, Durability::sync, boot};
        ASSERT_TRUE(write_run_state(folder.path(), state));
        EXPECT_EQ(read_run_state(folder.path()).value(), state);
    }
    EXPECT_EQ(write_run_state(folder.path() / "absent", {}).error().code, Errc::store_unavailable);
}

TEST(DirectoryLock, IsHeldByOneAndFreedAtItsEnd) {
    const TemporaryFolder folder;
    {
        auto first = DirectoryLock::take(folder.path());
        ASSERT_TRUE(first);
        EXPECT_EQ(DirectoryLock::take(folder.path()).error().code, Errc::store_unavailable);
        const DirectoryLock moved = std::move(*first);
        EXPECT_FALSE(DirectoryLock::take(folder.path()));
    }
    EXPECT_TRUE(DirectoryLock::take(folder.path()));
}

TEST(BootId, IsTheSameTwice) { EXPECT_EQ(current_boot_id(), current_boot_id()); }

}  // namespace
}  // namespace tidings
