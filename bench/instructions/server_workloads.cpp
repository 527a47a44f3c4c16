// Connecting and publishing: a shard as far as a connection sees one, with clients at the other ends of
// sockets.

#include "client/mint_token.hpp"
#include "net/inbox.hpp"
#include "net/stream_reactor.hpp"
#include "server/connection_scene.hpp"
#include "workloads.hpp"

#include <boost/asio/io_context.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace tidings::instructions {
namespace {

constexpr Milliseconds noon = ConnectionScene::wall;
const std::string data = "{\"text\":\"" + std::string(180, 'x') + "\"}";
const std::string item = "{\"type\":\"news.item\",\"broadcast\":true,\"data\":" + data + "}";

class Host final : public ConnectionScene, public StreamHost {
public:
    Host() : ConnectionScene{config(), registry(), memory_store()} {
        broker_.attach(&inbox_);
        if (!store_->open(&broker_)) fail("no store");
    }
    ~Host() {
        for (const int client : clients_) ::close(client);
    }

    // The client's end of a new pair of sockets; the connection at the other end is made in the count.
    int pair() {
        std::array<int, 2> ends{};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) != 0) fail("no socketpair");
        clients_.push_back(ends[1]);
        servers_.push_back(ends[0]);
        return ends[1];
    }
    // Takes the oldest pair over.
    void accept() { take_over(servers_[accepted_++]); }
    static void send(int client, std::string_view bytes) {
        if (::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size()))
            fail("a request does not fit");
    }
    // Does all there is to do. The shard takes what the broker hands it, and drops it.
    void work() {
        while (loop_.context().poll() > 0) {
        }
        while (inbox_.take().batch) {
        }
    }
    // What the client was sent, so far.
    static std::string_view take(int client, std::array<char, 65'536>& room) {
        const auto size = ::recv(client, room.data(), room.size(), 0);
        return {room.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
    }
    std::string publishing_head(std::string_view type, std::size_t bytes) const {
        const auto token = mint({.user = "publisher", .publish = {"*"}});
        return "POST /api/v1/events HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer " + token +
               "\r\nContent-Type: " + std::string{type} + "\r\nContent-Length: " + std::to_string(bytes) +
               "\r\n\r\n";
    }
    static std::string mint(const TokenWish& wish) {
        const auto token = mint_token(config().auth, wish, Timestamp{std::chrono::milliseconds{noon}});
        if (!token) fail("no token");
        return *token;
    }
    std::size_t streams() const noexcept { return reactor_.streams(); }

    void open_stream(StreamPlan plan, AcceptedSocket socket) override {
        StreamSpec spec;
        spec.descriptor = socket.release();
        spec.framing = plan.framing;
        spec.audiences = plan.catch_up.audiences;
        spec.categories = plan.catch_up.categories;
        spec.subject = plan.subject;
        spec.session = plan.session;
        spec.token = plan.token;
        spec.heartbeat = plan.heartbeat;
        spec.expires_in = plan.expires_in;
        spec.opening = std::move(plan.opening);
        const auto adopted = reactor_.adopt(std::move(spec));
        if (!adopted) fail("a stream could not be opened");
        reactor_.writable(*adopted);
    }
    void refuse_softly(RefusalPlan, AcceptedSocket) override { fail("a stream was refused"); }
    void probe_topics(const StreamPlan&, Callback<void(TopicProbe)>) override {
        fail("a stream asks for topics");
    }
    void collect_all(Callback<void(std::string)>) override { fail("nobody asks for figures"); }

    void fell_behind(StreamHandle, Position, std::uint64_t) override {}
    void drained(StreamHandle) override {}
    void ended(const StreamEnd&) override {}

private:
    static Config config() {
        Config made;
        made.auth.keys.push_back({.secret = std::string(48, 's')});
        return made;
    }
    static std::shared_ptr<const Registry> registry() {
        auto made = std::make_shared<Registry>();
        if (!made->add_category("news") ||
            !made->add_type({.type = "news.item", .category = "news", .description = "News.", .data = {}}))
            fail("no registry");
        return made;
    }
    Inbox inbox_{Limits{}.inbox_bytes, [] {}};
    StreamReactor reactor_{ReactorOptions{}, *this, 1'000'000};
    std::vector<int> clients_;
    std::vector<int> servers_;
    std::size_t accepted_ = 0;
};

std::function<void()> connect(std::size_t operations) {
    // Shared because a std::function has to be copyable, here and below.
    auto host = std::make_shared<Host>();
    std::vector<std::pair<int, std::string>> clients;
    for (std::size_t i = 0; i < operations; ++i) {
        const auto token = Host::mint({.user = "user-" + std::to_string(100'000 + i)});
        clients.emplace_back(
            host->pair(),
            "GET /api/v1/events HTTP/1.1\r\nHost: hub.example\r\nUser-Agent: Mozilla/5.0 (X11; "
            "Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\nAccept: "
            "text/event-stream\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: "
            "gzip, deflate, br\r\nCache-Control: no-cache\r\nAuthorization: Bearer " +
                token + "\r\n\r\n");
    }
    return [host, clients = std::move(clients)] {
        for (const auto& [client, request] : clients) {
            Host::send(client, request);
            host->accept();
            host->work();
        }
        if (host->streams() != clients.size()) fail("streams are missing");
    };
}

std::function<void()> publish(std::size_t operations) {
    auto host = std::make_shared<Host>();
    const int client = host->pair();
    const std::string request = host->publishing_head("application/json", item.size()) + item;
    host->accept();
    return [host, client, request, operations] {
        std::array<char, 65'536> room;
        for (std::size_t i = 0; i < operations; ++i) {
            Host::send(client, request);
            host->work();
            if (!Host::take(client, room).starts_with("HTTP/1.1 201")) fail("an event was not published");
        }
    };
}

std::function<void()> ndjson(std::size_t operations) {
    constexpr std::size_t lines = 100;  // sent at once
    auto host = std::make_shared<Host>();
    const int client = host->pair();
    std::string part;
    for (std::size_t i = 0; i < lines; ++i) part += item + "\n";
    const std::string head = host->publishing_head("application/x-ndjson", operations / lines * part.size());
    host->accept();
    return [host, client, head, part, operations] {
        std::array<char, 65'536> room;
        std::size_t answered = 0;
        Host::send(client, head);
        for (std::size_t i = 0; i < operations / lines; ++i) {
            Host::send(client, part);
            host->work();
            for (auto answer = Host::take(client, room); !answer.empty(); answer = Host::take(client, room)) {
                for (auto at = answer.find(":201"); at != answer.npos; at = answer.find(":201", at + 1))
                    ++answered;
                host->work();
            }
        }
        if (answered + lines < operations) fail("lines were not answered");
    };
}

const std::array<Workload, 3> workloads{{
    {"connect", "a GET with a token of its own becomes a stream: parsed, verified, answered, adopted",
     connect},
    {"publish", "a POST of one event on a kept connection, into the memory store and a frame, answered",
     publish},
    {"ndjson", "a line of NDJSON, likewise", ndjson},
}};

}  // namespace

std::span<const Workload> server_workloads() { return workloads; }

}  // namespace tidings::instructions
