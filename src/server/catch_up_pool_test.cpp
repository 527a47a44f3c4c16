#include "server/catch_up_pool.hpp"

#include "net/pipe_peer.hpp"
#include "store/failing_store.hpp"
#include "store/memory_store.hpp"

#include <tidings/sse_decoder.hpp>

#include <gtest/gtest.h>

#include <deque>

namespace tidings {
namespace {

Audience alice() { return Audience::user(*UserId::parse("alice")); }

// A pool between a store that fails on demand and a reactor over pipes; its loop is turned by hand.
class Bench final : public StreamHost {
public:
    Bench() {
        EXPECT_TRUE(store_->open(nullptr));
        registry_.put([] {
            auto made = std::make_shared<Registry>();
            EXPECT_TRUE(made->add_category("news"));
            return made;
        }());
        for (int i = 1; i <= 5; ++i) append(i);
    }

    static Limits small() {
        Limits limits;
        limits.page_events = 1;
        limits.catching_up = 1;
        return limits;
    }
    static StoreOptions store_options() {
        StoreOptions options;
        options.clock = [] { return Milliseconds{1'700'000'000'000}; };
        options.random = [] { return std::uint64_t{0x1234}; };
        return options;
    }

    void append(int number) {
        AppendItem item;
        item.audience = alice();
        item.type = "news.item";
        item.category = "news";
        item.data = std::to_string(number);
        store_->append({item}, [](const AppendResults& results) { EXPECT_TRUE(results.front()); });
    }
    StreamHandle open(const std::shared_ptr<PipePeer>& peer) {
        StreamSpec spec;
        spec.writer = std::make_unique<PipeWriter>(peer);
        spec.audiences = {alice()};
        const auto handle = *reactor.adopt(std::move(spec));
        CatchUpRequest request;
        request.audiences = {alice()};
        request.from.kind = CatchUpFrom::Kind::earliest;
        pool.begin(handle, std::move(request));
        return handle;
    }
    // As a shard opens one whose head has not left.
    StreamHandle open_at_once(const std::shared_ptr<PipePeer>& peer, CatchUpFrom from) {
        StreamSpec spec;
        spec.writer = std::make_unique<PipeWriter>(peer);
        spec.audiences = {alice()};
        spec.opening = Frame::comment("opening");
        const auto handle = *reactor.adopt(std::move(spec));
        CatchUpRequest request;
        request.audiences = {alice()};
        request.from = std::move(from);
        pool.begin_at_once(handle, std::move(request));
        reactor.writable(handle);
        return handle;
    }
    bool turn() {
        if (loop_.empty()) return false;
        auto work = std::move(loop_.front());
        loop_.pop_front();
        work();
        return true;
    }
    // Turns the loop until nothing is left to do; then what was put off is due.
    void settle() {
        do {
            for (auto& work : std::exchange(delayed_, {})) loop_.push_back(std::move(work));
            while (turn()) {
            }
        } while (!delayed_.empty());
    }
    // A heartbeat blocks the stream's pipe, and then there is room again.
    void beat(StreamHandle handle, PipePeer& peer) {
        peer.room = 1;
        for (const auto end = now_ + 16'000; now_ < end; now_ += tick_ms) reactor.tick(now_);
        peer.room = ~std::size_t{0};
        reactor.writable(handle);
    }
    static std::string story(const PipePeer& peer) {
        SseDecoder decoder;
        std::string text;
        for (const auto& event : decoder.feed(peer.bytes)) {
            text += (event.type.starts_with("tidings.") ? event.type.substr(8) : event.data) + " ";
        }
        return text;
    }

    void fell_behind(StreamHandle handle, Position cursor, std::uint64_t) override {
        CatchUpRequest request;
        request.audiences = {alice()};
        request.from = {CatchUpFrom::Kind::position, {}, cursor};
        pool.begin(handle, std::move(request));
    }
    void left(const std::vector<Audience>& audiences) override { store.unwatch(audiences); }
    void drained(StreamHandle handle) override { pool.drained(handle); }
    void ended(const StreamEnd& end) override { pool.forget(end.handle); }

private:
    std::deque<Callback<void()>> loop_;
    std::vector<Callback<void()>> delayed_;
    std::uint64_t now_ = 1'000'000;
    Snapshot<Registry> registry_{nullptr};
    std::unique_ptr<Store> store_ = make_memory_store(store_options());

public:
    FailingStore store{*store_};
    StreamReactor reactor{{}, *this, now_};
    CatchUpPool pool{
        store,
        reactor,
        registry_,
        small(),
        {[this](Callback<void()> work) { loop_.push_back(std::move(work)); },
         [this](std::chrono::milliseconds, Callback<void()> work) { delayed_.push_back(std::move(work)); },
         [] {}}};
};

// Room after a heartbeat is not the end of a page: the machine would go on as if it had been read.
TEST(CatchUpPool, P3_SkipsNothingWhenAHeartbeatBlocksWhileTheStoreIsAway) {
    Bench bench;
    bench.store.fail({3, 1});  // it is watched, the bound succeeds, the first read fails
    const auto peer = std::make_shared<PipePeer>();
    const auto handle = bench.open(peer);
    while (bench.turn()) {
    }
    bench.beat(handle, *peer);
    bench.settle();
    EXPECT_EQ(bench.story(*peer), "1 2 3 4 5 caught_up ");
}

TEST(CatchUpPool, P1_RepeatsNothingWhenAHeartbeatBlocksBetweenPages) {
    for (int turns = 1; turns < 12; ++turns) {
        Bench bench;
        const auto peer = std::make_shared<PipePeer>();
        const auto handle = bench.open(peer);
        for (int i = 0; i < turns; ++i) bench.turn();
        bench.beat(handle, *peer);
        bench.settle();
        EXPECT_EQ(bench.story(*peer), "1 2 3 4 5 caught_up ") << turns << " turns";
    }
}

TEST(CatchUpPool, P6_ForgetsThoseWhoLeaveWhileTheyWait) {
    Bench bench;
    bench.store.fail({1, ~std::uint64_t{0}});
    const auto first = std::make_shared<PipePeer>();
    bench.open(first);
    const auto last = std::make_shared<PipePeer>();
    for (int i = 0; i < 100; ++i) bench.reactor.peer_gone(bench.open(std::make_shared<PipePeer>()));
    bench.open(last);
    EXPECT_EQ(bench.pool.active(), 1U);
    EXPECT_LT(bench.pool.waiting(), 4U);
    bench.store.fail({});
    bench.settle();
    EXPECT_EQ(bench.story(*first), "1 2 3 4 5 caught_up ");
    EXPECT_EQ(bench.story(*last), "1 2 3 4 5 caught_up ");
}

TEST(CatchUpPool, P2_WatchesANewStreamBeforeItsBoundAndOnlyOnce) {
    Bench bench;
    const auto peer = std::make_shared<PipePeer>();
    const auto handle = bench.open(peer);
    EXPECT_EQ(bench.store.watching(), 1);
    EXPECT_EQ(bench.store.operations(), 1U);  // no bound before the confirmation
    bench.settle();
    EXPECT_EQ(bench.story(*peer), "1 2 3 4 5 caught_up ");
    bench.reactor.lose_ring({});
    bench.settle();
    EXPECT_EQ(bench.story(*peer), "1 2 3 4 5 caught_up caught_up ");
    EXPECT_EQ(bench.store.watching(), 1);
    bench.reactor.peer_gone(handle);
    EXPECT_EQ(bench.store.watching(), 0);
}

TEST(CatchUpPool, UnwatchesOnceWhoeverLeavesWhenever) {
    for (int turns = 0; turns < 24; ++turns) {
        for (const EndReason reason : {EndReason::client_gone, EndReason::drained, EndReason::stopped}) {
            Bench bench;
            const auto handle = bench.open(std::make_shared<PipePeer>());
            const auto next = bench.open(std::make_shared<PipePeer>());
            for (int i = 0; i < turns; ++i) bench.turn();
            for (const auto one : {handle, next}) {
                if (reason == EndReason::client_gone) bench.reactor.peer_gone(one);
                bench.reactor.end(one, reason);
            }
            bench.settle();
            EXPECT_EQ(bench.store.watching(), 0) << turns << " turns";
        }
    }
}

TEST(CatchUpPool, P10_WatchesAgainLaterWhenTheStoreIsAway) {
    Bench bench;
    bench.store.fail({1, 3});
    const auto peer = std::make_shared<PipePeer>();
    bench.open(peer);
    bench.settle();
    EXPECT_EQ(bench.story(*peer), "1 2 3 4 5 caught_up ");
    EXPECT_EQ(bench.store.watching(), 1);
    EXPECT_EQ(bench.pool.counters().retried, 3U);
}

TEST(CatchUpPool, P3_TellsThoseWhoCatchUpOrWaitThatForeignEventsWereLost) {
    Bench bench;
    const auto first = std::make_shared<PipePeer>();
    const auto second = std::make_shared<PipePeer>();
    const auto active = bench.open(first);
    const auto waiting = bench.open(second);
    EXPECT_EQ(bench.pool.note_foreign_lost(), (std::vector{active, waiting}));
    bench.settle();
    EXPECT_EQ(bench.story(*first), "1 2 3 4 5 gap caught_up ");
    EXPECT_EQ(bench.story(*second), "1 2 3 4 5 gap caught_up ");
    EXPECT_TRUE(bench.pool.note_foreign_lost().empty());
}

TEST(CatchUpPool, C2_TheHeadAndTheFirstEventsAreOneWrite) {
    Bench bench;
    const auto fresh = std::make_shared<PipePeer>();
    bench.open_at_once(fresh, {});
    EXPECT_EQ(fresh->writes, 1U);
    EXPECT_TRUE(fresh->bytes.starts_with(": opening\n"));
    EXPECT_EQ(bench.story(*fresh), "caught_up ");
    const auto returning = std::make_shared<PipePeer>();
    bench.open_at_once(returning, {CatchUpFrom::Kind::earliest, {}, {}});
    EXPECT_EQ(returning->writes, 1U);
    EXPECT_EQ(bench.story(*returning), "1 ");
    bench.settle();
    EXPECT_EQ(bench.story(*returning), "1 2 3 4 5 caught_up ");
    EXPECT_EQ(bench.pool.active(), 0U);
}

TEST(CatchUpPool, C2_TheHeadDoesNotWaitForAStoreThatDoes) {
    Bench bench;
    bench.store.fail({1, 2});
    const auto peer = std::make_shared<PipePeer>();
    bench.open_at_once(peer, {CatchUpFrom::Kind::earliest, {}, {}});
    EXPECT_EQ(peer->bytes, ": opening\n");
    bench.settle();
    EXPECT_EQ(bench.story(*peer), "1 2 3 4 5 caught_up ");
}

// One may catch up at once, and the first holds the place: the others are served one after the other.
TEST(CatchUpPool, ThoseWhoWaitGoOnAfterThoseWhoAreThroughAtOnce) {
    Bench bench;
    std::vector<std::shared_ptr<PipePeer>> peers;
    for (int i = 0; i < 200; ++i) {
        peers.push_back(std::make_shared<PipePeer>());
        const bool reads = i % 3 == 0;
        const auto from = reads ? CatchUpFrom::Kind::earliest : CatchUpFrom::Kind::now;
        bench.open_at_once(peers.back(), {from, {}, {}});
    }
    EXPECT_GT(bench.pool.waiting(), 0U);
    bench.settle();
    EXPECT_EQ(bench.pool.waiting(), 0U);
    for (std::size_t i = 0; i < peers.size(); ++i) {
        EXPECT_EQ(bench.story(*peers[i]), i % 3 == 0 ? "1 2 3 4 5 caught_up " : "caught_up ");
    }
}

TEST(CatchUpPool, C37_AClientThatIsGoneBeforeItsHeadLeavesNothing) {
    Bench bench;
    const auto peer = std::make_shared<PipePeer>();
    peer->gone = true;
    for (const auto from : {CatchUpFrom::Kind::now, CatchUpFrom::Kind::earliest}) {
        const auto handle = bench.open_at_once(peer, {from, {}, {}});
        EXPECT_FALSE(bench.reactor.alive(handle));
        bench.settle();
        EXPECT_EQ(bench.pool.active(), 0U);
        EXPECT_EQ(bench.store.watching(), 0);
    }
}

}  // namespace
}  // namespace tidings
