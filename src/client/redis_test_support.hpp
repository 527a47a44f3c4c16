#pragma once
// For the tests of the Redis clients: a server for all of them, a producer that does what the original does,
// and what a subscription was given.

#include "support/redis_server.hpp"

#include <tidings/redis.hpp>

#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace tidings::client_test {

inline constexpr std::chrono::seconds patience{30};  // a passing test never waits so long

// One server for all tests of the process; each test has a prefix of its own.
inline test::RedisServer& shared_server() {
    static test::RedisServer server;
    return server;
}

inline std::string prefix() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    return std::string{info->test_suite_name()} + "." + info->name();
}

inline std::shared_ptr<const Registry> registry() {
    Registry made;
    for (const char* category : {"data_sync", "provider", "ai", "import", "portfolio", "security"}) {
        made.add_category(category).value();
    }
    const auto add = [&](const char* type, const char* category, bool retain = true) {
        EventTypeInfo info;
        info.type = type;
        info.category = category;
        info.description = std::string{"what "} + type + " says";
        info.retain = retain;
        if (!retain) info.slow_reader = SlowReader::drop;
        made.add_type(std::move(info)).value();
    };
    add("sync.accounts.completed", "data_sync");
    add("security.session.new", "security");
    add("import.progress", "import", false);
    return std::make_shared<const Registry>(std::move(made));
}

inline StoreConfig redis_config(const test::RedisServer& server = shared_server()) {
    StoreConfig config;
    config.url = server.url();
    config.prefix = prefix();
    return config;
}

inline UserId user(const std::string& name) { return UserId::parse(name).value(); }
inline const UserId ann = user("11111111-1111-4111-8111-111111111111");
inline const UserId bob = user("22222222-2222-4222-8222-222222222222");

inline CategoryFilter only(std::vector<std::string> names) {
    return CategoryFilter::parse(std::move(names), *registry()).value();
}

inline EventDraft draft(int number, std::string type = "sync.accounts.completed") {
    return {std::move(type), {}, "{\"n\":" + std::to_string(number) + "}"};
}

// The original's publisher, written with raw commands: PUBLISH, then XADD with an id of Redis' own, then an
// expiry that is set once.
class OriginalProducer {
public:
    explicit OriginalProducer(const test::RedisServer& server = shared_server()) : client_{server.port()} {}

    // A UUID of the layout of 2021: they begin with 06.
    static std::string id(int number) {
        char text[37];
        std::snprintf(text, sizeof text, "06b02312-9c1c-7534-8000-%012x", number);
        return text;
    }
    static std::string message(int number, const std::string& user_id,
                               const std::string& type = "sync.accounts.completed") {
        return R"({"event_id": ")" + id(number) + R"(", "event_type": ")" + type + R"(", "user_id": ")" +
               user_id + R"(", "data": {"n": )" + std::to_string(number) +
               R"(}, "occurred_at": "2026-01-20T02:30:00+00:00"})";
    }
    void announce(int number, const UserId& to) {
        client_.call({"PUBLISH", prefix() + ":user:" + to.text(), message(number, to.text())});
    }
    void store(int number, const UserId& to, const std::string& type = "sync.accounts.completed") {
        const std::string stream = prefix() + ":stream:user:" + to.text();
        client_.call({"XADD", stream, "MAXLEN", "~", "1000", "*", "event_id", id(number), "event_type", type,
                      "data", "{\"n\": " + std::to_string(number) + "}", "occurred_at",
                      "2026-01-20T02:30:00+00:00"});
        if (client_.call({"TTL", stream}).as_integer() == -1) client_.call({"EXPIRE", stream, "3600"});
    }
    void publish(int number, const UserId& to) {
        announce(number, to);
        store(number, to);
    }
    void broadcast(int number) {
        client_.call(
            {"PUBLISH", prefix() + ":broadcast", message(number, "00000000-0000-0000-0000-000000000000")});
    }
    redis::Value call(const std::vector<std::string>& args) { return client_.call(args); }

private:
    test::RedisClient client_;
};

inline std::string text_of(const SubscriberEvent& item) {
    if (const auto* event = std::get_if<Event>(&item)) {
        // {"n":7}
        return event->data.substr(5, event->data.size() - 6);
    }
    return "gap " + std::string{name_of(std::get<Gap>(item).reason)};
}

inline std::vector<std::string> texts_of(const std::vector<Event>& events) {
    std::vector<std::string> texts;
    for (const auto& event : events) texts.push_back(text_of(event));
    return texts;
}

inline std::vector<std::string> numbers(int first, int last) {
    std::vector<std::string> texts;
    for (int i = first; i <= last; ++i) texts.push_back(std::to_string(i));
    return texts;
}

// What a subscription was given. Outlives the subscription.
class Given {
public:
    SubscriberCallbacks callbacks() {
        return {[this](const SubscriberEvent& item) {
                    const std::lock_guard lock{mutex_};
                    items_.push_back(item);
                    changed_.notify_all();
                },
                [this] {
                    const std::lock_guard lock{mutex_};
                    ++lives_;
                    changed_.notify_all();
                },
                [this](const Error& why) {
                    const std::lock_guard lock{mutex_};
                    ended_.push_back(why.code);
                    changed_.notify_all();
                }};
    }
    // Waits for so many.
    std::vector<std::string> texts(std::size_t count) {
        std::unique_lock lock{mutex_};
        changed_.wait_for(lock, patience, [&] { return items_.size() >= count; });
        std::vector<std::string> found;
        for (const auto& item : items_) found.push_back(text_of(item));
        return found;
    }
    std::vector<SubscriberEvent> items() {
        const std::lock_guard lock{mutex_};
        return items_;
    }
    std::vector<Errc> ended() {
        const std::lock_guard lock{mutex_};
        return ended_;
    }
    // Waits until it has become live so often.
    bool live(std::size_t times) {
        std::unique_lock lock{mutex_};
        return changed_.wait_for(lock, patience, [&] { return lives_ >= times; });
    }
    std::size_t lives() {
        const std::lock_guard lock{mutex_};
        return lives_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<SubscriberEvent> items_;
    std::vector<Errc> ended_;
    std::size_t lives_ = 0;
};

// What was logged. Its functions may be called from any thread.
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
        std::size_t found = 0;
        for (const auto& line : lines_) found += line.find(part) != std::string::npos ? 1U : 0U;
        return found;
    }

private:
    std::mutex mutex_;
    std::vector<std::string> lines_;
};

inline RedisPublisher publisher(const test::RedisServer& server = shared_server()) {
    RedisPublisherOptions options;
    options.redis = redis_config(server);
    options.registry = registry();
    return RedisPublisher::create(std::move(options)).value();
}

inline RedisSubscriberOptions subscriber_options(const test::RedisServer& server = shared_server()) {
    RedisSubscriberOptions options;
    options.redis = redis_config(server);
    options.registry = registry();
    options.patience = patience;
    return options;
}
inline RedisSubscriber subscriber(const test::RedisServer& server = shared_server()) {
    return RedisSubscriber::create(subscriber_options(server)).value();
}

}  // namespace tidings::client_test
