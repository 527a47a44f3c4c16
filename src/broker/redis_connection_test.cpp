#include "broker/redis_connection.hpp"

#include "support/redis_server.hpp"

#include <boost/asio/io_context.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace tidings {
namespace {

using namespace std::chrono_literals;
using redis::command;
using redis::RedisLinkOptions;
using redis::Value;
using test::RedisServer;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// A connection on a loop that runs only while the test waits for something.
struct Link {
    explicit Link(const std::string& url, RedisLinkOptions more = {}) {
        more.url = redis::RedisUrl::parse(url).value();
        connection = std::make_unique<RedisConnection>(
            loop, std::move(more),
            RedisConnection::Handlers{
                .ready = [this](const redis::ServerInfo& info) { ready.push_back(info); },
                .lost = [this](const Error& why) { lost.push_back(why.detail); },
                .pushed = [this](Value value) { pushed.push_back(std::move(value)); }},
            [this](LogLevel level, std::string_view text, std::initializer_list<LogField>) {
                if (level != LogLevel::debug) logged.emplace_back(text);
            });
        connection->start();
    }

    template <class Condition>
    bool until(Condition condition, std::chrono::milliseconds limit = 60s) {
        const auto end = std::chrono::steady_clock::now() + limit;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > end) return false;
            loop.context().run_one_for(20ms);
        }
        return true;
    }
    bool until_ready(std::size_t times = 1) {
        return until([&] { return ready.size() >= times; });
    }
    // Waits for the answer.
    Result<std::vector<Value>> call(std::string bytes, std::size_t replies = 1) {
        std::optional<Result<std::vector<Value>>> answer;
        connection->send(std::move(bytes), replies,
                         [&](Result<std::vector<Value>> got) { answer = std::move(got); });
        EXPECT_FALSE(answer) << "not within the call";
        until([&] { return answer.has_value(); });
        if (!answer) return Error{Errc::internal, "no answer"};
        return *answer;
    }

    Loop loop;
    std::vector<redis::ServerInfo> ready;
    std::vector<std::string> lost;
    std::vector<Value> pushed;
    std::vector<std::string> logged;
    std::unique_ptr<RedisConnection> connection;
};

// Times that let a test see a death soon.
RedisLinkOptions quick(RedisLinkOptions::Use use = RedisLinkOptions::Use::commands) {
    RedisLinkOptions options{.use = use};
    options.times.idle = 50ms;
    options.times.pong = 300ms;
    options.times.slow_min = 100ms;
    options.times.slow_max = 200ms;
    return options;
}

TEST(RedisConnection, TellsWhichServerItIs) {
    RedisServer server{{.lines = {"appendonly yes", "appendfsync always", "maxmemory-policy allkeys-lru"}}};
    Link link{server.url()};
    ASSERT_TRUE(link.until_ready());
    EXPECT_TRUE(link.connection->is_ready());
    const auto& info = link.ready[0];
    EXPECT_THAT(server.call({"INFO", "server"}).text, HasSubstr("run_id:" + info.run_id));
    EXPECT_EQ(info.role, "master");
    EXPECT_EQ(info.address, "127.0.0.1:" + std::to_string(server.port()));
    EXPECT_EQ(info.fsync, "always");
    EXPECT_EQ(info.eviction, "allkeys-lru");
    EXPECT_FALSE(info.promoted);
    EXPECT_THAT(server.call({"CLIENT", "LIST"}).text, HasSubstr("name=tidings "));
    EXPECT_THAT(link.logged, ElementsAre()) << "all is well";
}

TEST(RedisConnection, AnswersInTheOrderOfTheCommands) {
    RedisServer server;
    Link link{server.url()};
    ASSERT_TRUE(link.until_ready());
    std::vector<std::int64_t> numbers;
    for (int i = 0; i < 5'000; ++i) {
        link.connection->send(command({"INCR", "n"}), 1, [&](Result<std::vector<Value>> got) {
            numbers.push_back(got.value().at(0).integer);
        });
    }
    ASSERT_TRUE(link.until([&] { return numbers.size() == 5'000; }));
    for (std::size_t i = 0; i < numbers.size(); ++i) ASSERT_EQ(numbers[i], static_cast<std::int64_t>(i + 1));
    const auto several =
        link.call(command({"SET", "k", "v"}) + command({"NO"}) + command({"GET", "k"}), 3).value();
    EXPECT_TRUE(several.at(0).is_status("OK"));
    EXPECT_TRUE(several.at(1).is_error());
    EXPECT_EQ(several.at(2).text, "v");
    const std::string large(5'000'000, 'x');
    EXPECT_TRUE(link.call(command({"SET", "large", large})).value()[0].is_status("OK"));
    EXPECT_EQ(link.call(command({"GET", "large"})).value()[0].text, large);
}

TEST(RedisConnection, WithoutALinkNothingIsSent) {
    RedisServer server;
    server.kill();
    Link link{server.url()};
    ASSERT_TRUE(link.until([&] { return !link.logged.empty(); }));
    EXPECT_FALSE(link.connection->is_ready());
    const auto answer = link.call(command({"PING"}));
    EXPECT_EQ(answer.error().code, Errc::connection_failed);
    EXPECT_THAT(answer.error().detail, HasSubstr("refused"));
    EXPECT_THAT(link.lost, ElementsAre()) << "it was never there";
    server.restart();
    ASSERT_TRUE(link.until_ready());
    EXPECT_EQ(link.logged.size(), 2u) << "one line for the cause and one for the return";
}

TEST(RedisConnection, ALostLinkAnswersEverythingAndReturns) {
    RedisServer server;
    Link link{server.url()};
    ASSERT_TRUE(link.until_ready());
    std::vector<std::string> heard;
    for (const auto* name : {"first", "second"}) {
        link.connection->send(command({"BLPOP", "none", "0"}), 1, [&, name](Result<std::vector<Value>> got) {
            EXPECT_EQ(got.error().code, Errc::connection_failed);
            EXPECT_FALSE(link.connection->is_ready());
            heard.emplace_back(name + std::to_string(link.lost.size()));
        });
    }
    ASSERT_TRUE(link.until([&] {
        return server.call({"INFO", "clients"}).text.find("blocked_clients:1") != std::string::npos;
    }));
    server.kill();
    ASSERT_TRUE(link.until([&] { return !link.lost.empty(); }));
    EXPECT_THAT(heard, ElementsAre("first0", "second0")) << "in order, and before lost()";
    server.restart();
    ASSERT_TRUE(link.until_ready(2));
    EXPECT_NE(link.ready[0].run_id, link.ready[1].run_id);
    EXPECT_TRUE(link.call(command({"PING"})).value()[0].is_status("PONG"));
}

TEST(RedisConnection, LeavesAServerThatIsSilent) {
    RedisServer server;
    Link link{server.url(), quick()};
    ASSERT_TRUE(link.until_ready());
    server.pause();
    ASSERT_TRUE(link.until([&] { return !link.lost.empty(); }));
    EXPECT_THAT(link.lost[0], HasSubstr("silent"));
    server.resume();
    ASSERT_TRUE(link.until_ready(2));
}

TEST(RedisConnection, AWrongPasswordIsLoggedOnceAndTriedAgain) {
    RedisServer server{{.lines = {"requirepass right"}, .password = "right"}};
    Link link{"redis://:wrong@127.0.0.1:" + std::to_string(server.port()), quick()};
    const auto refusals = [&] {
        return server.call({"ACL", "LOG"}).at(0).field("count").as_integer().value_or(0);
    };
    ASSERT_TRUE(link.until([&] { return refusals() >= 3; }));
    EXPECT_EQ(link.logged.size(), 1u);
    EXPECT_THAT(link.logged[0], HasSubstr("check the user and the password"));
    EXPECT_THAT(link.logged[0], Not(HasSubstr("wrong@")));
    server.call({"CONFIG", "SET", "requirepass", "wrong"});
    ASSERT_TRUE(link.until_ready());
}

TEST(RedisConnection, IsTriedAtOnceWhenTheCauseMayHaveGone) {
    RedisServer server{{.lines = {"requirepass right"}, .password = "right"}};
    Link link{"redis://:wrong@127.0.0.1:" + std::to_string(server.port())};
    ASSERT_TRUE(link.until([&] { return !link.logged.empty(); }));
    server.call({"CONFIG", "SET", "requirepass", "wrong"});
    const auto before = std::chrono::steady_clock::now();
    link.connection->hurry();
    ASSERT_TRUE(link.until_ready());
    EXPECT_LT(std::chrono::steady_clock::now() - before, 4s) << "by itself it would wait 5 s and more";
}

TEST(RedisConnection, ASubscriberGetsWhatIsPublished) {
    RedisServer server;
    Link link{server.url(), quick(RedisLinkOptions::Use::subscriber)};
    ASSERT_TRUE(link.until_ready());
    const auto started = std::chrono::steady_clock::now();
    // Long enough for PINGs before and after the first subscription; none of their answers is a push.
    link.until([&] { return std::chrono::steady_clock::now() > started + 200ms; });
    link.connection->push_command(command({"SUBSCRIBE", "a", "b"}));
    ASSERT_TRUE(link.until([&] { return link.pushed.size() == 2; }));
    for (int i = 0; i < 1'000; ++i) server.call({"PUBLISH", i % 2 == 0 ? "a" : "b", std::to_string(i)});
    ASSERT_TRUE(link.until([&] { return link.pushed.size() == 1'002; }));
    for (std::size_t i = 0; i < 1'000; ++i) ASSERT_EQ(link.pushed[i + 2].at(2).text, std::to_string(i));
    const auto later = std::chrono::steady_clock::now();
    link.until([&] { return std::chrono::steady_clock::now() > later + 200ms; });
    EXPECT_EQ(link.pushed.size(), 1'002u);
    EXPECT_THAT(link.lost, ElementsAre());
}

TEST(RedisConnection, AChannelThatIsNotPermittedBreaksTheLink) {
    RedisServer server{{.lines = {"user u on >p +@all ~* &sse:*"}}};
    Link link{"redis://u:p@127.0.0.1:" + std::to_string(server.port()),
              quick(RedisLinkOptions::Use::subscriber)};
    ASSERT_TRUE(link.until_ready());
    link.connection->push_command(command({"SUBSCRIBE", "other"}));
    ASSERT_TRUE(link.until([&] { return !link.lost.empty(); }));
    EXPECT_THAT(link.lost[0], HasSubstr("&sse:*"));
    EXPECT_TRUE(link.pushed.empty());
}

TEST(RedisConnection, AServerThatBecameAReplicaIsLeft) {
    RedisServer master;
    RedisServer server;
    Link link{server.url(), quick()};
    ASSERT_TRUE(link.until_ready());
    server.call({"REPLICAOF", "127.0.0.1", std::to_string(master.port())});
    const auto answer = link.call(command({"SET", "a", "1"}));
    EXPECT_THAT(answer.value()[0].text, HasSubstr("READONLY"));
    ASSERT_TRUE(link.until([&] { return !link.lost.empty(); }));
    EXPECT_THAT(link.lost[0], HasSubstr("is a replica now"));
    ASSERT_TRUE(
        link.until([&] { return link.connection->cause().find("not the master") != std::string::npos; }));
    server.call({"REPLICAOF", "NO", "ONE"});
    ASSERT_TRUE(link.until_ready(2));
    EXPECT_TRUE(link.ready[1].promoted);
}

TEST(RedisConnection, WhatWaitsToBeWrittenIsBounded) {
    RedisServer server;
    RedisLinkOptions options;
    options.output_bytes_max = 100'000;
    Link link{server.url(), options};
    ASSERT_TRUE(link.until_ready());
    const auto answer = link.call(command({"SET", "k", std::string(100'000, 'x')}));
    EXPECT_EQ(answer.error().code, Errc::overloaded);
    EXPECT_TRUE(link.call(command({"EXISTS", "k"})).value()[0].integer == 0);
    EXPECT_TRUE(link.call(command({"SET", "k", std::string(90'000, 'x')})).value()[0].is_status("OK"));
}

TEST(RedisConnection, StoppingAnswersEverything) {
    RedisServer server;
    Link link{server.url()};
    ASSERT_TRUE(link.until_ready());
    std::optional<Errc> code;
    link.connection->send(command({"BLPOP", "none", "0"}), 1,
                          [&](Result<std::vector<Value>> got) { code = got.error().code; });
    link.connection->stop();
    EXPECT_EQ(code, Errc::cancelled);
    EXPECT_FALSE(link.connection->is_ready());
    EXPECT_THAT(link.lost, ElementsAre());
}

TEST(RedisConnection, MayBeDestroyedWithinItsHandlers) {
    RedisServer server;
    for (const auto* where : {"answer", "lost", "pushed"}) {
        const bool subscriber = std::string_view{where} == "pushed";
        auto options =
            quick(subscriber ? RedisLinkOptions::Use::subscriber : RedisLinkOptions::Use::commands);
        options.url = redis::RedisUrl::parse(server.url()).value();
        Loop loop;
        bool gone = false;
        std::unique_ptr<RedisConnection> connection;
        const auto end = [&] {
            connection.reset();
            gone = true;
        };
        RedisConnection::Handlers handlers{
            .ready =
                [&](const redis::ServerInfo&) {
                    if (subscriber) return connection->push_command(command({"SUBSCRIBE", "a"}));
                    connection->send(command({"PING"}) + command({"PING"}), 2,
                                     [&](Result<std::vector<Value>>) {
                                         if (std::string_view{where} == "answer") return end();
                                         connection->break_link({Errc::cancelled, "by the test"});
                                     });
                },
            .lost = [&](const Error&) { end(); },
            .pushed = [&](const Value&) { end(); }};
        connection =
            std::make_unique<RedisConnection>(loop, std::move(options), std::move(handlers), LogSink{});
        connection->start();
        const auto limit = std::chrono::steady_clock::now() + 60s;
        while (!gone && std::chrono::steady_clock::now() < limit) loop.context().run_one_for(20ms);
        EXPECT_TRUE(gone) << where;
        loop.context().run_for(10ms);
    }
}

TEST(RedisConnection, CallsNothingAfterItsEnd) {
    RedisServer server;
    Link link{server.url()};
    ASSERT_TRUE(link.until_ready());
    int heard = 0;
    for (int i = 0; i < 3; ++i) {
        link.connection->send(command({"BLPOP", "none", "0"}), 1, [&](Result<std::vector<Value>>) {
            ++heard;
            link.connection->send(command({"PING"}), 1, [&](Result<std::vector<Value>>) { ++heard; });
            link.connection.reset();
        });
    }
    server.kill();
    ASSERT_TRUE(link.until([&] { return heard > 0; }));
    link.loop.context().run_for(20ms);
    EXPECT_EQ(heard, 1) << "neither the others, nor the refused one, nor lost()";
    EXPECT_THAT(link.lost, ElementsAre());
}

// A CA, and certificates of it for the server (for "localhost") and for a client.
struct Certificates {
    explicit Certificates(const std::filesystem::path& folder) : where{folder.string() + "/"} {
        const std::string quiet = " >/dev/null 2>&1";
        const auto run = [&](const std::string& arguments) {
            usable = usable && std::system(("openssl " + arguments + quiet).c_str()) == 0;
        };
        const std::string ec = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes ";
        run("req -x509 " + ec + "-days 2 -subj /CN=ca -keyout " + where + "ca.key -out " + where + "ca.pem");
        for (const auto* name : {"localhost", "client"}) {
            const std::string base = where + name;
            run("req " + ec + "-subj /CN=" + name + " -addext subjectAltName=DNS:" + name + " -keyout " +
                base + ".key -out " + base + ".csr");
            run("x509 -req -copy_extensions copy -days 2 -in " + base + ".csr -CA " + where +
                "ca.pem -CAkey " + where + "ca.key -CAcreateserial -out " + base + ".pem");
        }
    }
    std::vector<std::string> lines(const std::string& clients) const {
        return {"tls-cert-file " + where + "localhost.pem", "tls-key-file " + where + "localhost.key",
                "tls-ca-cert-file " + where + "ca.pem", "tls-auth-clients " + clients};
    }

    std::string where;
    bool usable = true;
};

// A folder of a test's own.
struct Folder {
    Folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "tidings-tls-XXXXXX").string();
        if (::mkdtemp(pattern.data()) != nullptr) path = pattern;
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    std::filesystem::path path;
};

TEST(RedisConnection, SpeaksTlsWithACertificateOfItsOwn) {
    Folder folder;
    const Certificates files{folder.path};
    if (!files.usable) GTEST_SKIP() << "openssl makes no certificates here";
    RedisServer server{{.lines = files.lines("yes"), .port = RedisServer::Setup::Port::tls}};
    const std::string where = "rediss://127.0.0.1:" + std::to_string(server.port());
    const std::string client = "&cert=" + files.where + "client.pem&key=" + files.where + "client.key";
    const std::string ca = "?ca=" + files.where + "ca.pem";

    Link good{where + ca + client + "&server_name=localhost"};
    ASSERT_TRUE(good.until_ready());
    const std::string large(3'000'000, 'x');
    EXPECT_TRUE(good.call(command({"SET", "k", large})).value()[0].is_status("OK"));
    EXPECT_EQ(good.call(command({"GET", "k"})).value()[0].text, large);

    Link unchecked{where + "?verify=no" + client};
    EXPECT_TRUE(unchecked.until_ready());

    for (const auto& [url, says] : {
             std::pair{where + ca + client, "the certificate of the server is not trusted"},  // its name
             std::pair{where + "?server_name=localhost" + client,
                       "the certificate of the server is not trusted"},
             std::pair{where + "?ca=" + files.where + "none.pem", "none.pem, which cannot be used"},
             std::pair{where + ca + "&server_name=localhost", ""},  // no certificate of the client
         }) {
        Link bad{url};
        ASSERT_TRUE(bad.until([&] { return !bad.logged.empty(); })) << url;
        EXPECT_THAT(bad.logged[0], HasSubstr(says));
        EXPECT_FALSE(bad.connection->is_ready());
    }
}

TEST(RedisConnection, SaysThatAPortDoesNotSpeakTls) {
    RedisServer server;
    RedisLinkOptions options;
    options.times.connect = 300ms;
    Link link{"rediss://127.0.0.1:" + std::to_string(server.port()) + "?verify=no", options};
    ASSERT_TRUE(link.until([&] { return !link.logged.empty(); }));
    EXPECT_THAT(link.logged[0], HasSubstr("does the server speak TLS"));
}

TEST(RedisConnection, FollowsTheMasterThatSentinelsName) {
    RedisServer master;
    RedisServer replica{{.lines = {"replicaof 127.0.0.1 " + std::to_string(master.port())}}};
    RedisServer sentinel{{.lines = {"sentinel monitor m 127.0.0.1 " + std::to_string(master.port()) + " 1",
                                    "sentinel down-after-milliseconds m 300"},
                          .role = RedisServer::Role::sentinel}};
    RedisServer gone;
    gone.kill();
    RedisLinkOptions options;  // only the Sentinel's word can break the link soon enough
    options.times.idle = 10min;
    Link link{"redis+sentinel://127.0.0.1:" + std::to_string(gone.port()) +
                  ",127.0.0.1:" + std::to_string(sentinel.port()) + "/m",
              options};
    ASSERT_TRUE(link.until_ready());
    EXPECT_EQ(link.ready[0].address, "127.0.0.1:" + std::to_string(master.port()));
    ASSERT_TRUE(link.until([&] {
        const auto replicas = sentinel.call({"SENTINEL", "REPLICAS", "m"});
        return replicas.at(0).field("master-link-status").text == "ok";
    }));
    master.pause();
    ASSERT_TRUE(link.until([&] { return !link.lost.empty(); }));
    EXPECT_THAT(link.lost[0], HasSubstr("moved the master to 127.0.0.1:" + std::to_string(replica.port())));
    ASSERT_TRUE(link.until_ready(2));
    EXPECT_EQ(link.ready[1].address, "127.0.0.1:" + std::to_string(replica.port()));
    EXPECT_TRUE(link.ready[1].promoted);
    master.resume();
}

TEST(RedisConnection, SaysWhatEachSentinelSaid) {
    RedisServer sentinel{{.role = RedisServer::Role::sentinel}};
    Link link{"redis+sentinel://127.0.0.1:" + std::to_string(sentinel.port()) + "/other"};
    ASSERT_TRUE(link.until([&] { return !link.logged.empty(); }));
    EXPECT_THAT(link.logged[0],
                HasSubstr(std::to_string(sentinel.port()) + ": it does not know this master"));
}

}  // namespace
}  // namespace tidings
