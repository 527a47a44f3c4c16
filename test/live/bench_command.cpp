// `tidings bench` against a hub: what it counts, and how it ends.

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include "live/eventually.hpp"
#include "live/live_client.hpp"
#include "live/live_hub.hpp"

namespace tidings::test {
namespace {

struct Ran {
    int code = -1;
    std::string out;  // with what it said on standard error
};

// Blocks until the program has ended. `arguments` are for a shell.
Ran ran_bench(const LiveHub& hub, const std::string& arguments) {
    const char* name = std::getenv("TIDINGS_BIN");
    const std::string command = std::string{name != nullptr ? name : "tidings"} +
                                " bench --url http://127.0.0.1:" + std::to_string(hub.port()) + " " +
                                arguments + " 2>&1";
    Ran ran;
    FILE* pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) return ran;
    std::array<char, 4096> buffer{};
    for (std::size_t got; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
        ran.out.append(buffer.data(), got);
    const int status = ::pclose(pipe);
    ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return ran;
}

std::string secret_file(const LiveHub& hub) {
    const auto file = hub.directory() / "secret";
    std::ofstream{file} << hub.secret() << "\n";
    return "--secret-file " + file.string();
}

// The JSON object, which is the last line.
std::string json_of(const Ran& ran) {
    const auto at = ran.out.rfind("\n{");
    return at == std::string::npos ? ran.out : ran.out.substr(at + 1);
}

TEST(BenchCommand, CountsEveryDelivery) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    for (const std::string audience : {"--topic chat:7", "--broadcast"}) {
        const Ran ran =
            ran_bench(hub, secret_file(hub) + " --streams 200 --rate 20 --seconds 2 --json " + audience);
        EXPECT_EQ(ran.code, 0) << ran.out;
        const std::string json = json_of(ran);
        const auto published = number_in(json, "published");
        EXPECT_GT(published, 0) << ran.out;
        EXPECT_EQ(published + number_in(json, "unpublished"), 40) << json;
        EXPECT_EQ(number_in(json, "delivered"), published * 200) << json;
        for (const char* none : {"lost", "duplicated", "out_of_order", "foreign", "publish_failed", "ended"})
            EXPECT_EQ(number_in(json, none), 0) << none << "\n" << json;
    }
}

TEST(BenchCommand, PrintsATableForPeople) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    const std::string token = hub.token({.user = "ann", .topics = {"tidings-bench"}, .publish = {"*"}});
    const Ran ran = ran_bench(hub, "--token " + token + " --streams 20 --rate 10 --seconds 1");
    EXPECT_EQ(ran.code, 0) << ran.out;
    for (const char* part :
         {"20 streams, ", "deliveries ", "lost ", "events per read", "p99.9", "last reader"})
        EXPECT_NE(ran.out.find(part), std::string::npos) << part << "\n" << ran.out;
}

TEST(BenchCommand, SaysWhyItCannotRun) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    const std::string token = hub.token({.user = "ann", .topics = {"tidings-bench"}, .publish = {"*"}});
    const std::tuple<std::string, int, const char*> cases[] = {
        {secret_file(hub) + " --streams 9000000", 2, "streams are possible here"},
        {secret_file(hub) + " --type no.such", 2, "no event type 'no.such'"},
        {"--token nonsense", 4, "401"},
        {"--token " + hub.reader("ann"), 4, "403"},
        {"--token " + token + " --streams 200", 1, "server.limits.streams_per_user"}};
    for (const auto& [arguments, code, what] : cases) {
        const Ran ran = ran_bench(hub, arguments);
        EXPECT_EQ(ran.code, code) << arguments << "\n" << ran.out;
        EXPECT_NE(ran.out.find(what), std::string::npos) << ran.out;
    }
}

TEST(BenchCommand, FailsWhenTheHubGoesAway) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    std::thread killer{[&hub] {
        // Its streams are open on both sides by then.
        eventually([&hub] { return metric(hub.operations_port(), "tidings_published_total") >= 1; });
        hub.kill();
    }};
    const Ran ran = ran_bench(hub, secret_file(hub) + " --streams 50 --rate 20 --seconds 600");
    killer.join();
    EXPECT_EQ(ran.code, 1) << ran.out;
}

}  // namespace
}  // namespace tidings::test
