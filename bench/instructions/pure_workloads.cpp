// Encoding, delivering, heartbeats, resuming.

#include "fanout/catch_up.hpp"
#include "net/stream_reactor.hpp"
#include "store/memory_store.hpp"
#include "workloads.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace tidings::instructions {
namespace {

constexpr Milliseconds noon = 1'700'000'000'000;
constexpr std::size_t streams = 1'000;
constexpr std::uint64_t beat_ms = 15'000;
const std::string data = "{\"text\":\"" + std::string(180, 'x') + "\"}";

Event event_of(std::uint64_t number) {
    Event event;
    event.id = EventId{{1, noon + number, 0}, 9, 0}.uuid();
    event.type = "news.item";
    event.data = data;
    return event;
}

std::function<void()> encode(std::size_t operations) {
    return [operations] {
        for (std::size_t i = 0; i < operations; ++i) {
            if (!Frame::encode(event_of(i), WithId::yes, Limits{})) fail("an event cannot be encoded");
        }
    };
}

// A reactor with many live streams, each over a pair of sockets whose other end is read between the turns.
class Streams final : public StreamHost {
public:
    Streams() {
        for (std::size_t i = 0; i < streams; ++i) {
            std::array<int, 2> pair{};
            if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()) != 0)
                fail("no socketpair");
            clients_.push_back(pair[1]);
            StreamSpec spec;
            spec.descriptor = pair[0];
            spec.audiences = {Audience::broadcast()};
            spec.heartbeat = std::chrono::milliseconds{beat_ms};
            const auto handle = reactor_.adopt(std::move(spec));
            if (!handle || !reactor_.go_live(*handle, reactor_.hold(), {}, {1, noon, 0})) fail("no stream");
        }
        rest();
    }
    ~Streams() {
        for (const int client : clients_) ::close(client);
    }

    void broadcast(std::uint64_t number) {
        LiveBatch batch;
        LiveItem item;
        item.frame = *Frame::encode(event_of(number), WithId::yes, Limits{});
        item.position = {1, noon + number, 0};
        item.previous = {1, noon + number - 1, 0};
        item.audience = Audience::broadcast().text();
        item.category = 1;
        batch.items.push_back(std::move(item));
        reactor_.accept(batch);
        rest();
    }
    void pass(std::uint64_t ms) {
        for (const std::uint64_t end = now_ + ms; now_ < end;) {
            now_ += tick_ms;
            reactor_.tick(now_);
            rest();
        }
    }
    // Takes what has arrived, so that no stream is ever blocked.
    void take() {
        std::array<char, 65'536> room;
        for (const int client : clients_) {
            while (::recv(client, room.data(), room.size(), 0) == static_cast<ssize_t>(room.size())) {
            }
        }
    }
    const ReactorCounters& counters() const noexcept { return reactor_.counters(); }

    void fell_behind(StreamHandle, Position, std::uint64_t) override { fail("a stream fell behind"); }
    void drained(StreamHandle) override {}
    void ended(const StreamEnd&) override {}

private:
    static ReactorOptions options() {
        ReactorOptions made;
        made.random = [state = std::uint64_t{42}]() mutable {
            state = state * 6364136223846793005U + 1442695040888963407U;
            return state;
        };
        made.wall = [] { return Timestamp{std::chrono::milliseconds{noon}}; };
        return made;
    }
    void rest() {
        while (reactor_.flush(now_)) {
        }
    }

    std::uint64_t now_ = 1'000'000;
    StreamReactor reactor_{options(), *this, now_};
    std::vector<int> clients_;
};

// Operations are deliveries, so whole broadcasts to all streams.
std::function<void()> deliver(std::size_t operations) {
    // Shared because a std::function has to be copyable, here and below.
    auto world = std::make_shared<Streams>();
    world->broadcast(1);
    world->take();
    return [world, rounds = operations / streams] {
        const auto before = world->counters().deliveries;
        for (std::size_t i = 0; i < rounds; ++i) world->broadcast(2 + i);
        if (world->counters().deliveries != before + rounds * streams) fail("deliveries are missing");
    };
}

std::function<void()> heartbeat(std::size_t operations) {
    auto world = std::make_shared<Streams>();
    world->pass(2 * beat_ms);
    world->take();
    return [world, rounds = operations / streams] {
        const auto before = world->counters().heartbeats;
        world->pass(rounds * beat_ms);
        if (world->counters().heartbeats != before + rounds * streams) fail("heartbeats are missing");
    };
}

// A log of 10,000 events, of which a client has missed ten.
class Missed {
public:
    Missed() {
        StoreOptions options;
        options.retention.broadcast.events = events;
        options.clock = [this] { return clock_; };
        options.random = [] { return std::uint64_t{0x1234}; };
        store_ = make_memory_store(options);
        if (!registry_->add_category("news") || !store_->open(nullptr)) fail("no store");
        for (std::size_t i = 0; i < events; ++i) {
            clock_ = noon + i;
            AppendItem item;
            item.audience = Audience::broadcast();
            item.type = "news.item";
            item.category = "news";
            item.data = data;
            std::vector<AppendItem> items;
            items.push_back(std::move(item));
            store_->append(std::move(items), [this, i](const AppendResults& results) {
                if (!results.front()) fail("an append failed");
                if (i + missed + 1 == events) cursor_ = results.front()->id.text();
            });
        }
    }

    void resume() {
        using Kind = CatchUp::Action::Kind;
        CatchUpRequest request;
        request.audiences = {Audience::user(*UserId::parse("ann")), Audience::broadcast()};
        request.from = {CatchUpFrom::Kind::cursor, cursor_, {}};
        CatchUp machine{std::move(request), registry_, Limits{}};
        auto action = machine.start();
        while (action.kind != Kind::go_live) {
            switch (action.kind) {
                case Kind::ask_bound:
                    store_->bound([&](const Result<Bound>& bound) { action = machine.on_bound(*bound); });
                    break;
                case Kind::read:
                    store_->read(std::move(action.read), [&](Result<std::vector<LogPage>> pages) {
                        action = machine.on_pages(*std::move(pages));
                    });
                    break;
                case Kind::send: action = machine.on_sent(); break;
                default: fail("a resume takes another way");
            }
        }
        if (machine.replayed() != missed) fail("a resume replays something else");
    }

private:
    static constexpr std::size_t events = 10'000;
    static constexpr std::size_t missed = 10;

    Milliseconds clock_ = noon;
    // Shared because the machine keeps it.
    std::shared_ptr<Registry> registry_ = std::make_shared<Registry>();
    std::unique_ptr<Store> store_;
    std::string cursor_;
};

std::function<void()> resume(std::size_t operations) {
    auto world = std::make_shared<Missed>();
    world->resume();
    return [world, operations] {
        for (std::size_t i = 0; i < operations; ++i) world->resume();
    };
}

const std::array<Workload, 4> workloads{{
    {"encode", "an event of 0.2 kB is made into a frame", encode},
    {"deliver", "one of 1,000 streams is sent a broadcast, an event for each write", deliver},
    {"heartbeat", "one of 1,000 idle streams gets its heartbeat", heartbeat},
    {"resume", "a client that missed 10 events of a log of 10,000 is given them", resume},
}};

}  // namespace

std::span<const Workload> pure_workloads() { return workloads; }

}  // namespace tidings::instructions
