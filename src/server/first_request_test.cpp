// A connection whose first request is there when it is accepted, or comes in pieces: it must make no
// difference but for the way through Asio.

#include "client/mint_token.hpp"
#include "server/connection_scene.hpp"

#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <map>

namespace tidings {
namespace {

Config config() {
    Config made;
    made.auth.keys.push_back({.secret = std::string(48, 's')});
    made.limits.streams_per_user = 1;
    return made;
}

std::ptrdiff_t open_descriptors() {
    using Iterator = std::filesystem::directory_iterator;
    return std::distance(Iterator{"/proc/self/fd"}, Iterator{});
}

// A shard as far as a connection sees one, and the clients at the other ends of its sockets.
class Scene final : public ConnectionScene {
public:
    Scene() : ConnectionScene{config(), std::make_shared<const Registry>(), memory_store()} {
        EXPECT_TRUE(store_->open(&broker_));
    }
    ~Scene() {
        for (const auto& [raw, connection] : std::map{open_}) connection->close();
        for (const int client : clients_) ::close(client);
    }

    // A connection that brings `first`; its client's descriptor.
    int accept(std::string_view first) {
        std::array<int, 2> pair{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()), 0);
        clients_.push_back(pair[1]);
        send(pair[1], first);
        take_over(pair[0]);
        return pair[1];
    }
    static void send(int client, std::string_view bytes) {
        if (bytes.empty()) return;
        EXPECT_EQ(::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(bytes.size()));
    }
    // Runs what can be run without waiting.
    void settle() {
        loop_.context().restart();
        while (loop_.context().poll() > 0) {
        }
    }
    static std::string received(int client) {
        std::array<char, 65'536> bytes;
        std::string text;
        for (;;) {
            const auto size = ::recv(client, bytes.data(), bytes.size(), 0);
            if (size <= 0) return text;
            text.append(bytes.data(), static_cast<std::size_t>(size));
        }
    }
    static std::string get(std::string_view fields = {}, std::string_view version = "1.1") {
        const auto token =
            mint_token(config().auth, {.user = "ann"}, Timestamp{std::chrono::milliseconds{wall}});
        return "GET /api/v1/events HTTP/" + std::string{version} + "\r\nHost: hub\r\nAuthorization: Bearer " +
               *token + "\r\n" + std::string{fields} + "\r\n";
    }

    void open_stream(StreamPlan plan, AcceptedSocket socket) override {
        plans.push_back(std::move(plan));
        sockets.push_back(std::move(socket));
    }
    void refuse_softly(RefusalPlan, AcceptedSocket socket) override { sockets.push_back(std::move(socket)); }
    void probe_topics(const StreamPlan&, Callback<void(TopicProbe)>) override { ADD_FAILURE(); }
    void collect_all(Callback<void(std::string)>) override { ADD_FAILURE(); }

    Admission& admission() { return admission_; }

    std::vector<StreamPlan> plans;
    std::vector<AcceptedSocket> sockets;

private:
    std::vector<int> clients_;
};

TEST(FirstRequest, OpensAStreamBeforeTheLoopTurns) {
    Scene scene;
    scene.accept(Scene::get("Last-Event-ID: somewhere\r\n") + "GET /next");
    ASSERT_EQ(scene.plans.size(), 1U);
    const auto& plan = scene.plans.front();
    EXPECT_EQ(plan.leftover, "GET /next");
    EXPECT_EQ(plan.catch_up.from.cursor, "somewhere");
    EXPECT_EQ(plan.address, 1U);
    ASSERT_TRUE(plan.opening);
    EXPECT_TRUE(plan.opening->chunk().starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(plan.opening->chunk().ends_with("\r\n\r\n16\r\n: tidings\nretry: 1000\n\r\n"));
    EXPECT_EQ(scene.connections(), 0U);
    EXPECT_EQ(scene.admission().streams(), 1U);
}

TEST(FirstRequest, OpensAStreamOnHttp10WithoutChunks) {
    Scene scene;
    scene.accept(Scene::get({}, "1.0"));
    ASSERT_EQ(scene.plans.size(), 1U);
    const auto text = scene.plans.front().opening->text();
    EXPECT_TRUE(text.starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(text.ends_with("\r\n\r\n: tidings\nretry: 1000\n")) << text;
    EXPECT_EQ(text.find("chunked"), std::string_view::npos);
}

TEST(FirstRequest, MayBeCutAnywhere) {
    const std::string request = Scene::get("Accept: text/event-stream\r\n");
    std::string opening;
    for (std::size_t cut = 0; cut <= request.size(); ++cut) {
        Scene scene;
        const int client = scene.accept(request.substr(0, cut));
        EXPECT_EQ(scene.plans.size(), cut == request.size() ? 1U : 0U);
        scene.settle();
        Scene::send(client, request.substr(cut));
        scene.settle();
        ASSERT_EQ(scene.plans.size(), 1U) << "cut at " << cut;
        EXPECT_EQ(scene.plans.front().leftover, "");
        EXPECT_EQ(scene.connections(), 0U);
        if (opening.empty()) opening = scene.plans.front().opening->chunk();
        EXPECT_EQ(scene.plans.front().opening->chunk(), opening);
        // Nothing of the answer has left: that is the reactor's.
        EXPECT_EQ(Scene::received(client), "");
    }
}

TEST(FirstRequest, ARefusalLetsTheNextOneIn) {
    Scene scene;
    ASSERT_EQ(scene.admission().enter(0, 9), Admitted::yes);
    const int client =
        scene.accept("GET /api/v1/events?topics=%00 HTTP/1.1\r\nHost: hub\r\n\r\n" + Scene::get() + "rest");
    scene.settle();
    const auto answer = Scene::received(client);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 401 ")) << answer;
    ASSERT_EQ(scene.plans.size(), 1U);
    EXPECT_EQ(scene.plans.front().leftover, "rest");
}

TEST(FirstRequest, ASecondStreamOfAFullUserIsRefusedAsAlways) {
    Scene scene;
    scene.accept(Scene::get());
    const int client = scene.accept(Scene::get());
    scene.settle();
    EXPECT_TRUE(Scene::received(client).starts_with("HTTP/1.1 429 "));
    EXPECT_EQ(scene.plans.size(), 1U);
    EXPECT_EQ(scene.connections(), 1U);
    EXPECT_EQ(scene.admission().streams(), 1U);
}

TEST(FirstRequest, C37_EveryEarlyEndGivesItsDescriptorBack) {
    Scene scene;
    const std::string request = Scene::get();
    const auto run = [&](std::string_view first) {
        const int client = scene.accept(first);
        ::shutdown(client, SHUT_RDWR);
        scene.settle();
    };
    run("");  // the loop's own descriptors come with the first wait
    const auto before = open_descriptors();
    const auto connections = scene.connections();
    run("");
    run(request.substr(0, 1));
    run(request.substr(0, request.size() / 2));
    run("GET / HTTP/2.0\r\n\r\n");
    run("\x16\x03\x01");
    run(Scene::get("Connection: close\r\nAccept: application/json\r\n"));
    run(request);
    EXPECT_EQ(scene.sockets.size(), 1U);
    scene.sockets.clear();
    // The clients' own.
    EXPECT_EQ(open_descriptors(), before + 7);
    EXPECT_EQ(scene.connections(), connections);
}

TEST(FirstRequest, AClientThatIsGoneBeforeItIsLookedAtCostsNothing) {
    Scene scene;
    std::array<int, 2> pair{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
    ::close(pair[1]);
    const auto made =
        std::make_shared<Connection>(scene, AcceptedSocket{pair[0], 1}, http::Listener::api, "");
    made->start();
    EXPECT_EQ(::fcntl(pair[0], F_GETFD), -1);
    EXPECT_FALSE(made->busy());
}

}  // namespace
}  // namespace tidings
