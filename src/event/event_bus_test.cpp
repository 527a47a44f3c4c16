#include <tidings/event_bus.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace tidings {
namespace {

struct Opened {
    int number = 0;
};
struct Closed {
    int number = 0;
};
struct Base {
    virtual ~Base() = default;
    int number = 1;
};
struct Derived : Base {
    int more = 2;
};
struct Uncopied {
    Uncopied() = default;
    Uncopied(const Uncopied&) = delete;
};
struct CopyThrows {
    CopyThrows() = default;
    CopyThrows(const CopyThrows&) { throw std::runtime_error{"no copy"}; }
};

// Failures in the order they came, as text.
struct Failures {
    std::mutex mutex;
    std::vector<std::string> seen;
    FailureSink sink() {
        return [this](const HandlerFailure& failure) {
            const std::lock_guard lock{mutex};
            seen.push_back(std::string{failure.event_type} + "|" + std::string{failure.handler} + "|" +
                           std::string{failure.error_type} + "|" + std::string{failure.message});
        };
    }
};

TEST(EventBus, B1_RoutesByExactType) {
    EventBus bus;
    std::vector<std::string> seen;
    bus.subscribe<Opened>(
        [&](const Opened& event) { seen.push_back("opened " + std::to_string(event.number)); });
    bus.subscribe<Closed>(
        [&](const Closed& event) { seen.push_back("closed " + std::to_string(event.number)); });
    bus.publish(Opened{1});
    bus.publish(Closed{2});
    EXPECT_EQ(seen, (std::vector<std::string>{"opened 1", "closed 2"}));
}

TEST(EventBus, B1_UsesTheDynamicTypeBehindABaseReference) {
    EventBus bus;
    int base = 0;
    int derived = 0;
    bus.subscribe<Base>([&](const Base&) { ++base; });
    bus.subscribe<Derived>([&](const Derived& event) { derived += event.more; });
    const Derived event;
    bus.publish(static_cast<const Base&>(event));
    EXPECT_EQ(base, 0);
    EXPECT_EQ(derived, 2);
    bus.publish(Base{});
    EXPECT_EQ(base, 1);
}

TEST(EventBus, B1_NoHandlerIsNoError) {
    Failures failures;
    const EventBus bus{failures.sink()};
    bus.publish(Opened{1});
    bus.publish(DomainEvent{"Nobody", "{}"});
    EXPECT_TRUE(failures.seen.empty());
}

TEST(EventBus, B1_CallsAHandlerAsOftenAsItIsSubscribed) {
    EventBus bus;
    int calls = 0;
    const auto handler = [&](const Opened&) { ++calls; };
    bus.subscribe<Opened>(handler);
    bus.subscribe<Opened>(handler);
    bus.publish(Opened{});
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(bus.subscriptions(), 2U);
}

TEST(EventBus, B2_AFailingHandlerStopsNobodyAndIsReportedOnce) {
    Failures failures;
    EventBus bus{failures.sink()};
    int calls = 0;
    bus.subscribe<Opened>([&](const Opened&) { ++calls; }, "first");
    bus.subscribe<Opened>([](const Opened&) { throw std::runtime_error{"boom"}; }, "broken");
    bus.subscribe<Opened>([](const Opened&) { throw 42; }, "odd");
    bus.subscribe<Opened>([&](const Opened&) { ++calls; }, "last");
    bus.publish(Opened{});
    EXPECT_EQ(calls, 2);
    ASSERT_EQ(failures.seen.size(), 2U);
    EXPECT_NE(failures.seen[0].find("Opened|broken|std::runtime_error|boom"), std::string::npos)
        << failures.seen[0];
    EXPECT_NE(failures.seen[1].find("Opened|odd|unknown|"), std::string::npos) << failures.seen[1];
}

TEST(EventBus, D27_AHandlerWithoutANameMayFailAndASinkMayThrow) {
    EventBus bus{[](const HandlerFailure&) { throw std::runtime_error{"sink"}; }};
    bus.subscribe<Opened>([](const Opened&) { throw std::runtime_error{"boom"}; });
    bus.publish(Opened{});
    EventBus silent;
    silent.subscribe<Opened>([](const Opened&) { throw std::runtime_error{"boom"}; });
    silent.publish(Opened{});
}

TEST(EventBus, D27_NestedAndConcurrentPublishesDoNotMix) {
    EventBus bus;
    std::atomic<int> wrong{0};
    std::atomic<int> closed{0};
    bus.subscribe<Opened>([&](const Opened& event) {
        const int before = event.number;
        bus.publish(Closed{before});
        if (event.number != before) ++wrong;
    });
    bus.subscribe<Closed>([&](const Closed& event) { closed += event.number; });
    constexpr int threads = 4;
    constexpr int rounds = 500;
    std::barrier start{threads};
    std::vector<std::jthread> running;
    for (int i = 1; i <= threads; ++i) {
        running.emplace_back([&, i] {
            start.arrive_and_wait();
            for (int round = 0; round < rounds; ++round) bus.publish(Opened{i});
        });
    }
    running.clear();
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(closed, rounds * (1 + 2 + 3 + 4));
}

TEST(EventBus, B1_HandlersRunConcurrentlyOnAnExecutor) {
    // Each of two handlers waits for the other: they finish only if both run at once.
    std::vector<std::jthread> pool;
    std::barrier meeting{2};
    std::atomic<int> done{0};
    EventBus bus{{}, [&](std::function<void()> task) { pool.emplace_back(std::move(task)); }};
    for (int i = 0; i < 2; ++i) {
        bus.subscribe<Opened>([&](const Opened& event) {
            meeting.arrive_and_wait();
            done += event.number;
        });
    }
    bus.publish(Opened{21});
    pool.clear();
    EXPECT_EQ(done, 42);
}

TEST(EventBus, DeferredHandlersKeepTheirEventAndOutliveTheBus) {
    std::deque<std::function<void()>> later;
    std::vector<std::string> seen;
    Failures failures;
    {
        EventBus bus{failures.sink(), [&](std::function<void()> task) { later.push_back(std::move(task)); }};
        bus.subscribe<Opened>([&](const Opened& event) { seen.push_back(std::to_string(event.number)); });
        bus.subscribe<Derived>(
            [&](const Derived& event) { seen.push_back("derived " + std::to_string(event.more)); });
        bus.subscribe<Opened>([](const Opened&) { throw std::runtime_error{"late"}; });
        bus.subscribe("Named", [&](const DomainEvent& event) { seen.push_back(event.data); });
        bus.publish(Opened{7});
        bus.publish(std::shared_ptr<const Base>{std::make_shared<const Derived>()});
        bus.publish(DomainEvent{"Named", "[1]"});
        EXPECT_TRUE(seen.empty());
    }
    for (auto& task : later) task();
    EXPECT_EQ(seen, (std::vector<std::string>{"7", "derived 2", "[1]"}));
    EXPECT_EQ(failures.seen.size(), 1U);
}

TEST(EventBus, AnEventThatCannotBeCopiedIsHandledAtOnce) {
    std::deque<std::function<void()>> later;
    int calls = 0;
    Failures failures;
    EventBus bus{failures.sink(), [&](std::function<void()> task) { later.push_back(std::move(task)); }};
    bus.subscribe<Uncopied>([&](const Uncopied&) { ++calls; });
    bus.subscribe<Derived>([&](const Derived&) { ++calls; });
    bus.subscribe<CopyThrows>([&](const CopyThrows&) { ++calls; }, "never");
    bus.publish(Uncopied{});
    const Derived derived;
    bus.publish(static_cast<const Base&>(derived));
    EXPECT_EQ(calls, 2);
    bus.publish(CopyThrows{});
    EXPECT_EQ(calls, 2);
    EXPECT_TRUE(later.empty());
    ASSERT_EQ(failures.seen.size(), 1U);
    EXPECT_NE(failures.seen[0].find("|never|std::runtime_error|no copy"), std::string::npos);
}

TEST(EventBus, B2_AFullExecutorIsReportedAndNothingThrown) {
    Failures failures;
    EventBus bus{failures.sink(), [](const std::function<void()>&) { throw std::runtime_error{"full"}; }};
    bus.subscribe<Opened>([](const Opened&) {}, "one");
    bus.subscribe<Opened>([](const Opened&) {}, "two");
    bus.publish(Opened{});
    EXPECT_EQ(failures.seen.size(), 2U);
}

TEST(EventBus, RoutesNamedEventsByName) {
    EventBus bus;
    std::vector<std::string> seen;
    bus.subscribe("AccountSyncFailed",
                  [&](const DomainEvent& event) { seen.push_back(event.name + event.data); });
    bus.subscribe<DomainEvent>([&](const DomainEvent& event) { seen.push_back("any " + event.name); });
    bus.publish(DomainEvent{"AccountSyncFailed", "{}"});
    bus.publish(DomainEvent{"Other", "{}"});
    EXPECT_EQ(seen, (std::vector<std::string>{"any AccountSyncFailed", "AccountSyncFailed{}", "any Other"}));
}

}  // namespace
}  // namespace tidings
