#include "command_line.hpp"

#include <gtest/gtest.h>

namespace tidings::app {
namespace {

using namespace std::chrono_literals;

const Environment hub_environment{{"TIDINGS_URL", "http://hub"}, {"TIDINGS_TOKEN", "jwt"}};

template <class Options>
Options parsed(std::vector<std::string> arguments, const Environment& environment = hub_environment) {
    const Command command = parse_command_line(arguments, environment);
    if (const auto* options = std::get_if<Options>(&command)) return *options;
    const auto* finished = std::get_if<Finished>(&command);
    ADD_FAILURE() << arguments.front() << ": "
                  << (finished != nullptr ? finished->err + finished->out : "other command");
    return {};
}

Finished refused(std::vector<std::string> arguments, const Environment& environment = hub_environment) {
    const Command command = parse_command_line(arguments, environment);
    const auto* finished = std::get_if<Finished>(&command);
    if (finished == nullptr) {
        ADD_FAILURE() << "accepted";
        return {};
    }
    return *finished;
}

TEST(CommandLine, ServeTakesItsFlagsAsSettings) {
    const auto options =
        parsed<ServeOptions>({"serve", "--config", "t.toml", "--listen", "127.0.0.1:0", "--listen", "[::1]:0",
                              "--store", "lmdb:/tmp/x", "--registry", "r.toml", "--dev"});
    EXPECT_EQ(options.config, "t.toml");
    EXPECT_TRUE(options.dev);
    ASSERT_EQ(options.flags.size(), 3u);
    EXPECT_EQ(options.flags[0].setting, "server.listen");
    EXPECT_EQ(options.flags[0].value, "127.0.0.1:0,[::1]:0");
    EXPECT_EQ(options.flags[1].value, "lmdb:/tmp/x");
    EXPECT_EQ(options.flags[2].setting, "registry.file");
}

TEST(CommandLine, PublishTakesOneAudience) {
    const auto options =
        parsed<PublishOptions>({"publish", "--type", "a.b", "--user", "ann", "--data", "{\"x\":1}"});
    EXPECT_EQ(options.type, "a.b");
    EXPECT_EQ(options.user, "ann");
    EXPECT_EQ(options.data, "{\"x\":1}");
    EXPECT_EQ(options.hub.url, "http://hub");
    EXPECT_EQ(options.hub.token, "jwt");
    EXPECT_TRUE(parsed<PublishOptions>({"publish", "--type", "a", "--broadcast"}).broadcast);
    EXPECT_EQ(parsed<PublishOptions>({"publish", "--data", "-"}).data, "-");
    EXPECT_NE(refused({"publish", "--type", "a"}).err.find("--user, --topic and --broadcast"),
              std::string::npos);
    EXPECT_EQ(refused({"publish", "--type", "a", "--user", "u", "--broadcast"}).code, 2);
    EXPECT_EQ(refused({"publish", "--broadcast"}).code, 2);
    EXPECT_EQ(refused({"publish", "--broadcast", "--data", "-"}).code, 2);
}

TEST(CommandLine, EmitTakesItsNameFirst) {
    const auto options =
        parsed<EmitOptions>({"emit", "FileImported", "--data", "-", "--url", "http://other", "--json"});
    EXPECT_EQ(options.name, "FileImported");
    EXPECT_EQ(options.data, "-");
    EXPECT_EQ(options.hub.url, "http://other");
    EXPECT_EQ(options.output, Output::json);
    EXPECT_EQ(refused({"emit"}).code, 2);
}

TEST(CommandLine, SubscribeTakesEverySpelling) {
    const auto options = parsed<SubscribeOptions>(
        {"subscribe", "--categories", "a,b", "--topics", "x", "--last-event-id", "i", "--from", "earliest",
         "--count", "3", "--timeout", "10s", "--json", "--url", "http://h", "--token", "t"});
    EXPECT_EQ(options.categories, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(options.topics, (std::vector<std::string>{"x"}));
    EXPECT_EQ(options.last_event_id, "i");
    EXPECT_EQ(options.from, "earliest");
    EXPECT_EQ(options.count, 3u);
    EXPECT_EQ(options.timeout, 10s);
    EXPECT_EQ(options.hub.token, "t");
    EXPECT_NE(refused({"subscribe", "--timeout", "10"}).err.find("15s"), std::string::npos);
    EXPECT_EQ(refused({"subscribe", "--from", "yesterday"}).code, 2);
    EXPECT_EQ(refused({"subscribe", "--count", "many"}).code, 2);
}

TEST(CommandLine, BenchTakesALoadAndOneKindOfCredential) {
    const auto options = parsed<BenchOptions>({"bench", "--url", "http://h", "--secret-file", "key",
                                               "--streams", "500", "--rate", "2.5", "--seconds", "3",
                                               "--bytes", "100", "--topic", "x", "--type", "a.b", "--json"});
    EXPECT_EQ(options.streams, 500u);
    EXPECT_EQ(options.rate, 2.5);
    EXPECT_EQ(options.seconds, 3);
    EXPECT_EQ(options.bytes, 100u);
    EXPECT_EQ(options.topic, "x");
    EXPECT_EQ(options.type, "a.b");
    EXPECT_EQ(options.secret_file, "key");
    EXPECT_EQ(options.hub.token, "");  // not the environment's, which would be another user's
    EXPECT_EQ(options.output, Output::json);

    const auto usual = parsed<BenchOptions>({"bench"});
    EXPECT_EQ(usual.hub.token, "jwt");
    EXPECT_EQ(usual.streams, 1000u);
    EXPECT_EQ(usual.topic, "tidings-bench");
    EXPECT_EQ(parsed<BenchOptions>({"bench", "--broadcast"}).topic, "");

    const Environment no_token{{"TIDINGS_URL", "http://hub"}};
    EXPECT_NE(refused({"bench"}, no_token).err.find("--secret-file"), std::string::npos);
    EXPECT_EQ(refused({"bench", "--broadcast", "--topic", "x"}).code, 2);
    EXPECT_EQ(refused({"bench", "--key", "k", "--secret-file", "f"}).code, 2);
    EXPECT_EQ(refused({"bench", "--key", "k", "--token", "t"}).code, 2);
    EXPECT_EQ(refused({"bench", "--streams", "0"}).code, 2);
    EXPECT_EQ(refused({"bench", "--rate", "fast"}).code, 2);
}

TEST(CommandLine, TokenTakesGrantsAndALife) {
    const auto options =
        parsed<TokenOptions>({"token", "--user", "ann", "--topics", "x,y", "--publish", "*", "--publish",
                              "user:ann", "--operate", "--expires", "1h", "--secret-file", "key"});
    EXPECT_EQ(options.topics.size(), 2u);
    EXPECT_EQ(options.publish, (std::vector<std::string>{"*", "user:ann"}));
    EXPECT_TRUE(options.operate);
    EXPECT_EQ(options.expires, 1h);
    EXPECT_EQ(parsed<TokenOptions>({"token", "--user", "a", "--config", "c"}).expires, 15min);
    EXPECT_EQ(refused({"token", "--user", "a", "--expires", "soon"}).code, 2);
    EXPECT_EQ(refused({"token", "--user", "a", "--config", "c", "--secret-file", "s"}).code, 2);
}

TEST(CommandLine, RegistryAndConfigHaveParts) {
    const auto show = parsed<RegistryOptions>({"registry", "show", "a.b", "r.toml", "--json"});
    EXPECT_EQ(show.what, RegistryOptions::Do::show);
    EXPECT_EQ(show.type, "a.b");
    EXPECT_EQ(show.file, "r.toml");
    EXPECT_EQ(parsed<RegistryOptions>({"registry", "check", "r.toml"}).what, RegistryOptions::Do::check);
    EXPECT_EQ(parsed<ConfigOptions>({"config", "check", "t.toml"}).file, "t.toml");
    EXPECT_EQ(parsed<ConfigOptions>({"config", "print", "--config", "t.toml"}).file, "t.toml");
    EXPECT_EQ(parsed<ConfigOptions>({"config", "print", "--markdown", "limits"}).markdown, "limits");
    EXPECT_EQ(refused({"registry"}).code, 2);
}

TEST(CommandLine, WrongUsageNamesTheNearestName) {
    const std::pair<std::vector<std::string>, const char*> cases[] = {
        {{"serv"}, "did you mean 'serve'?"},
        {{"subscrib", "--json"}, "did you mean 'subscribe'?"},
        {{"registry", "chek"}, "did you mean 'check'?"},
        {{"subscribe", "--categorys", "a"}, "did you mean '--categories'?"},
        {{"serve", "--listn=x"}, "did you mean '--listen'?"},
        {{"frobnicate"}, "there are: serve, publish"},
        {{"config", "print", "--markdwn", "x"}, "did you mean '--markdown'?"}};
    for (const auto& [arguments, hint] : cases) {
        const Finished finished = refused(arguments);
        EXPECT_EQ(finished.code, 2);
        EXPECT_EQ(finished.out, "");
        EXPECT_NE(finished.err.find(hint), std::string::npos) << finished.err;
    }
    EXPECT_EQ(refused({}).code, 2);
}

TEST(CommandLine, AHubIsNeeded) {
    EXPECT_NE(refused({"subscribe"}, {}).err.find("TIDINGS_URL"), std::string::npos);
    EXPECT_EQ(refused({"emit", "X"}, {}).code, 2);
}

TEST(CommandLine, EveryCommandHasHelpWithExamplesAndExitCodes) {
    for (const char* command :
         {"serve", "publish", "emit", "subscribe", "bench", "token", "registry", "config"}) {
        const Finished help = refused({command, "--help"});
        EXPECT_EQ(help.code, 0) << command;
        EXPECT_NE(help.out.find("Examples:\n  "), std::string::npos) << command << help.out;
        EXPECT_NE(help.out.find("Exit codes:"), std::string::npos) << command;
    }
    const Finished whole = refused({"--help"});
    EXPECT_NE(whole.out.find("TIDINGS_TOKEN"), std::string::npos);
    EXPECT_NE(whole.out.find("subscribe"), std::string::npos);
    EXPECT_NE(refused({"--version"}).out.find("tidings "), std::string::npos);
}

}  // namespace
}  // namespace tidings::app
