#include "server/connection.hpp"

#include "client/mint_token.hpp"
#include "server/counters.hpp"
#include "server/keys.hpp"
#include "server/publish_desk.hpp"
#include "store/memory_store.hpp"

#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>

namespace tidings {
namespace {

constexpr Milliseconds wall = 1'700'000'000'000;

Config config() {
    Config made;
    made.auth.keys.push_back({.secret = std::string(48, 's')});
    return made;
}

std::shared_ptr<const Registry> registry() {
    auto made = std::make_shared<Registry>();
    EXPECT_TRUE(made->add_category("news"));
    EXPECT_TRUE(
        made->add_type({.type = "news.item", .category = "news", .description = "News.", .data = {}}));
    return made;
}

// A shard as far as a connection that publishes sees one, and the client at the other end of its socket.
class Publishing final : public ConnectionHost {
public:
    Publishing() {
        EXPECT_TRUE(store_->open(&broker_));
        std::array<int, 2> pair{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
        client_ = pair[1];
        auto made = std::make_shared<Connection>(*this, AcceptedSocket{pair[0], 1}, http::Listener::api, "");
        open_.emplace(made.get(), made);
        made->start();
    }
    ~Publishing() { ::close(client_); }

    void send(const std::string& bytes) {
        ASSERT_EQ(::send(client_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(bytes.size()));
    }
    std::string head(const std::string& fields, std::string_view version = "1.1") const {
        const TokenWish wish{.user = "ann", .publish = {"*"}};
        const auto token = mint_token(config().auth, wish, Timestamp{std::chrono::milliseconds{wall}});
        return "POST /api/v1/events HTTP/" + std::string{version} +
               "\r\nHost: hub\r\nAuthorization: Bearer " + *token + "\r\n" + fields + "\r\n";
    }
    void send_lines(const std::string& body) {
        send(head("Content-Type: application/x-ndjson\r\nContent-Length: " + std::to_string(body.size()) +
                  "\r\n"));
        send(body);
    }
    // Runs the loop until the client has `count` times `text`, or all that will come.
    bool receives(std::string_view text, std::size_t count = 1) {
        loop_.context().restart();
        waiting_ = true;
        look(text, count);
        loop_.later(std::chrono::seconds{10}, [this] { loop_.stop(); });
        loop_.run();
        waiting_ = false;
        return this->count(text) >= count;
    }
    std::size_t count(std::string_view text) const {
        std::size_t found = 0;
        for (auto at = received_.find(text); at != std::string::npos; at = received_.find(text, at + 1))
            ++found;
        return found;
    }
    const std::string& received() const noexcept { return received_; }

    void open_stream(StreamPlan, AcceptedSocket) override { ADD_FAILURE(); }
    void refuse_softly(RefusalPlan, AcceptedSocket) override { ADD_FAILURE(); }
    void probe_topics(const StreamPlan&, Callback<void(TopicProbe)>) override { ADD_FAILURE(); }
    void connection_closed(Connection* connection) override { open_.erase(connection); }
    std::uint32_t draw_retry() override { return 1000; }
    HubContext& context() noexcept override { return context_; }
    ShardCounters& counters() noexcept override { return counters_; }
    Loop& connection_loop() noexcept override { return loop_; }
    PublishDesk& publish_desk() noexcept override { return desk_; }
    std::size_t stuck_shards() const override { return 0; }
    void collect_all(Callback<void(std::string)>) override { ADD_FAILURE(); }

private:
    void look(std::string_view text, std::size_t wanted) {
        std::array<char, 65'536> bytes;
        for (;;) {
            const auto size = ::recv(client_, bytes.data(), bytes.size(), 0);
            ended_ = ended_ || size == 0;
            if (size <= 0) break;
            received_.append(bytes.data(), static_cast<std::size_t>(size));
        }
        if (ended_ || !waiting_ || count(text) >= wanted) return loop_.stop();
        loop_.later(std::chrono::milliseconds{1}, [this, text, wanted] { look(text, wanted); });
    }
    static StoreOptions store_options() {
        StoreOptions options;
        options.clock = [] { return wall; };
        options.random = [] { return std::uint64_t{0x1234}; };
        return options;
    }

    Snapshot<Settings> settings_{
        std::make_shared<const Settings>(Settings{config(), *make_authenticator(config().auth, {})})};
    Snapshot<Registry> registry_{registry()};
    Broker broker_{registry_, Limits{}, {}};
    std::unique_ptr<Store> store_ = make_memory_store(store_options());
    Admission admission_{Limits{}};
    HubContext context_{
        settings_, registry_,           http::Routes{"/api/v1"},        *store_, broker_, admission_,
        LogSink{}, [] { return wall; }, [] { return std::uint64_t{7}; }};
    ShardCounters counters_;
    Loop loop_;
    PublishDesk desk_{*store_, loop_, counters_};
    std::map<Connection*, std::shared_ptr<Connection>> open_;
    int client_ = -1;
    std::string received_;
    bool ended_ = false;
    bool waiting_ = false;
};

constexpr const char* item = "{\"type\":\"news.item\",\"broadcast\":true,\"data\":{}}\n";

TEST(NdjsonPublish, C62_AnswersRefusedLinesBeforeThoseThatTheStoreTakes) {
    Publishing hub;
    std::string body;
    for (int i = 0; i < 40; ++i) body += "{}\n";
    hub.send_lines(body + item);
    EXPECT_TRUE(hub.receives("\"status\":201"));
    EXPECT_EQ(hub.count("{\"status\":400"), 40U);
    EXPECT_LT(hub.received().rfind("{\"status\":400"), hub.received().find("\"status\":201"));
}

TEST(NdjsonPublish, C62_AnswersMoreRefusedLinesThanMayWait) {
    Publishing hub;
    std::string body;
    for (int i = 0; i < 5'000; ++i) body += "{}\n";
    hub.send_lines(body + item);
    EXPECT_TRUE(hub.receives("\"status\":201"));
    EXPECT_EQ(hub.count("{\"status\":400"), 5'000U);
}

// The end of the body finds nothing left to answer, so the connection is done with its session at once.
TEST(NdjsonPublish, C62_EndsOnHttp10WhenEveryLineWasAnsweredBefore) {
    Publishing hub;
    const std::string line = item;
    hub.send(hub.head(
        "Content-Type: application/x-ndjson\r\nContent-Length: " + std::to_string(line.size() + 1) + "\r\n",
        "1.0"));
    hub.send(line);
    EXPECT_TRUE(hub.receives("\"status\":201"));
    hub.send("\n");
    EXPECT_FALSE(hub.receives("never"));
    EXPECT_EQ(hub.count("\"status\":"), 1U);
}

TEST(ArrayPublish, C62_TakesAKeyOfTheGreatestLengthForEveryItem) {
    Publishing hub;
    std::string body = "[";
    for (int i = 0; i < 12; ++i) body += std::string{i > 0 ? "," : ""} + item;
    body += "]";
    const std::string fields =
        "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\nIdempotency-Key: ";
    hub.send(hub.head(fields + std::string(Limits{}.idempotency_key_bytes, 'k') + "\r\n") + body);
    EXPECT_TRUE(hub.receives("\"status\":201", 12));
    hub.send(hub.head(fields + std::string(Limits{}.idempotency_key_bytes + 1, 'k') + "\r\n") + body);
    EXPECT_TRUE(hub.receives("HTTP/1.1 400"));
}

}  // namespace
}  // namespace tidings
