#include "server/connection.hpp"

#include "client/mint_token.hpp"
#include "server/connection_scene.hpp"

#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace tidings {
namespace {

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

// The memory store, counted, and held back where a test wants that.
class CountedStore final : public Store {
public:
    explicit CountedStore(std::unique_ptr<Store> inner) : inner_{std::move(inner)} {}
    Result<void> open(StoreListener* listener) override { return inner_->open(listener); }
    void close() override { inner_->close(); }
    void append(std::vector<AppendItem> batch, Callback<void(AppendResults)> done) override {
        ++appends;
        items += batch.size();
        most_items = std::max(most_items, batch.size());
        if (!holds) return inner_->append(std::move(batch), std::move(done));
        held.emplace_back(std::move(batch), std::move(done));
    }
    void release() {
        for (auto& [batch, done] : std::exchange(held, {})) inner_->append(std::move(batch), std::move(done));
    }
    void bound(Callback<void(Result<Bound>)> done) override { inner_->bound(std::move(done)); }
    void read(ReadRequest request, Callback<void(Result<std::vector<LogPage>>)> done) override {
        inner_->read(std::move(request), std::move(done));
    }
    void find(std::vector<Audience> logs, Uuid id,
              Callback<void(Result<std::optional<Position>>)> done) override {
        inner_->find(std::move(logs), id, std::move(done));
    }
    void watch(std::vector<Audience> audiences, Callback<void(Result<void>)> done) override {
        inner_->watch(std::move(audiences), std::move(done));
    }
    void unwatch(std::vector<Audience> audiences) override { inner_->unwatch(std::move(audiences)); }
    bool foreign() const noexcept override { return false; }
    const RetentionPolicy& retention() const noexcept override { return inner_->retention(); }
    Figures figures() const override { return inner_->figures(); }

    std::size_t appends = 0, items = 0, most_items = 0;
    bool holds = false;
    std::vector<std::pair<std::vector<AppendItem>, Callback<void(AppendResults)>>> held;

private:
    std::unique_ptr<Store> inner_;
};

// A shard as far as a connection that publishes sees one, and the client at the other end of its socket.
class Publishing final : public ConnectionScene {
public:
    Publishing() : ConnectionScene{config(), registry(), std::make_unique<CountedStore>(memory_store())} {
        broker_.attach(&inbox_);
        EXPECT_TRUE(store_->open(&broker_));
        std::array<int, 2> pair{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
        client_ = pair[1];
        take_over(pair[0]);
    }
    ~Publishing() { hang_up(); }

    void hang_up() {
        if (client_ >= 0) ::close(std::exchange(client_, -1));
    }
    // Sends what the socket takes; how much that was.
    std::size_t send_some(std::string_view bytes) const {
        const auto sent = ::send(client_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        return sent > 0 ? static_cast<std::size_t>(sent) : 0;
    }
    // Lets the connection do what it can without the client taking anything.
    void turn() {
        loop_.context().restart();
        loop_.later(std::chrono::milliseconds{3}, [this] { loop_.stop(); });
        loop_.run();
    }
    CountedStore& store() noexcept { return static_cast<CountedStore&>(*store_); }
    std::size_t inbox_wakes() const noexcept { return wakes_; }

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
    std::size_t wakes_ = 0;
    Inbox inbox_{Limits{}.inbox_bytes, [this] { ++wakes_; }};
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

// A line is cheap because what it brings is done with those that came with it.
TEST(NdjsonPublish, OneReadIsOneAppendOneBatchForTheShardsAndOneChunk) {
    Publishing hub;
    std::string body;
    for (int i = 0; i < 100; ++i) body += item;
    hub.send(hub.head("Content-Type: application/x-ndjson\r\nContent-Length: " + std::to_string(body.size()) +
                      "\r\n") +
             body);
    ASSERT_TRUE(hub.receives("\"status\":201", 100));
    // The first read is the head's, into a smaller room.
    EXPECT_LE(hub.store().appends, 2U);
    EXPECT_EQ(hub.store().items, 100U);
    EXPECT_EQ(hub.inbox_wakes(), 1U);
    // The head's fields, then each chunk's size line and end, then the last chunk.
    EXPECT_LE(hub.count("\r\n{\"status\""), 2U);
    EXPECT_EQ(hub.count("]}\n"), 100U);
}

TEST(NdjsonPublish, ALineForManyUsersIsOneAppend) {
    Publishing hub;
    std::string users;
    for (int i = 0; i < 1'000; ++i) users += (i > 0 ? ",\"u" : "\"u") + std::to_string(i) + "\"";
    hub.send_lines(R"({"type":"news.item","user_ids":[)" + users + R"(],"data":{}})" + "\n");
    EXPECT_TRUE(hub.receives("\"status\":201"));
    EXPECT_EQ(hub.store().items, 1'000U);
    EXPECT_EQ(hub.store().most_items, 1'000U);
}

// A store that falls behind stops the reading, not the memory's growth.
TEST(NdjsonPublish, ReadsNoFurtherThanWhatMayWaitForTheStore) {
    Publishing hub;
    hub.store().holds = true;
    hub.send(hub.head("Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n"));
    std::string lines;
    for (int i = 0; i < 500; ++i) lines += item;
    std::array<char, 8> size{};
    const auto digits = static_cast<std::size_t>(
        std::to_chars(size.data(), size.data() + size.size(), lines.size(), 16).ptr - size.data());
    const std::string chunk = std::string{size.data(), digits} + "\r\n" + lines + "\r\n";
    std::size_t sent = 0;
    for (int round = 0; round < 100; ++round) {
        std::size_t now = 0;
        do {
            now = hub.send_some(std::string_view{chunk}.substr(sent % chunk.size()));
            sent += now;
        } while (now > 0 && sent < 50 * chunk.size());
        hub.turn();
    }
    EXPECT_LE(hub.store().items, 2'048U);
    EXPECT_LT(sent, 50 * chunk.size());
    // When the store goes on, all of it is answered, and the rest is read.
    hub.store().holds = false;
    hub.store().release();
    while (sent < 50 * chunk.size()) {
        sent += hub.send_some(std::string_view{chunk}.substr(sent % chunk.size()));
        hub.turn();
        hub.receives("never", 0);
    }
    hub.send("0\r\n\r\n");
    EXPECT_TRUE(hub.receives("\"status\":201", 25'000));
    EXPECT_EQ(hub.store().items, 25'000U);
}

TEST(NdjsonPublish, ReadsNoFurtherWhileTheAnswersAreNotTaken) {
    Publishing hub;
    hub.send(hub.head("Content-Type: application/x-ndjson\r\nContent-Length: 100000000\r\n"));
    std::string lines;
    for (int i = 0; i < 200; ++i) lines += item;
    std::size_t sent = 0;
    for (int round = 0; round < 300; ++round) {
        sent += hub.send_some(std::string_view{lines}.substr(sent % lines.size()));
        if (round % 10 == 0) hub.turn();
    }
    for (int round = 0; round < 20; ++round) hub.turn();
    const auto taken = hub.store().items;
    for (int round = 0; round < 50; ++round) {
        sent += hub.send_some(std::string_view{lines}.substr(sent % lines.size()));
        hub.turn();
    }
    // The room that the client's bytes find is the sockets' and one piece of a body.
    EXPECT_LE(hub.store().items, taken + 2'048);
}

TEST(NdjsonPublish, KeepsWhatASenderBroughtThatStoppedHalfWay) {
    Publishing hub;
    hub.send(hub.head("Content-Type: application/x-ndjson\r\nContent-Length: 100000\r\n"));
    hub.send(std::string{item} + item + "{\"type\":\"news.item\",\"broad");
    EXPECT_TRUE(hub.receives("\"status\":201", 2));
    hub.hang_up();
    hub.turn();
    EXPECT_EQ(hub.connections(), 0U);
    EXPECT_EQ(hub.store().items, 2U);
}

// Refused lines and lines of several appends keep their places, whether the store answers at once or not.
TEST(NdjsonPublish, AnswersLineForLineInTheirOrder) {
    const std::string pattern = std::string{item} + "{}\n" +
                                R"({"type":"news.item","user_ids":["a","b"],"data":{}})" + "\n[]\n" + item;
    for (const bool holds : {false, true}) {
        Publishing hub;
        hub.store().holds = holds;
        std::string body;
        for (int i = 0; i < 50; ++i) body += pattern;
        hub.send_lines(body);
        if (holds) {
            hub.turn();
            hub.store().holds = false;
            hub.store().release();
        }
        ASSERT_TRUE(hub.receives("\n{\"status\":", 250));
        std::string order;
        for (auto at = hub.received().find("{\"status\":"); at != std::string::npos;
             at = hub.received().find("{\"status\":", at + 1)) {
            const auto line = hub.received().substr(at, hub.received().find('\n', at) - at);
            order += line.find("201") == 10 ? (line.find("\",\"0") != std::string::npos ? '2' : '1') : 'x';
        }
        std::string expected;
        for (int i = 0; i < 50; ++i) expected += "1x2x1";
        EXPECT_EQ(order, expected);
    }
}

TEST(SinglePublish, IsOneAppendAnsweredWithoutATimer) {
    Publishing hub;
    const std::string body = R"({"type":"news.item","broadcast":true,"data":{ "a" : 1 }})";
    const std::string request =
        hub.head("Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
                 "\r\n") +
        body;
    hub.send(request + request + request);
    EXPECT_TRUE(hub.receives("HTTP/1.1 201", 3));
    EXPECT_EQ(hub.store().appends, 3U);
    EXPECT_EQ(hub.publish_desk().waiting(), 0U);
    EXPECT_EQ(hub.counters().published, 3U);
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
