#include "hub_call.hpp"
#include "logger.hpp"
#include "terminal.hpp"

#include "support/tiny_server.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

namespace tidings::app {
namespace {

using test::TinyConnection;
using test::TinyServer;

struct Ran {
    int code = -1;
    std::string out, err;
};

Ran ran(std::vector<std::string> arguments, const std::string& input = "", Environment environment = {}) {
    std::istringstream in{input};
    std::ostringstream out, err;
    Terminal terminal{in, out, err, std::move(environment), false, false, {}};
    const int code = run(arguments, terminal);
    return {code, out.str(), err.str()};
}

std::string finance() {
    const char* root = std::getenv("TIDINGS_SOURCE_DIR");
    return std::string{root != nullptr ? root : "."} + "/registry/finance.toml";
}

// The bodies that arrived, answered by `answer(body)`.
class Hubbub {
public:
    explicit Hubbub(std::function<std::pair<int, std::string>(const std::string&)> answer)
        : server_{[this, answer](TinyConnection& connection) {
              while (const auto request = connection.request()) {
                  {
                      const std::lock_guard lock{mutex_};
                      requests_.push_back(*request);
                  }
                  const auto [status, body] = answer(request->body);
                  connection.answer(status, body);
              }
          }} {}

    std::string url() const { return server_.url(); }
    std::vector<test::TinyRequest> requests() {
        const std::lock_guard lock{mutex_};
        return requests_;
    }

private:
    std::mutex mutex_;
    std::vector<test::TinyRequest> requests_;
    TinyServer server_;
};

std::string created_for_each(const std::string& body) {
    std::string answer;
    for (std::size_t at = 0; (at = body.find("\"idempotency_key\"", at)) != std::string::npos; ++at) {
        answer += (answer.empty() ? "[" : ",") + std::string{R"({"status":201,"id":"i"})"};
    }
    return answer + "]";
}

TEST(Program, BenchNeedsAHubAndASecretThatIsOne) {
    const std::string key = "a secret of at least 32 characters";
    const Ran nobody = ran({"bench", "--key", key, "--url", "http://127.0.0.1:1"});
    EXPECT_EQ(nobody.code, exit_unreachable) << nobody.err;
    EXPECT_EQ(nobody.out, "");
    EXPECT_EQ(ran({"bench", "--key", "short", "--url", "http://127.0.0.1:1"}).code, exit_usage);
    const Ran no_file = ran({"bench", "--secret-file", "/nonexistent", "--url", "http://127.0.0.1:1"});
    EXPECT_EQ(no_file.code, exit_usage);
    EXPECT_NE(no_file.err.find("/nonexistent"), std::string::npos) << no_file.err;
    EXPECT_EQ(ran({"bench", "--key", key, "--url", "ftp://h"}).code, exit_usage);
}

TEST(Program, BenchSaysWhatTheHubRefused) {
    Hubbub hub{[](const std::string&) {
        return std::pair{403, std::string{R"({"title":"T","status":403,"detail":"not you"})"}};
    }};
    const Ran done = ran({"bench", "--token", "jwt", "--url", hub.url()});
    EXPECT_EQ(done.code, exit_refused) << done.err;
    EXPECT_NE(done.err.find("403 not you"), std::string::npos) << done.err;
}

TEST(Program, PublishPrintsTheId) {
    Hubbub hub{
        [](const std::string&) { return std::pair{201, std::string{R"({"id":"0190","ids":["0190"]})"}}; }};
    const Ran done = ran({"publish", "--type", "a.b", "--user", "ann", "--data", R"({"n": 1})", "--url",
                          hub.url(), "--token", "jwt", "--occurred-at", "2026-01-01T00:00:00Z", "--key", "f",
                          "--idempotency-key", "k"});
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_EQ(done.out, "0190\n");
    const auto requests = hub.requests();
    ASSERT_EQ(requests.size(), 1u);
    EXPECT_EQ(requests[0].body, R"({"occurred_at":"2026-01-01T00:00:00Z","type":"a.b","user_id":"ann",)"
                                R"("key":"f","idempotency_key":"k","data":{"n": 1}})");
    EXPECT_EQ(requests[0].field("Authorization"), "Bearer jwt");
    EXPECT_EQ(requests[0].head.find("POST /api/v1/events "), 0u);
}

TEST(Program, PublishSaysWhyNotAndHow) {
    const std::pair<int, int> cases[] = {{401, 4}, {403, 4}, {400, 1}, {409, 1}, {503, 1}};
    for (const auto& [status, code] : cases) {
        Hubbub hub{[wanted = status](const std::string&) {
            return std::pair{wanted, std::string{R"({"detail":"because"})"}};
        }};
        const Ran done = ran({"publish", "--type", "a", "--broadcast", "--url", hub.url()});
        EXPECT_EQ(done.code, code) << status;
        EXPECT_EQ(done.err, "error: " + std::to_string(status) + " because\n");
        EXPECT_EQ(done.out, "");
    }
    EXPECT_EQ(ran({"publish", "--type", "a", "--broadcast", "--url", test::dead_url()}).code, 3);
    EXPECT_EQ(ran({"publish", "--type", "a", "--broadcast", "--url", "ftp://x"}).code, 2);
    EXPECT_EQ(ran({"publish", "--type", "a", "--broadcast", "--data", "{", "--url", test::dead_url()}).code,
              2);
    EXPECT_EQ(ran({"publish", "--type", "a", "--user", "a b", "--url", test::dead_url()}).code, 2);
}

TEST(Program, PublishReadsLinesInBatches) {
    Hubbub hub{[](const std::string& body) { return std::pair{200, created_for_each(body)}; }};
    std::string input;
    for (int i = 0; i < 1234; ++i) input += R"({"n":)" + std::to_string(i) + "}\n";
    const Ran done =
        ran({"publish", "--type", "a", "--topic", "t", "--data", "-", "--url", hub.url()}, input + "\n{\n");
    EXPECT_EQ(done.code, 1);
    EXPECT_NE(done.err.find("line 1236: data is not JSON"), std::string::npos) << done.err;
    EXPECT_NE(done.err.find("1234 sent, 1 refused"), std::string::npos) << done.err;
    EXPECT_LE(hub.requests().size(), 5u);
}

TEST(Program, PublishTakesWholeLinesAndGivesThemKeys) {
    Hubbub hub{[](const std::string&) {
        return std::pair{
            200, std::string{R"([{"status":201,"id":"x"},{"status":403,"problem":{"detail":"no grant"}}])"}};
    }};
    const Ran done = ran({"publish", "--data", "-", "--json", "--url", hub.url()},
                         R"({"type":"a","broadcast":true})"
                         "\n"
                         R"({"type":"b","topic":"t","idempotency_key":"mine"})"
                         "\n");
    EXPECT_EQ(done.code, 4) << "every refusal was for want of a grant";
    EXPECT_NE(done.err.find("line 2: 403 no grant"), std::string::npos) << done.err;
    EXPECT_EQ(std::count(done.out.begin(), done.out.end(), '\n'), 2);
    const std::string body = hub.requests().at(0).body;
    EXPECT_EQ(body.find(R"([{"idempotency_key":")"), 0u) << body;
    EXPECT_NE(body.find(R"({"type":"b","topic":"t","idempotency_key":"mine"})"), std::string::npos) << body;
}

TEST(Program, EmitSaysWhatCameOfIt) {
    Hubbub hub{[](const std::string& body) {
        const bool ignored = body.find("Unknown") != std::string::npos;
        return std::pair{
            202,
            std::string{ignored ? R"({"name":"Unknown","status":202,"ignored":"unmapped","published":[]})"
                                : R"({"status":202,"published":[{"type":"a.b","id":"0190"}]})"}};
    }};
    const Environment environment{{"TIDINGS_URL", hub.url()}};
    EXPECT_EQ(ran({"emit", "Known", "--data", R"({"x": 1})"}, "", environment).out, "a.b 0190\n");
    EXPECT_EQ(ran({"emit", "Unknown"}, "", environment).out, "ignored: no mapping\n");
    const Ran lines = ran({"emit", "Known", "--data", "-"}, "{}\n{}\n", environment);
    EXPECT_EQ(lines.code, 0);
    EXPECT_EQ(lines.err, "2 sent, 0 refused\n");
    const std::string body = hub.requests().at(0).body;
    EXPECT_NE(body.find(R"({"name":"Known","idempotency_key":")"), std::string::npos) << body;
    EXPECT_NE(body.find(R"("data":{"x":1}})"), std::string::npos) << body;
}

TEST(Program, SubscribePrintsEventsGapsAndJson) {
    TinyServer server{[](TinyConnection& connection) {
        connection.request();
        connection.stream_head();
        connection.chunk("id: 1\nevent: tidings.gap\ndata: {\"reason\":\"trimmed\"}\n\n");
        connection.chunk(
            "id: 2\nevent: a.b\ndata: {\"n\":1}\n\nid: 3\nevent: c\ndata: text\n\nid: 4\ndata: more\n\n");
        connection.wait_until_closed();
    }};
    const Ran json = ran({"subscribe", "--json", "--count", "2", "--url", server.url()});
    EXPECT_EQ(json.code, 0) << json.err;
    EXPECT_EQ(json.out,
              "{\"id\":\"1\",\"type\":\"tidings.gap\",\"data\":{\"reason\":\"trimmed\"}}\n"
              "{\"id\":\"2\",\"type\":\"a.b\",\"data\":{\"n\":1}}\n"
              "{\"id\":\"3\",\"type\":\"c\",\"data\":\"text\"}\n");
    const Ran text = ran({"subscribe", "--count", "1", "--url", server.url()});
    EXPECT_NE(text.out.find("!! gap {\"reason\":\"trimmed\"}"), std::string::npos) << text.out;
    EXPECT_NE(text.out.find("a.b  2  {\"n\":1}"), std::string::npos) << text.out;
    EXPECT_EQ(text.out.find('\x1b'), std::string::npos) << "colours belong to terminals";
}

TEST(Program, SubscribeHasAnExitCodeForEachEnd) {
    TinyServer silent{[](TinyConnection& connection) {
        connection.request();
        connection.stream_head();
        connection.wait_until_closed();
    }};
    EXPECT_EQ(ran({"subscribe", "--timeout", "50ms", "--url", silent.url()}).code, 5);
    for (const auto& [status, code] :
         {std::pair{401, 4}, std::pair{403, 4}, std::pair{400, 1}, std::pair{204, 0}}) {
        TinyServer server{[wanted = status](TinyConnection& connection) {
            connection.request();
            connection.answer(wanted, "{\"detail\":\"because\"}");
        }};
        EXPECT_EQ(ran({"subscribe", "--url", server.url()}).code, code) << status;
    }
    EXPECT_EQ(ran({"subscribe", "--url", test::dead_url()}).code, 3);
    EXPECT_EQ(ran({"subscribe", "--url", "nowhere"}).code, 2);
}

TEST(Program, ServeDoesNotStartWithoutKeys) {
    const Ran refused = ran({"serve", "--listen", "127.0.0.1:0"});
    EXPECT_EQ(refused.code, 2);
    EXPECT_NE(refused.err.find("--dev"), std::string::npos) << refused.err;
    EXPECT_EQ(ran({"serve", "--dev", "--listen", "0.0.0.0:0"}).code, 2) << "--dev is for loopback";
    EXPECT_EQ(ran({"serve", "--dev", "--store", "redis+cluster://x"}).code, 2);
    EXPECT_EQ(ran({"serve", "--dev", "--registry", "/nowhere.toml"}).code, 2);
}

TEST(Program, ConfigCheckAndPrintSayWhatIsInEffect) {
    const Environment environment{{"TIDINGS_STORE_URL", "lmdb:here"}};
    EXPECT_NE(ran({"config", "print"}, "", environment).out.find("url = \"lmdb:here\""), std::string::npos);
    EXPECT_EQ(ran({"config", "check"}, "", environment).code, 2);
    EXPECT_EQ(ran({"config", "check", "--dev"}, "", environment).code, 0);
    EXPECT_EQ(ran({"config", "check", "/nowhere.toml"}).code, 2);
}

TEST(Program, RegistryShowsTheExample) {
    EXPECT_EQ(ran({"registry", "check", finance()}).code, 0);
    const Ran list = ran({"registry", "list", finance()});
    EXPECT_NE(list.out.find("29 types, 24 mappings, 6 categories"), std::string::npos)
        << list.out << list.err;
    EXPECT_EQ(ran({"registry", "list", "--json", finance()}).out.find('{'), 0u);
    const Ran show = ran({"registry", "show", "sync.accounts.failed", finance()});
    EXPECT_NE(show.out.find("AccountSyncFailed"), std::string::npos) << show.out;
    const Ran json = ran({"registry", "show", "sync.accounts.failed", "--json", finance()});
    EXPECT_NE(json.out.find("\"sync.accounts.failed\""), std::string::npos) << json.out;
    const Ran slip = ran({"registry", "show", "sync.accounts.faild", finance()});
    EXPECT_EQ(slip.code, 1);
    EXPECT_NE(slip.err.find("did you mean 'sync.accounts.failed'?"), std::string::npos) << slip.err;
    EXPECT_EQ(ran({"registry", "check"}).code, 2);
}

TEST(Program, TokenNeedsAKey) {
    EXPECT_EQ(ran({"token", "--user", "ann"}).code, 2);
    const Environment environment{{"TIDINGS_AUTH_KEY_SECRET", "0123456789abcdef0123456789abcdef"}};
    const Ran minted = ran({"token", "--user", "ann", "--publish", "*"}, "", environment);
    EXPECT_EQ(minted.code, 0) << minted.err;
    EXPECT_EQ(std::count(minted.out.begin(), minted.out.end(), '.'), 2);
    EXPECT_EQ(ran({"token", "--user", "ann", "--publish", "all"}, "", environment).code, 2);
}

TEST(Logger, WritesOneLineForEachRecordWhateverItHolds) {
    std::ostringstream out;
    Logger logger{out};
    const LogSink sink = logger.sink();
    sink(LogLevel::info, "started", {{"address", "127.0.0.1:1"}, {"note", "two words"}});
    sink(LogLevel::debug, "not shown", {});
    sink(LogLevel::error, "a\nforged line", {{"name", "x\r\ny"}});
    const std::string lines = out.str();
    EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 2) << lines;
    EXPECT_NE(out.str().find("Z info    started address=127.0.0.1:1 note=\"two words\"\n"), std::string::npos)
        << out.str();
    out.str("");
    logger.set({LogLevel::debug, LogFormat::json});
    sink(LogLevel::debug, "shown \"now\"", {{"k", "v"}});
    const std::string line = out.str();
    EXPECT_EQ(line.find("{\"time\":\"2"), 0u) << line;
    EXPECT_NE(line.find(R"("level":"debug","message":"shown \"now\"","k":"v"})"), std::string::npos) << line;
}

TEST(LineReader, PassesOverBlankLinesAndBoundsLongOnes) {
    std::istringstream in{"a\r\n\n  \nb\n" + std::string(2 << 20, 'x') + "\nlast"};
    LineReader lines{in};
    EXPECT_EQ(lines.next()->text, "a");
    const auto second = lines.next();
    EXPECT_EQ(second->text, "b");
    EXPECT_EQ(second->number, 4u);
    EXPECT_EQ(lines.next()->fit, LineReader::Line::Fit::too_long);
    EXPECT_EQ(lines.next()->text, "last");
    EXPECT_FALSE(lines.next());
}

}  // namespace
}  // namespace tidings::app
