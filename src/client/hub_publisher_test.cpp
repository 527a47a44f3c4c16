#include <tidings/hub_publisher.hpp>

#include "support/tiny_server.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <set>

namespace tidings {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using test::TinyConnection;
using test::TinyRequest;
using test::TinyServer;

EventDraft draft(std::string data = "{}") { return {"a.b", Audience::broadcast(), std::move(data)}; }

HubPublisherOptions options(std::string url) {
    HubPublisherOptions made;
    made.url = std::move(url);
    made.token = "token";
    made.back_off_min = 1ms;
    made.back_off_max = 4ms;
    made.shutdown = 50ms;
    return made;
}

std::vector<std::string> keys_in(const std::string& body) {
    std::vector<std::string> keys;
    constexpr std::string_view name = R"("idempotency_key":")";
    for (auto at = body.find(name); at != std::string::npos; at = body.find(name, at)) {
        at += name.size();
        keys.push_back(body.substr(at, body.find('"', at) - at));
    }
    return keys;
}

// Answers a batch with 201 for each of its items.
void accept_all(TinyConnection& connection, const TinyRequest& request) {
    std::string answer;
    for (const auto& key : keys_in(request.body)) {
        answer += (answer.empty() ? "[" : ",") + (R"({"status":201,"id":")" + key + "\"}");
    }
    connection.answer(200, answer + "]");
}

// What the worker logged. Its functions may be called from any thread.
class Lines {
public:
    LogSink sink() {
        return [this](LogLevel, std::string_view text, std::initializer_list<LogField>) {
            const std::lock_guard lock{mutex_};
            lines_.emplace_back(text);
        };
    }
    std::size_t count(std::string_view part) {
        const std::lock_guard lock{mutex_};
        return static_cast<std::size_t>(
            std::count_if(lines_.begin(), lines_.end(),
                          [&](const std::string& line) { return line.find(part) != std::string::npos; }));
    }

private:
    std::mutex mutex_;
    std::vector<std::string> lines_;
};

TEST(HubPublisher, P1_SendsInOrderInBatchesWithTheToken) {
    std::mutex mutex;
    std::string bodies, head;
    TinyServer server{[&](TinyConnection& connection) {
        while (const auto request = connection.request()) {
            const std::lock_guard lock{mutex};
            bodies += request->body;
            head = request->head;
            accept_all(connection, *request);
        }
    }};
    auto publisher = HubPublisher::create(options(server.url())).value();
    for (int i = 0; i < 1000; ++i) publisher.publish(draft(R"({"n":)" + std::to_string(i) + "}"));
    publisher.publish_to_user(UserId::parse("ann").value(), draft());
    publisher.broadcast({"c.d", Audience::topic("x").value()});
    ASSERT_TRUE(publisher.flush(20s));
    const auto counters = publisher.counters();
    EXPECT_EQ(counters.queued, 1002u);
    EXPECT_EQ(counters.sent, 1002u);
    EXPECT_EQ(counters.waiting, 0u);
    const std::lock_guard lock{mutex};
    std::size_t at = 0;
    for (int i = 0; i < 1000; ++i) {
        at = bodies.find(R"({"n":)" + std::to_string(i) + "}", at);
        ASSERT_NE(at, std::string::npos) << i;
    }
    EXPECT_NE(bodies.find(R"("user_id":"ann")"), std::string::npos);
    EXPECT_EQ(bodies.find(R"("topic")"), std::string::npos);
    EXPECT_NE(head.find("Authorization: Bearer token\r\n"), std::string::npos);
}

TEST(HubPublisher, P7_RepeatsUnderTheSameKeySoThatNothingDoubles) {
    std::mutex mutex;
    std::vector<std::string> seen;
    TinyServer server{[&](TinyConnection& connection) {
        const auto request = connection.request();
        if (!request) return;
        {
            const std::lock_guard lock{mutex};
            for (auto& key : keys_in(request->body)) seen.push_back(std::move(key));
        }
        if (connection.number == 1) return;  // took it and died without an answer
        if (connection.number == 2) {
            connection.answer(503, R"({"detail":"store away"})");
        } else {
            accept_all(connection, *request);
        }
    }};
    auto publisher = HubPublisher::create(options(server.url())).value();
    publisher.publish(draft());
    ASSERT_TRUE(publisher.flush(20s));
    EXPECT_EQ(publisher.counters().sent, 1u);
    const std::lock_guard lock{mutex};
    EXPECT_EQ(seen.size(), 3u);
    EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 1u);
    EXPECT_EQ(seen.front().size(), 32u);
}

TEST(HubPublisher, OneBadItemDoesNotTakeTheOthersWithIt) {
    TinyServer server{[&](TinyConnection& connection) {
        while (const auto request = connection.request()) {
            const bool bad = request->body.find("\"bad\"") != std::string::npos;
            if (bad) {
                connection.answer(400, R"({"detail":"no such type"})");
            } else {
                accept_all(connection, *request);
            }
        }
    }};
    Lines lines;
    auto made = options(server.url());
    made.log = lines.sink();
    auto publisher = HubPublisher::create(made).value();
    publisher.publish(draft());
    publisher.publish({"bad", Audience::broadcast()});
    publisher.publish(draft());
    publisher.publish(draft("not json"));
    ASSERT_TRUE(publisher.flush(20s));
    EXPECT_EQ(publisher.counters().sent, 2u);
    EXPECT_EQ(publisher.counters().failed, 2u);
    EXPECT_EQ(lines.count("fail-open: an event was not published"), 2u);
}

TEST(HubPublisher, RepeatsOnlyTheItemsThatTheStoreDidNotTake) {
    std::atomic<int> second_items{0};
    TinyServer server{[&](TinyConnection& connection) {
        while (const auto request = connection.request()) {
            const auto keys = keys_in(request->body);
            if (keys.size() == 2) {
                connection.answer(200,
                                  R"([{"status":201,"id":"x"},{"status":503,"problem":{"title":"away"}}])");
            } else {
                second_items += static_cast<int>(keys.size());
                accept_all(connection, *request);
            }
        }
    }};
    auto made = options(server.url());
    // Whether both fit one request depends on the worker, so the first is held until both are queued.
    std::promise<void> both;
    auto ready = both.get_future().share();
    made.token_source = [ready] {
        ready.wait();
        return std::string{"t"};
    };
    auto publisher = HubPublisher::create(made).value();
    publisher.publish(draft());
    publisher.publish(draft());
    both.set_value();
    ASSERT_TRUE(publisher.flush(20s));
    EXPECT_EQ(publisher.counters().sent, 2u);
    EXPECT_GE(second_items, 1);
}

TEST(HubPublisher, P8_ADeadHubCostsNothingButBoundedMemory) {
    Lines lines;
    auto made = options(test::dead_url());
    made.queue_events = 100;
    made.log = lines.sink();
    const auto started = Clock::now();
    {
        auto publisher = HubPublisher::create(made).value();
        for (int i = 0; i < 10'000; ++i) publisher.publish(draft());
        const auto counters = publisher.counters();
        EXPECT_EQ(counters.queued + counters.dropped, 10'000u);
        EXPECT_LE(counters.waiting, 100u);
        EXPECT_GE(counters.dropped, 9'900u);
        EXPECT_EQ(counters.sent, 0u);
        EXPECT_FALSE(publisher.flush(1ms));
    }
    EXPECT_LT(Clock::now() - started, 10s);
    EXPECT_GE(lines.count("fail-open: events were dropped"), 1u);
    EXPECT_GE(lines.count("fail-open: events were not published"), 1u);
    EXPECT_EQ(lines.count("the hub does not take events"), 1u);
}

TEST(HubPublisher, P8_AHubThatNeverAnswersBlocksNobody) {
    TinyServer server{[](TinyConnection& connection) { connection.wait_until_closed(); }};
    auto made = options(server.url());
    made.answer_timeout = 1h;
    made.queue_bytes = 64 * 1024;
    const auto started = Clock::now();
    {
        auto publisher = HubPublisher::create(made).value();
        for (int i = 0; i < 1'000; ++i) publisher.publish(draft("\"" + std::string(1000, 'x') + "\""));
        const auto counters = publisher.counters();
        EXPECT_LE(counters.queued, 64u) << "the bound in bytes";
        EXPECT_EQ(counters.queued + counters.dropped, 1'000u);
    }
    EXPECT_LT(Clock::now() - started, 10s) << "the end waits for options.shutdown, not for the answer";
}

TEST(HubPublisher, P8_ASlowHubIsWaitedForByTheWorkerAlone) {
    std::promise<void> go;
    auto ready = go.get_future().share();
    TinyServer server{[&](TinyConnection& connection) {
        while (const auto request = connection.request()) {
            ready.wait();
            accept_all(connection, *request);
        }
    }};
    auto publisher = HubPublisher::create(options(server.url())).value();
    for (int i = 0; i < 100; ++i) publisher.publish(draft());
    EXPECT_EQ(publisher.counters().waiting, 100u);
    go.set_value();
    EXPECT_TRUE(publisher.flush(20s));
    EXPECT_EQ(publisher.counters().sent, 100u);
}

TEST(HubPublisher, P8_NothingThatTheEmbedderGivesCanThrowIntoPublish) {
    auto made = options(test::dead_url());
    made.token_source = []() -> std::string { throw std::runtime_error{"vault away"}; };
    made.log = [](LogLevel, std::string_view, std::initializer_list<LogField>) {
        throw std::runtime_error{"log"};
    };
    made.give_up_after = 0ms;
    auto publisher = HubPublisher::create(made).value();
    publisher.publish(draft());
    EXPECT_TRUE(publisher.flush(20s));
    EXPECT_EQ(publisher.counters().failed, 1u);
}

TEST(HubPublisher, D6_ABurstOfThreadsLosesNothing) {
    TinyServer server{[&](TinyConnection& connection) {
        while (const auto request = connection.request()) accept_all(connection, *request);
    }};
    auto publisher = HubPublisher::create(options(server.url())).value();
    std::vector<std::thread> threads;
    for (int t = 0; t < 100; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 20; ++i) publisher.publish(draft());
        });
    }
    for (auto& thread : threads) thread.join();
    ASSERT_TRUE(publisher.flush(20s));
    EXPECT_EQ(publisher.counters().sent, 2000u);
    EXPECT_EQ(publisher.counters().dropped, 0u);
}

TEST(HubPublisher, RefusesAUrlThatIsNotAHubs) {
    EXPECT_EQ(HubPublisher::create(options("nowhere")).error().code, Errc::invalid_field);
}

}  // namespace
}  // namespace tidings
