// The whole data path of one shard without a socket or thread: store, broker, inbox, ring, reactor, catching
// up. Actors publish, cut, stall and return at random from a printed seed; the end must show every event
// once, in order.

#include "broker/broker.hpp"
#include "net/pipe_peer.hpp"
#include "server/catch_up_pool.hpp"
#include "store/failing_store.hpp"
#include "store/memory_store.hpp"

#include <tidings/sse_decoder.hpp>

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace tidings {
namespace {

Registry two_categories() {
    Registry registry;
    for (const auto* name : {"news", "money"}) EXPECT_TRUE(registry.add_category(name));
    EXPECT_TRUE(
        registry.add_type({.type = "news.item", .category = "news", .description = "News.", .data = {}}));
    EXPECT_TRUE(
        registry.add_type({.type = "money.item", .category = "money", .description = "Money.", .data = {}}));
    return registry;
}

struct Published {
    Audience audience;
    CategoryMask category;
    std::string data;
};

struct Client {
    std::vector<Audience> audiences;
    CategoryMask categories = all_categories;
    std::shared_ptr<PipePeer> peer{};
    StreamHandle handle{};
    bool connected = false;
    SseDecoder decoder{};
    std::size_t read = 0;  // of the peer's bytes
    std::string cursor{};
    std::vector<std::string> received{};
    int gaps = 0;

    void take() {
        const auto events = decoder.feed(std::string_view{peer->bytes}.substr(read));
        read = peer->bytes.size();
        for (const auto& event : events) {
            if (!event.last_event_id.empty()) cursor = event.last_event_id;
            if (event.type == "tidings.gap") ++gaps;
            if (!event.type.starts_with("tidings.")) received.push_back(event.data);
        }
    }
};

class World final : public StreamHost {
public:
    explicit World(unsigned seed, FailingStore::Plan plan = {}) : random{seed}, failing{*store} {
        broker.attach(&inbox);
        EXPECT_TRUE(store->open(&broker));
        failing.fail(std::move(plan));
        pool.bound([this](const Result<Bound>& bound) {
            if (bound) reactor.checkpoint(bound->position, bound->tag);
        });
    }

    static Limits small() {
        Limits limits;
        limits.ring_events = 24;
        limits.queue_events = 6;
        limits.page_events = 4;
        limits.sends_per_turn = 3;
        limits.catching_up = 2;
        limits.inbox_bytes = 4096;
        return limits;
    }
    static ReactorOptions reactor_options() {
        ReactorOptions options;
        options.limits = small();
        return options;
    }
    StoreOptions store_options() {
        StoreOptions options;
        options.limits = small();
        options.clock = [this] { return wall; };
        options.random = [] { return std::uint64_t{0x1234}; };
        return options;
    }

    std::size_t below(std::size_t bound) { return random() % bound; }

    void publish(const Audience& audience) {
        const bool news = below(2) == 0;
        AppendItem item;
        item.audience = audience;
        item.type = news ? "news.item" : "money.item";
        item.category = news ? "news" : "money";
        item.data = std::to_string(published.size());
        published.push_back({audience, news ? CategoryMask{1} : CategoryMask{2}, item.data});
        std::vector<AppendItem> items;
        items.push_back(std::move(item));
        store->append(std::move(items), [](const AppendResults& results) { EXPECT_TRUE(results.front()); });
    }

    void connect(Client& client) {
        client.peer = std::make_shared<PipePeer>();
        client.decoder = SseDecoder{};
        client.read = 0;
        StreamSpec spec;
        spec.writer = std::make_unique<PipeWriter>(client.peer);
        spec.audiences = client.audiences;
        spec.categories = client.categories;
        const bool at_once = below(2) == 0;
        if (at_once) spec.opening = Frame::comment("opening");
        client.handle = *reactor.adopt(std::move(spec));
        client.connected = true;
        CatchUpRequest request;
        request.audiences = client.audiences;
        request.categories = client.categories;
        request.from.kind = client.cursor.empty() ? CatchUpFrom::Kind::earliest : CatchUpFrom::Kind::cursor;
        request.from.cursor = client.cursor;
        if (!at_once) return pool.begin(client.handle, std::move(request));
        pool.begin_at_once(client.handle, std::move(request));
        reactor.writable(client.handle);
    }
    void cut(Client& client) {
        client.take();
        client.connected = false;
        reactor.peer_gone(client.handle);
    }
    void give_room(Client& client, std::size_t bytes) {
        client.peer->room = bytes;
        if (bytes > 0) reactor.writable(client.handle);
    }

    // One turn of the loop, as the shard has it.
    bool turn() {
        if (woken) {
            woken = false;
            if (!reactor.flush_pending()) accept(3);
        }
        if (reactor.flush(steady) || !inbox.empty()) woken = true;
        if (loop.empty()) return woken;
        auto work = std::move(loop.front());
        loop.pop_front();
        work();
        return true;
    }
    void settle() {
        for (int i = 0; i < 20'000; ++i) {
            steady += 10;
            for (auto& waiting : std::exchange(delayed, {})) loop.push_back(std::move(waiting));
            if (!turn() && delayed.empty() && pool.active() == 0 && pool.waiting() == 0) return;
        }
        ADD_FAILURE() << "the world does not come to rest";
    }
    void accept(std::size_t items_max) {
        for (std::size_t items = 0; items < items_max;) {
            const auto taken = inbox.take();
            if (taken.overflowed) {
                ++overflows;
                reactor.lose_ring(last);
            }
            if (!taken.batch) return;
            reactor.accept(*taken.batch);
            items += taken.batch->items.size();
            last = std::max(last, taken.batch->items.back().position);
        }
    }

    void fell_behind(StreamHandle handle, Position cursor, std::uint64_t dropped) override {
        CatchUpRequest request;
        request.audiences = reactor.audiences_of(handle);
        request.categories = reactor.categories_of(handle);
        request.from = {CatchUpFrom::Kind::position, {}, cursor};
        request.dropped = dropped;
        pool.begin(handle, std::move(request));
    }
    void drained(StreamHandle handle) override { pool.drained(handle); }
    void ended(const StreamEnd& end) override { pool.forget(end.handle); }

    std::vector<std::string> expected(const Client& client) const {
        std::vector<std::string> list;
        for (const auto& event : published) {
            const bool for_it = std::find(client.audiences.begin(), client.audiences.end(), event.audience) !=
                                client.audiences.end();
            if (for_it && matches(client.categories, event.category)) list.push_back(event.data);
        }
        return list;
    }

    std::mt19937 random;
    Milliseconds wall = 1'700'000'000'000;
    std::uint64_t steady = 1'000'000;
    std::vector<Published> published;
    std::deque<Callback<void()>> loop;
    std::vector<Callback<void()>> delayed;
    bool woken = false;
    int overflows = 0;
    Position last{};
    Snapshot<Registry> registry{std::make_shared<const Registry>(two_categories())};
    Broker broker{registry, small(), {}};
    Inbox inbox{small().inbox_bytes, [this] { woken = true; }};
    std::unique_ptr<Store> store = make_memory_store(store_options());
    FailingStore failing;
    StreamReactor reactor{reactor_options(), *this, steady};
    CatchUpPool pool{
        failing,
        reactor,
        registry,
        small(),
        {[this](Callback<void()> work) { loop.push_back(std::move(work)); },
         [this](std::chrono::milliseconds, Callback<void()> work) { delayed.push_back(std::move(work)); },
         [this] {
             accept(~std::size_t{0});
             woken = true;
         }}};
};

std::vector<Client> some_clients() {
    const auto user = [](const char* name) { return Audience::user(*UserId::parse(name)); };
    const auto topic = *Audience::topic("chat");
    const auto client = [](std::vector<Audience> audiences, CategoryMask categories = all_categories) {
        Client made;
        made.audiences = std::move(audiences);
        made.categories = categories;
        return made;
    };
    std::vector<Client> clients;
    clients.push_back(client({user("alice"), Audience::broadcast()}));
    clients.push_back(client({user("alice"), Audience::broadcast(), topic}));
    clients.push_back(client({user("bob"), Audience::broadcast()}, 2));
    clients.push_back(client({topic}));
    return clients;
}

void act(World& world, std::vector<Client>& clients, std::size_t events) {
    const std::vector<Audience> audiences{clients[0].audiences[0], clients[2].audiences[0],
                                          Audience::broadcast(), clients[3].audiences[0]};
    while (world.published.size() < events) {
        Client& client = clients[world.below(clients.size())];
        switch (world.below(8)) {
            case 0:
            case 1: world.publish(audiences[world.below(audiences.size())]); break;
            case 2:
                client.connected ? world.give_room(client, world.below(400)) : world.connect(client);
                break;
            case 3:
                if (client.connected) world.give_room(client, ~std::size_t{0});
                break;
            case 4:
                if (client.connected && world.below(6) == 0) world.cut(client);
                break;
            case 5:
                // The clock stands, runs, and now and then steps back.
                world.wall += world.below(3);
                if (world.below(20) == 0) world.wall -= 50;
                break;
            default: world.turn(); break;
        }
    }
}

void finish_and_check(World& world, std::vector<Client>& clients, const std::string& what) {
    for (auto& client : clients) {
        if (!client.connected) world.connect(client);
        world.give_room(client, ~std::size_t{0});
    }
    world.settle();
    for (auto& client : clients) {
        world.give_room(client, ~std::size_t{0});
        world.settle();
        client.take();
        EXPECT_EQ(client.received, world.expected(client)) << what;
        EXPECT_EQ(client.gaps, 0) << what;
    }
}

TEST(DataPath, P2_GivesEveryEventOnceAndInOrderWhateverHappensToTheReaders) {
    for (unsigned seed = 1; seed <= 60; ++seed) {
        World world{seed};
        auto clients = some_clients();
        act(world, clients, 400);
        finish_and_check(world, clients, "seed " + std::to_string(seed));
        if (testing::Test::HasFailure()) return;
    }
}

TEST(DataPath, P2_LosesNothingWhenAnyBoundOrReadFailsOnce) {
    for (std::uint64_t operation = 1; operation <= 60; ++operation) {
        World world{7, {operation, 1 + operation % 3}};
        auto clients = some_clients();
        act(world, clients, 120);
        finish_and_check(world, clients, "operation " + std::to_string(operation));
        if (testing::Test::HasFailure()) return;
    }
}

// A checkpoint says that everything up to a bound was delivered: what was handed over before must be in the
// ring.
TEST(DataPath, P4_ABoundComesBackOnlyWhenAllBeforeItWasTaken) {
    World world{1};
    world.settle();
    bool answered = false;
    world.publish(Audience::broadcast());
    ASSERT_GT(world.inbox.bytes(), 0U);
    world.pool.bound([&](const Result<Bound>& bound) {
        answered = true;
        EXPECT_TRUE(bound);
        EXPECT_EQ(world.inbox.bytes(), 0U);
    });
    while (!answered && !world.loop.empty()) {
        auto work = std::move(world.loop.front());
        world.loop.pop_front();
        work();
    }
    EXPECT_TRUE(answered);
}

TEST(DataPath, P3_TellsALiveReaderThatTheLogWasTrimmedBehindIt) {
    World world{1};
    auto clients = some_clients();
    Client& alice = clients[0];
    world.connect(alice);
    world.settle();
    world.give_room(alice, 0);
    for (int i = 0; i < 1100; ++i) {
        world.publish(alice.audiences[0]);
        world.turn();
    }
    world.give_room(alice, ~std::size_t{0});
    world.settle();
    alice.take();
    EXPECT_EQ(alice.gaps, 1);
    world.publish(alice.audiences[0]);
    world.settle();
    alice.take();
    EXPECT_EQ(alice.received.back(), "1100");
}

}  // namespace
}  // namespace tidings
