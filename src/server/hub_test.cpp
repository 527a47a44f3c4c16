#include <tidings/hub.hpp>

#include "client/mint_token.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace tidings {
namespace {

Config config() {
    Config made;
    made.auth.keys.push_back({.secret = std::string(48, 's')});
    made.server.listen = {"127.0.0.1:0"};
    made.server.shards = 1;
    made.operations.listen = "127.0.0.1:0";
    return made;
}

// A blocking client of a hub on the loopback.
class Client {
public:
    explicit Client(const std::string& address) : descriptor_{::socket(AF_INET, SOCK_STREAM, 0)} {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
        EXPECT_EQ(::connect(descriptor_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    }
    ~Client() { ::close(descriptor_); }

    void send(std::string_view bytes) {
        EXPECT_EQ(::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(bytes.size()));
    }
    // Reads until `text` has come, or the connection is over.
    bool receives(std::string_view text) {
        std::array<char, 4096> bytes;
        while (received_.find(text) == std::string::npos) {
            const auto size = ::recv(descriptor_, bytes.data(), bytes.size(), 0);
            if (size <= 0) return false;
            received_.append(bytes.data(), static_cast<std::size_t>(size));
        }
        return true;
    }

private:
    int descriptor_;
    std::string received_;
};

TEST(Hub, P7_AnswersARequestThatIsUnderWayWhenItDrains) {
    Registry registry;
    EXPECT_TRUE(registry.add_category("news"));
    EXPECT_TRUE(
        registry.add_type({.type = "news.item", .category = "news", .description = "News.", .data = {}}));
    Hub hub{config(), std::move(registry)};
    ASSERT_TRUE(hub.start());
    const auto now = std::chrono::time_point_cast<Timestamp::duration>(std::chrono::system_clock::now());
    const auto token = mint_token(config().auth, {.user = "ann", .publish = {"*"}}, Timestamp{now});
    ASSERT_TRUE(token);
    const std::string body = R"({"type":"news.item","broadcast":true,"data":{}})";
    Client client{hub.addresses().front()};
    client.send("POST /api/v1/events HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer " + *token +
                "\r\nExpect: 100-continue\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
    ASSERT_TRUE(client.receives("100 Continue"));
    Client idle{hub.addresses().front()};
    idle.send("GET /nowhere HTTP/1.1\r\nHost: hub\r\n\r\n");
    ASSERT_TRUE(idle.receives("404"));
    hub.drain();
    EXPECT_FALSE(idle.receives("never"));  // it was closed: the drain is under way
    client.send(body);
    EXPECT_TRUE(client.receives("HTTP/1.1 201"));
    hub.wait();
}

TEST(Hub, C64_AKeyBelongsToATypeThatConflates) {
    Registry registry;
    EXPECT_TRUE(registry.add_category("news"));
    EXPECT_TRUE(
        registry.add_type({.type = "news.item", .category = "news", .description = "News.", .data = {}}));
    EXPECT_TRUE(registry.add_type({.type = "news.ticker",
                                   .category = "news",
                                   .description = "The last line.",
                                   .data = {},
                                   .slow_reader = SlowReader::conflate,
                                   .key = "/line"}));
    Hub hub{config(), std::move(registry)};
    ASSERT_TRUE(hub.start());
    const auto publish = [&](const char* type, const char* key, const char* data) {
        EventDraft draft{type, Audience::broadcast(), data};
        draft.key = key;
        Result<Uuid> answer = Errc::internal;
        hub.publish(std::move(draft), [&](Result<Uuid> result) { answer = std::move(result); });
        return answer;
    };
    EXPECT_TRUE(publish("news.ticker", "own", "{}"));
    EXPECT_TRUE(publish("news.ticker", "", R"({"line":4})"));
    EXPECT_TRUE(publish("news.ticker", "", "{}"));
    EXPECT_FALSE(publish("news.ticker", "a\nb", "{}"));
    const auto refused = publish("news.item", "own", "{}");
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().detail.find("'news.item' takes no 'key'"), std::string::npos);
    hub.stop();
}

TEST(Hub, SaysAtEveryReloadWhatWaitsForTheNextStart) {
    Hub hub{config(), Registry{}};
    ASSERT_TRUE(hub.start());
    EXPECT_TRUE(hub.reload(config(), Registry{}).empty());
    Config wanted = config();
    wanted.store.retention.user.events = 7;
    wanted.limits.event_bytes = 1024;
    const std::vector<std::string> names{"store.retention", "server.limits.event_bytes"};
    EXPECT_EQ(hub.reload(wanted, Registry{}), names);
    EXPECT_EQ(hub.reload(wanted, Registry{}), names);
    EXPECT_TRUE(hub.reload(config(), Registry{}).empty());
    hub.stop();
}

}  // namespace
}  // namespace tidings
