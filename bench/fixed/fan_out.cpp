// A fixed amount of fan-out through the StreamReactor over sockets of this process, for counting:
// instructions under callgrind, system calls under strace, and the CPU time of the reactor's functions alone.
//
//   tidings_fan_out KIND PATH SOCKET STREAMS TURNS EVENTS
//     KIND    broadcast: each event to all; users: to one each, in turn; mixed: both; categories: to all, but
//             half of them want a quarter; heartbeat: no event, a heartbeat of every stream in each turn
//     PATH    auto, send, io_uring
//     SOCKET  tcp, unix
//     EVENTS  in one turn

#include "net/stream_reactor.hpp"

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace tidings {
namespace {

constexpr std::size_t payload_bytes = 200;

struct Wish {
    std::string kind, path, socket;
    std::size_t streams = 0, turns = 0, events = 0;
};

// Nobody falls behind or ends in this workload.
class Host final : public StreamHost {
public:
    void fell_behind(StreamHandle, Position, std::uint64_t) override { ++surprises; }
    void drained(StreamHandle) override {}
    void ended(const StreamEnd&) override { ++surprises; }
    std::uint64_t surprises = 0;
};

double cpu_seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

struct Pair {
    int hub = -1, client = -1;
};

class Sockets {
public:
    explicit Sockets(bool tcp) : tcp_{tcp} {
        if (!tcp_) return;
        listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
        address_.sin_family = AF_INET;
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address_;
        auto* generic = reinterpret_cast<sockaddr*>(&address_);
        if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 512) != 0) fail("listen");
        ::getsockname(listener_, generic, &size);
    }
    ~Sockets() {
        if (listener_ >= 0) ::close(listener_);
    }
    Pair make() {
        if (!tcp_) {
            int both[2];
            if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, both) != 0) fail("socketpair");
            return {both[0], both[1]};
        }
        const int client = ::socket(AF_INET, SOCK_STREAM, 0);
        if (::connect(client, reinterpret_cast<sockaddr*>(&address_), sizeof address_) != 0) fail("connect");
        const int hub = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (hub < 0) fail("accept");
        return {hub, client};
    }

private:
    bool tcp_;
    int listener_ = -1;
    sockaddr_in address_{};
};

Audience user(std::size_t number) { return Audience::user(*UserId::parse("u" + std::to_string(number))); }

LiveItem item(const Audience& audience, std::uint64_t number) {
    Event event;
    const Position position{1, 1'000 + number, 0};
    event.id = EventId{position, 9, 0}.uuid();
    event.type = "bench.event";
    event.data = "{\"n\":" + std::to_string(number) + ",\"pad\":\"" + std::string(payload_bytes, 'x') + "\"}";
    LiveItem made;
    made.frame = *Frame::encode(event, WithId::yes, Limits{});
    made.position = position;
    made.audience = audience.text();
    made.category = number % 4 == 0 ? 2 : 1;
    return made;
}

template <class Options>
void choose(Options& options, const std::string& path) {
    if constexpr (requires { options.send_path; }) {
        using Path = decltype(options.send_path);
        options.send_path = path == "auto" ? Path::automatic : path == "send" ? Path::send : Path::io_uring;
    }
}

std::size_t drain(const std::vector<Pair>& pairs) {
    static std::vector<char> buffer(1 << 20);
    std::size_t bytes = 0;
    for (const auto& pair : pairs) {
        ssize_t count = 0;
        while ((count = ::recv(pair.client, buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0) {
            bytes += static_cast<std::size_t>(count);
            if (static_cast<std::size_t>(count) < buffer.size()) break;
        }
    }
    return bytes;
}

LiveBatch batch_of(const Wish& wish, std::uint64_t& number) {
    LiveBatch batch;
    for (std::size_t i = 0; i < wish.events; ++i, ++number) {
        const bool to_user = wish.kind == "users" || (wish.kind == "mixed" && number % 2 == 1);
        // A stride, so that neighbours in memory are not neighbours in time.
        const auto audience =
            to_user ? user(static_cast<std::size_t>(number * 7919) % wish.streams) : Audience::broadcast();
        batch.items.push_back(item(audience, number));
    }
    return batch;
}

int run(const Wish& wish) {
    Host host;
    ReactorOptions options;
    options.delivery.heartbeat = std::chrono::milliseconds{1'000};
    choose(options, wish.path);
    std::uint64_t now = 1'000'000;
    StreamReactor reactor{options, host, now};
    Sockets sockets{wish.socket == "tcp"};
    std::vector<Pair> pairs;
    for (std::size_t i = 0; i < wish.streams; ++i) {
        pairs.push_back(sockets.make());
        StreamSpec spec;
        spec.descriptor = pairs.back().hub;
        spec.audiences = {Audience::broadcast(), user(i)};
        spec.heartbeat = std::chrono::milliseconds{wish.kind == "heartbeat" ? 1'000 : 3'000'000};
        spec.categories = wish.kind == "categories" ? (i % 2 == 0 ? 2 : 3) : all_categories;
        const auto handle = reactor.adopt(std::move(spec));
        if (!handle || !reactor.go_live(*handle, reactor.hold(), {}, {1, 1, 0})) return 1;
    }
    std::uint64_t number = 0;
    std::size_t bytes = 0;
    double spent = 0;
    for (std::size_t turn = 0; turn < wish.turns; ++turn) {
        const LiveBatch batch = batch_of(wish, number);
        now += wish.kind == "heartbeat" ? 1'000 : 1;
        const double before = cpu_seconds();
        if (!batch.items.empty()) reactor.accept(batch);
        while (reactor.flush(now)) {
        }
        if (wish.kind == "heartbeat") reactor.tick(now);
        spent += cpu_seconds() - before;
        bytes += drain(pairs);
        reactor.poll(now);
    }
    const auto& counters = reactor.counters();
    const auto sent = wish.kind == "heartbeat" ? counters.heartbeats : counters.deliveries;
    std::printf(
        "{\"kind\":\"%s\",\"path\":\"%s\",\"socket\":\"%s\",\"streams\":%zu,\"turns\":%zu,\"events\":%zu,"
        "\"deliveries\":%llu,\"writes\":%llu,\"bytes\":%zu,\"blocked\":%llu,\"surprises\":%llu,"
        "\"cpu_us_per_delivery\":%.4f}\n",
        wish.kind.c_str(), wish.path.c_str(), wish.socket.c_str(), wish.streams, wish.turns, wish.events,
        static_cast<unsigned long long>(sent), static_cast<unsigned long long>(counters.writes), bytes,
        static_cast<unsigned long long>(counters.blocked), static_cast<unsigned long long>(host.surprises),
        sent == 0 ? 0.0 : spent * 1e6 / static_cast<double>(sent));
    for (const auto& pair : pairs) ::close(pair.client);
    return bytes == counters.bytes && host.surprises == 0 ? 0 : 1;
}

}  // namespace
}  // namespace tidings

int main(int count, char** words) {
    if (count != 7) {
        std::fprintf(stderr, "usage: tidings_fan_out KIND PATH SOCKET STREAMS TURNS EVENTS\n");
        return 2;
    }
    const auto number = [&](int at) { return std::strtoull(words[at], nullptr, 10); };
    return tidings::run({words[1], words[2], words[3], number(4), number(5), number(6)});
}
