#include "server/publish_desk.hpp"

#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <thread>

namespace tidings {
namespace {

// A store that answers when it is told to, or at once.
class SlowStore final : public Store {
public:
    Result<void> open(StoreListener*) override { return {}; }
    void close() override {}
    void append(std::vector<AppendItem> batch, Callback<void(AppendResults)> done) override {
        if (at_once) return done(results(batch.size()));
        held.push_back({batch.size(), std::move(done)});
    }
    void bound(Callback<void(Result<Bound>)>) override {}
    void read(ReadRequest, Callback<void(Result<std::vector<LogPage>>)>) override {}
    void find(std::vector<Audience>, Uuid, Callback<void(Result<std::optional<Position>>)>) override {}
    void watch(std::vector<Audience>, Callback<void(Result<void>)>) override {}
    void unwatch(std::vector<Audience>) override {}
    bool foreign() const noexcept override { return false; }
    const RetentionPolicy& retention() const noexcept override { return policy; }
    Figures figures() const override { return {}; }

    void answer(std::size_t which) { held[which].done(results(held[which].items)); }
    static AppendResults results(std::size_t items) {
        return AppendResults(items, Result<Appended>{Appended{}});
    }

    struct Held {
        std::size_t items;
        Callback<void(AppendResults)> done;
    };
    RetentionPolicy policy;
    std::vector<Held> held;
    bool at_once = false;
};

class PublishDeskTest : public ::testing::Test {
protected:
    void append(std::size_t items, std::chrono::milliseconds wait) {
        desk.append(std::vector<AppendItem>(items), wait, [this, items](const AppendResults& results) {
            EXPECT_EQ(results.size(), items);
            answers.push_back(results.front() ? std::optional<Errc>{} : results.front().error().code);
            loop.stop();
        });
    }
    // Until something was answered.
    void run() {
        loop.context().restart();
        loop.run();
    }

    SlowStore store;
    Loop loop;
    ShardCounters counters;
    PublishDesk desk{store, loop, counters};
    std::vector<std::optional<Errc>> answers;
};

constexpr std::chrono::milliseconds long_time = std::chrono::hours{1};

TEST_F(PublishDeskTest, HandsOnAtOnceWhatTheStoreAnswersAtOnce) {
    store.at_once = true;
    append(2, long_time);
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_FALSE(answers[0]);
    EXPECT_EQ(counters.published, 2U);
    EXPECT_EQ(desk.waiting(), 0U);
}

TEST_F(PublishDeskTest, LetsStreamsHaveAnEventBeforeItsPublisherIsAnswered) {
    std::string order;
    PublishDesk serving{store, loop, counters, [&] { order += "streams "; }};
    store.at_once = true;
    serving.append(std::vector<AppendItem>(1), long_time,
                   [&](const AppendResults&) { order += "publisher"; });
    EXPECT_EQ(order, "streams publisher");
}

TEST_F(PublishDeskTest, HandsOnOnTheLoopWhatComesFromAnotherThread) {
    append(1, long_time);
    std::thread{[this] { store.answer(0); }}.join();
    EXPECT_TRUE(answers.empty());
    run();
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_FALSE(answers[0]);
    EXPECT_EQ(counters.published, 1U);
}

TEST_F(PublishDeskTest, SaysThatTheOutcomeIsUnknownAndTakesNoLaterAnswer) {
    append(3, std::chrono::milliseconds{1});
    run();
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0], Errc::outcome_unknown);
    store.answer(0);
    loop.post([this] { loop.stop(); });
    run();
    EXPECT_EQ(answers.size(), 1U);
    EXPECT_EQ(counters.published, 0U);
}

TEST_F(PublishDeskTest, KeepsNoDeadlineOfWhatWasAnswered) {
    for (std::size_t i = 0; i < 100; ++i) {
        append(1, long_time);
        store.answer(i);
        run();
    }
    EXPECT_EQ(answers.size(), 100U);
    EXPECT_LE(desk.waiting(), 1U);
}

TEST_F(PublishDeskTest, KeepsTheTimeOfEachOfSeveral) {
    append(1, std::chrono::milliseconds{1});
    append(1, std::chrono::milliseconds{5});
    append(1, long_time);
    run();
    while (answers.size() < 2) run();
    EXPECT_EQ(answers[1], Errc::outcome_unknown);
    EXPECT_EQ(desk.waiting(), 1U);
    store.answer(2);
    run();
    ASSERT_EQ(answers.size(), 3U);
    EXPECT_FALSE(answers[2]);
}

}  // namespace
}  // namespace tidings
