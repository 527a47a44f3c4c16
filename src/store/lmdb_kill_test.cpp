// kill -9: a child process appends and says on a pipe what was acknowledged; the parent kills it, at random
// moments and at each step of a commit, reopens the store and looks for every one of them. P-7, P-2.

#include "store/store_test_support.hpp"

#include <fcntl.h>
#include <sys/wait.h>

#include <charconv>
#include <csignal>
#include <cstdlib>

namespace tidings {
namespace {

using namespace store_test;

constexpr const char* child_variable = "TIDINGS_STORE_TEST_CHILD";

WallClock steady_milliseconds() {
    return [] {
        const auto now = std::chrono::steady_clock::now().time_since_epoch();
        return static_cast<Milliseconds>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
    };
}

LmdbOptions child_options(const std::filesystem::path& directory, Durability durability) {
    LmdbOptions lmdb;
    lmdb.store.clock = steady_milliseconds();
    lmdb.store.random = seeded(std::random_device{}());
    lmdb.store.retention.user = {.events = 100'000, .age = std::chrono::hours{1}, .bytes = 1 << 30};
    lmdb.directory = directory;
    lmdb.durability = durability;
    lmdb.map_bytes = 64 << 20;
    lmdb.boot_id = "one-boot";
    return lmdb;
}

// One line to standard output; a pipe takes it whole.
void say(const std::string& line) {
    if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::_Exit(1);
}

// The child: "<directory>|process or sync|<step>|<count>"; ends by itself at the count-th such step.
[[noreturn]] void run_child(const std::string& order) {
    std::vector<std::string> words(1);
    for (const char c : order) {
        if (c == '|') {
            words.emplace_back();
        } else {
            words.back().push_back(c);
        }
    }
    auto lmdb = child_options(words.at(0), words.at(1) == "sync" ? Durability::sync : Durability::process);
    const int kill_step = std::atoi(words.at(2).c_str());
    int left = std::atoi(words.at(3).c_str());
    lmdb.at_step = [&](CommitStep step) {
        if (static_cast<int>(step) == kill_step && --left == 0) ::kill(::getpid(), SIGKILL);
    };
    auto store = make_lmdb_store(std::move(lmdb));
    if (!store->open(nullptr)) std::_Exit(3);
    for (int i = 0;; ++i) {
        std::vector<AppendItem> items;
        for (int n = 0; n < 3; ++n) items.push_back(item_for(user("a"), std::to_string(i)));
        store->append(std::move(items), [](AppendResults results) {
            std::string line;
            for (const auto& result : results) line += "A " + result.value().id.text() + "\n";
            say(line);
        });
        if (i % 4 == 0) say("B " + bound_of(*store).value().id().text() + "\n");
    }
}

// In the child the test binary runs this instead of tests.
class ChildEnvironment : public testing::Environment {
public:
    void SetUp() override {
        if (const char* order = std::getenv(child_variable)) run_child(order);
    }
};
const auto* const child_environment = testing::AddGlobalTestEnvironment(new ChildEnvironment);

struct Said {
    std::vector<Uuid> appended;
    std::vector<Uuid> bounds;
};

// Starts a child, kills it after `lines` lines (it may end by itself earlier) and returns whole lines only.
Said run_and_kill(const std::string& order, std::size_t lines) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const std::string variable = std::string{child_variable} + "=" + order;
    std::string name = "store-child";
    std::string quiet = "--gtest_brief=1";
    char* const arguments[] = {name.data(), quiet.data(), nullptr};
    std::vector<char*> environment{const_cast<char*>(variable.c_str())};
    for (char** at = environ; *at != nullptr; ++at) environment.push_back(*at);
    environment.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(ends[1], STDOUT_FILENO);
        ::execve("/proc/self/exe", arguments, environment.data());
        ::_exit(127);
    }
    ::close(ends[1]);
    std::string text;
    char buffer[4096];
    std::size_t seen = 0;
    for (ssize_t count = 0; (count = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
        text.append(buffer, static_cast<std::size_t>(count));
        seen += static_cast<std::size_t>(std::count(buffer, buffer + count, '\n'));
        if (seen >= lines) ::kill(child, SIGKILL);  // and read what it still said
    }
    ::close(ends[0]);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
    Said said;
    for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
        const auto id =
            end > at + 2 ? Uuid::parse(std::string_view{text}.substr(at + 2, end - at - 2)) : std::nullopt;
        if (!id) continue;  // gtest's own words
        (text[at] == 'A' ? said.appended : said.bounds).push_back(*id);
    }
    return said;
}

// Everything that any child was told stands in the store, in order, and nothing runs backwards.
class KillTest : public testing::TestWithParam<Durability> {
protected:
    void kill_once(int step, int count, std::size_t lines) {
        const auto mode = GetParam() == Durability::sync ? "|sync|" : "|process|";
        const auto said = run_and_kill(
            folder.path().string() + mode + std::to_string(step) + "|" + std::to_string(count), lines);
        check_ids(said.appended, last_appended);
        check_ids(said.bounds, last_bound);
        acknowledged.insert(acknowledged.end(), said.appended.begin(), said.appended.end());
        auto store = make_lmdb_store(child_options(folder.path(), GetParam()));
        const auto opened = store->open(nullptr);
        ASSERT_TRUE(opened) << opened.error().message();
        const auto bound = bound_of(*store).value();
        ASSERT_GT(bound.position, last_appended);
        ASSERT_GT(bound.position, last_bound);
        last_bound = bound.position;
        check_store(*store, bound);
    }

    static void check_ids(const std::vector<Uuid>& ids, Position& last) {
        for (const auto& id : ids) {
            const auto position = EventId::from(id)->position;
            ASSERT_GT(position, last);
            last = position;
        }
    }

    void check_store(Store& store, const Bound& bound) {
        const auto page = read_log(store, user("a"));
        std::size_t found = 0;
        Position previous = page.floor;
        for (const auto& entry : page.entries) {
            ASSERT_EQ(entry.previous, previous);
            previous = entry.position;
            if (found < acknowledged.size() && entry.id() == acknowledged[found]) ++found;
        }
        ASSERT_EQ(found, acknowledged.size()) << "of " << page.entries.size() << " entries";
        for (const auto& id : acknowledged) {
            ASSERT_EQ(interpret(id.text(), *bound.terms, bound.position).kind, CursorKind::ours);
        }
    }

    TemporaryFolder folder;
    std::vector<Uuid> acknowledged;
    Position last_appended, last_bound;
};

TEST_P(KillTest, P7_KilledAtRandomMomentsLosesNothingAcknowledged) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random{seed};
    for (int round = 0; round < 12 && !HasFatalFailure(); ++round) kill_once(-1, 0, 1 + random() % 300);
    EXPECT_GT(acknowledged.size(), 50U);
}

TEST_P(KillTest, P7_KilledAtEachStepOfACommitLosesNothingAcknowledged) {
    for (int step = 0; step <= static_cast<int>(CommitStep::answered) && !HasFatalFailure(); ++step) {
        for (const int count : {1, 5}) kill_once(step, count, 100'000);
    }
    EXPECT_GT(acknowledged.size(), 20U);
}

INSTANTIATE_TEST_SUITE_P(LmdbKill, KillTest, testing::Values(Durability::process, Durability::sync),
                         [](const auto& tested) {
                             return tested.param == Durability::sync ? "Sync" : "Process";
                         });

}  // namespace
}  // namespace tidings
