// The whole program in one process: a hub that `serve` runs, and the other commands as its clients.
#include "terminal.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <sstream>

#include <unistd.h>

namespace tidings::app {
namespace {

using namespace std::chrono_literals;

std::string finance() {
    const char* root = std::getenv("TIDINGS_SOURCE_DIR");
    return std::string{root != nullptr ? root : "."} + "/registry/finance.toml";
}

// What a command writes on one thread and a test waits for on another.
class WatchedBuffer final : public std::stringbuf {
public:
    // The rest of the first line that begins so; "" after half a minute.
    std::string line_after(const std::string& beginning) {
        std::unique_lock lock{mutex_};
        std::string found;
        changed_.wait_for(lock, 30s, [&] {
            const auto at = ("\n" + text_).find("\n" + beginning);
            if (at == std::string::npos || text_.find('\n', at) == std::string::npos) return false;
            const auto from = at + beginning.size();
            found = text_.substr(from, text_.find('\n', from) - from);
            return true;
        });
        return found;
    }

protected:
    int sync() override {
        const std::lock_guard lock{mutex_};
        text_ = str();
        changed_.notify_all();
        return 0;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::string text_;
};

// `tidings serve` on a thread of its own. The end of the test ends it as SIGTERM would.
class Served {
public:
    explicit Served(std::vector<std::string> arguments, Environment environment = {}) {
        environment.emplace("TIDINGS_OPERATIONS_LISTEN", "127.0.0.1:0");
        environment.emplace("TIDINGS_DELIVERY_DRAIN", "0s");
        environment.emplace("TIDINGS_SERVER_SHARDS", "1");
        code_ = std::async(std::launch::async, [this, arguments, environment] {
            std::istringstream in;
            Terminal terminal{in, out_, err_, environment, false, false, [this](OnInterrupt on_interrupt) {
                                  const std::lock_guard lock{mutex_};
                                  interrupt_ = std::move(on_interrupt);
                                  return std::shared_ptr<void>{};
                              }};
            return run(arguments, terminal);
        });
    }
    ~Served() {
        if (code_.valid()) end();
    }

    std::string url() { return out_buffer_.line_after("listening on "); }
    WatchedBuffer& out() { return out_buffer_; }
    void interrupt(Interrupt what) {
        const std::lock_guard lock{mutex_};
        if (interrupt_) interrupt_(what);
    }
    int end() {
        url();  // it has started
        interrupt(Interrupt::end);
        return code_.get();
    }
    std::string log() const { return err_.str(); }

private:
    WatchedBuffer out_buffer_;
    std::ostream out_{&out_buffer_};
    std::ostringstream err_;
    std::mutex mutex_;
    OnInterrupt interrupt_;
    std::future<int> code_;
};

struct Ran {
    int code = -1;
    std::string out, err;
};

Ran ran(const std::vector<std::string>& arguments, const Environment& environment,
        const std::string& input = "") {
    std::istringstream in{input};
    std::ostringstream out, err;
    Terminal terminal{in, out, err, environment, false, false, {}};
    const int code = run(arguments, terminal);
    return {code, out.str(), err.str()};
}

const Environment key{{"TIDINGS_AUTH_KEY_SECRET", "0123456789abcdef0123456789abcdef"}};

std::string token(std::vector<std::string> more) {
    std::vector<std::string> arguments{"token"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::string text = ran(arguments, key).out;
    if (!text.empty()) text.pop_back();
    return text;
}

TEST(Serve, P1_WhatIsPublishedIsReceivedInOrder) {
    Served hub{{"serve", "--listen", "127.0.0.1:0", "--registry", finance()}, key};
    const std::string url = hub.url();
    ASSERT_NE(url, "") << hub.log();
    const Environment writer{{"TIDINGS_URL", url},
                             {"TIDINGS_TOKEN", token({"--user", "app", "--publish", "*"})}};
    const Environment reader{{"TIDINGS_URL", url}, {"TIDINGS_TOKEN", token({"--user", "ann"})}};
    const Ran emitted = ran(
        {"emit", "FileImportAttempted", "--data", R"({"user_id":"ann","file_name":"a","file_format":"ofx"})"},
        writer);
    EXPECT_EQ(emitted.code, 0) << emitted.err;
    EXPECT_EQ(emitted.out.find("import.started 0"), 0u) << emitted.out;
    std::string input;
    for (int i = 0; i < 300; ++i) {
        input += R"({"file_name":"a","progress_percent":)" + std::to_string(i % 100) +
                 R"(,"records_processed":)" + std::to_string(i) + "}\n";
    }
    const Ran published =
        ran({"publish", "--type", "import.progress", "--user", "ann", "--data", "-"}, writer, input);
    EXPECT_EQ(published.code, 0) << published.err;
    const Ran received =
        ran({"subscribe", "--from", "earliest", "--json", "--count", "301", "--timeout", "30s"}, reader);
    EXPECT_EQ(received.code, 0) << received.err;
    std::size_t at = received.out.find("\"import.started\"");
    for (int i = 0; i < 300; ++i) {
        at = received.out.find("\"records_processed\":" + std::to_string(i) + "}", at);
        ASSERT_NE(at, std::string::npos) << i;
    }
    EXPECT_EQ(hub.end(), 0) << hub.log();
}

TEST(Serve, P5_ACredentialOpensWhatItGrantsAndNothingElse) {
    Served hub{{"serve", "--listen", "127.0.0.1:0", "--registry", finance()}, key};
    const Environment nobody{{"TIDINGS_URL", hub.url()}};
    Environment reader = nobody;
    reader["TIDINGS_TOKEN"] = token({"--user", "ann"});
    EXPECT_EQ(ran({"subscribe", "--timeout", "30s"}, nobody).code, 4);
    EXPECT_EQ(ran({"subscribe", "--topics", "job", "--timeout", "30s"}, reader).code, 4);
    EXPECT_EQ(ran({"publish", "--type", "import.started", "--broadcast", "--data",
                   R"({"file_name":"a","file_format":"ofx"})"},
                  reader)
                  .code,
              4);
    EXPECT_EQ(ran({"subscribe", "--categories", "nonsense", "--timeout", "30s"}, reader).code, 1);
    EXPECT_EQ(hub.end(), 0) << hub.log();
}

TEST(Serve, DevPrintsLinesThatWork) {
    Served hub{{"serve", "--dev", "--listen", "127.0.0.1:0", "--registry", finance()}};
    const std::string url = hub.out().line_after("  export TIDINGS_URL=");
    const std::string writer = hub.out().line_after("  export TIDINGS_TOKEN=");
    const Environment environment{{"TIDINGS_URL", url}, {"TIDINGS_TOKEN", writer}};
    const std::string curl = hub.out().line_after("  curl -H 'Authorization: Bearer ");
    const auto from = curl.find("-d '") + 4;
    const std::string event = curl.substr(from, curl.rfind("' ") - from);
    const Ran published = ran({"publish", "--data", "-"}, environment, event + "\n");
    EXPECT_EQ(published.code, 0) << event << published.err;
    EXPECT_EQ(hub.end(), 0) << hub.log();
}

TEST(Serve, ReloadTakesOverTheRegistryAndKeepsServing) {
    const auto path =
        std::filesystem::temp_directory_path() / ("tidings-registry-" + std::to_string(::getpid()));
    const auto write = [&](const std::string& type) {
        std::ofstream{path} << "categories = [\"c\"]\n[[event]]\ntype = \"" << type
                            << "\"\ncategory = \"c\"\ndescription = \"d\"\n";
    };
    write("first.type");
    Served hub{{"serve", "--listen", "127.0.0.1:0", "--registry", path.string()}, key};
    const Environment writer{{"TIDINGS_URL", hub.url()},
                             {"TIDINGS_TOKEN", token({"--user", "app", "--publish", "*"})}};
    EXPECT_EQ(ran({"publish", "--type", "first.type", "--broadcast"}, writer).code, 0);
    EXPECT_EQ(ran({"publish", "--type", "second.type", "--broadcast"}, writer).code, 1);
    write("second.type");
    hub.interrupt(Interrupt::reload);
    EXPECT_EQ(ran({"publish", "--type", "second.type", "--broadcast"}, writer).code, 0);
    std::ofstream{path} << "nonsense";
    hub.interrupt(Interrupt::reload);
    EXPECT_EQ(ran({"publish", "--type", "second.type", "--broadcast"}, writer).code, 0)
        << "a bad file changes nothing";
    EXPECT_EQ(hub.end(), 0);
    EXPECT_NE(hub.log().find("not reloaded"), std::string::npos) << hub.log();
    std::filesystem::remove(path);
}

TEST(Serve, AnAddressInUseIsSaid) {
    Served hub{{"serve", "--listen", "127.0.0.1:0"}, key};
    const std::string address = hub.url().substr(7);
    Environment environment = key;
    environment["TIDINGS_OPERATIONS_LISTEN"] = "127.0.0.1:0";
    const Ran second = ran({"serve", "--listen", address}, environment);
    EXPECT_EQ(second.code, 1);
    EXPECT_NE(second.err.find(address), std::string::npos) << second.err;
    EXPECT_EQ(hub.end(), 0);
}

}  // namespace
}  // namespace tidings::app
