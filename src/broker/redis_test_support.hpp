#pragma once
// What the tests of the Redis store share: stores on a server, and waiting for what a listener hears.

#include "broker/redis_store.hpp"
#include "store/store_test_support.hpp"
#include "support/redis_server.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace tidings::redis_test {

using namespace store_test;

// Shown with TIDINGS_TEST_LOG.
inline LogSink test_log() {
    return [](LogLevel, std::string_view text, std::initializer_list<LogField> fields) {
        if (std::getenv("TIDINGS_TEST_LOG") == nullptr) return;
        std::string line{text};
        for (const auto& field : fields) line += " " + std::string{field.name} + "=" + field.value;
        std::fputs((line + "\n").c_str(), stderr);
    };
}

inline RedisStoreOptions options_on(const std::string& url, unsigned seed = 1) {
    RedisStoreOptions options;
    options.url = redis::RedisUrl::parse(url).value();
    options.random = seeded(seed);
    options.registry = [registry = std::make_shared<const Registry>()] { return registry; };
    options.open_wait = std::chrono::seconds{30};
    options.log = test_log();
    return options;
}

// Whether it holds within a minute; looked at again and again.
inline bool comes(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes{1};
    while (!holds()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::yield();
    }
    return true;
}

// A store with its listener, opened and watching ann, the topic t and everybody.
struct Member {
    explicit Member(RedisStoreOptions options) : store{make_redis_store(std::move(options))} {
        EXPECT_TRUE(store->open(&heard));
        watch({user("ann"), topic("t"), Audience{}});
    }
    void watch(std::vector<Audience> audiences) {
        const auto watched =
            answer_of<Result<void>>([&](auto done) { store->watch(std::move(audiences), std::move(done)); });
        EXPECT_TRUE(watched) << watched.error().message();
    }
    // A bound, asked for until there is one.
    Bound bound() {
        std::optional<Bound> found;
        EXPECT_TRUE(comes([&] {
            if (auto bound = bound_of(*store)) found = *bound;
            return found.has_value();
        }));
        return found.value_or(Bound{});
    }
    // An append, repeated until it is taken.
    Appended append(AppendItem item) {
        std::optional<Appended> found;
        EXPECT_TRUE(comes([&] {
            if (auto appended = append_one(*store, item)) found = *appended;
            return found.has_value();
        }));
        return found.value_or(Appended{});
    }
    std::size_t heard_entries() const { return heard.copy().size(); }
    int breaks() const {
        const std::lock_guard lock{heard.mutex};
        return heard.breaks;
    }
    // All that the log holds after a position, in one page.
    LogPage log(const Audience& audience, Position after = {}) {
        std::optional<LogPage> whole;
        EXPECT_TRUE(comes([&] {
            ReadRequest request;
            request.logs = {
                {audience, whole && !whole->entries.empty() ? whole->entries.back().position : after}};
            request.bound = bound().position;
            auto pages = read_all(*store, request);
            if (!pages) return false;
            auto& page = pages->at(0);
            const bool more = page.full;
            if (whole) {
                whole->entries.insert(whole->entries.end(), page.entries.begin(), page.entries.end());
            } else {
                whole = std::move(page);
            }
            return !more;
        }));
        return whole.value_or(LogPage{});
    }

    Heard heard;
    std::unique_ptr<Store> store;
};

}  // namespace tidings::redis_test
