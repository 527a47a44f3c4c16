#include "server/self_probe.hpp"

#include "server/context.hpp"

#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <memory>

namespace tidings {
namespace {

// A shard's inbox, reactor and loop around a probe, as far as a probe needs them.
class ProbedReactor final : public StreamHost {
public:
    explicit ProbedReactor(std::chrono::milliseconds lifetime = {}) {
        options_.delivery.lifetime = lifetime;
        reactor_ = std::make_unique<StreamReactor>(options_, *this, 0);
        probe_ = std::make_unique<SelfProbe>(inbox_, *reactor_, loop_);
        probe_->start(0);
    }

    StreamReactor& reactor() { return *reactor_; }
    bool stuck() const { return probe_->stuck(steady_ms()); }
    std::size_t ended() const { return ended_; }

    // Sends the probe's event on its way, and waits until it has arrived or cannot any more.
    void pass_one(std::uint64_t now_ms) {
        probe_->send();
        while (const auto taken = inbox_.take().batch) reactor_->accept(*taken);
        while (reactor_->flush(now_ms)) {
        }
        loop_.every(std::chrono::milliseconds{1}, [this] {
            if (!stuck()) loop_.stop();
        });
        loop_.later(std::chrono::seconds{2}, [this] { loop_.stop(); });
        loop_.run();
    }

    void fell_behind(StreamHandle handle, Position, std::uint64_t) override {
        EXPECT_TRUE(probe_->owns(handle));
        loop_.post([this] { probe_->go_on(); });
        loop_.post([this] { loop_.stop(); });
    }
    void drained(StreamHandle) override {}
    void ended(const StreamEnd&) override { ++ended_; }
    void run_what_was_posted() {
        loop_.run();
        loop_.context().restart();
    }

private:
    ReactorOptions options_;
    Inbox inbox_{1 << 20, [] {}};
    Loop loop_;
    std::unique_ptr<StreamReactor> reactor_;
    std::unique_ptr<SelfProbe> probe_;
    std::size_t ended_ = 0;
};

TEST(SelfProbe, IsStuckUntilItsEventHasCrossedTheReactor) {
    ProbedReactor shard;
    EXPECT_TRUE(shard.stuck());
    shard.pass_one(0);
    EXPECT_FALSE(shard.stuck());
}

// Else a hub would be unready for ever after one burst that its ring could not hold.
TEST(SelfProbe, GoesOnAfterTheRingWasLost) {
    ProbedReactor shard;
    shard.reactor().lose_ring({});
    shard.run_what_was_posted();
    shard.pass_one(0);
    EXPECT_FALSE(shard.stuck());
}

// Else a hub whose streams have a longest life would be unready for ever once that was over.
TEST(SelfProbe, OutlivesTheLongestLifeOfAStream) {
    ProbedReactor shard{std::chrono::seconds{1}};
    for (std::uint64_t now = 0; now <= 5'000; now += 50) shard.reactor().tick(now);
    EXPECT_EQ(shard.ended(), 0U);
    shard.pass_one(5'000);
    EXPECT_FALSE(shard.stuck());
}

}  // namespace
}  // namespace tidings
