#pragma once
// What the tests of stores share: a hand-moved clock, a folder that removes itself, calls that wait for their
// answer.

#include "store/lmdb_store.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <atomic>
#include <future>
#include <random>

namespace tidings::store_test {

inline constexpr Milliseconds noon = 1'700'000'000'000;

// A folder of this test's own; removed at the end.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name = (parent() / "tidings-store-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"mkdtemp"};
        path_ = name;
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ec;
        std::filesystem::remove_all(path_, ec);
    }
    const std::filesystem::path& path() const { return path_; }

private:
    // In memory where there is room, so that tests of `sync` do not wait for a disk.
    static std::filesystem::path parent() {
        const std::filesystem::path memory = "/dev/shm";
        std::error_code ec;
        const auto room = std::filesystem::space(memory, ec);
        const bool wide = !ec && room.available > (std::uintmax_t{256} << 20);
        return wide ? memory : std::filesystem::temp_directory_path();
    }
    std::filesystem::path path_;
};

// Time that moves by hand; read from the store's threads too.
struct HandClock {
    std::atomic<Milliseconds> now{noon};
    WallClock wall() {
        return [this] { return now.load(); };
    }
};

inline RandomSource seeded(std::uint64_t seed) {
    return [generator = std::make_shared<std::mt19937_64>(seed)] { return (*generator)(); };
}

// Remembers what the listener heard.
struct Heard final : StoreListener {
    void entries(std::span<const Entry> batch) override {
        const std::lock_guard lock{mutex};
        all.insert(all.end(), batch.begin(), batch.end());
        largest_batch = std::max(largest_batch, batch.size());
    }
    void broken(LinkBreak) override {
        const std::lock_guard lock{mutex};
        ++breaks;
    }
    void away(const Error& why) override {
        const std::lock_guard lock{mutex};
        outages.push_back(why);
    }
    void back() override {
        const std::lock_guard lock{mutex};
        ++returns;
    }
    void term_changed(const TermTable& table) override {
        const std::lock_guard lock{mutex};
        terms = table;
    }
    std::vector<Entry> copy() const {
        const std::lock_guard lock{mutex};
        return all;
    }
    mutable std::mutex mutex;
    std::vector<Entry> all;
    std::size_t largest_batch = 0;
    std::vector<Error> outages;
    int returns = 0;
    int breaks = 0;
    TermTable terms;
};

// Waits for the callback of one call.
template <class T, class Call>
T answer_of(Call call) {
    std::promise<T> promise;
    auto future = promise.get_future();
    call([&promise](T value) { promise.set_value(std::move(value)); });
    return future.get();
}

inline AppendResults append_all(Store& store, std::vector<AppendItem> items) {
    return answer_of<AppendResults>([&](auto done) { store.append(std::move(items), std::move(done)); });
}
inline Result<Appended> append_one(Store& store, AppendItem item) {
    std::vector<AppendItem> items;
    items.push_back(std::move(item));
    return append_all(store, std::move(items)).at(0);
}
inline Result<Bound> bound_of(Store& store) {
    return answer_of<Result<Bound>>([&](auto done) { store.bound(std::move(done)); });
}
inline Result<std::vector<LogPage>> read_all(Store& store, ReadRequest request) {
    return answer_of<Result<std::vector<LogPage>>>(
        [&](auto done) { store.read(std::move(request), std::move(done)); });
}
// One log after a position, up to a fresh bound.
inline LogPage read_log(Store& store, const Audience& audience, Position after = {}) {
    ReadRequest request;
    request.logs = {{audience, after}};
    request.bound = bound_of(store).value().position;
    request.page_events = 100'000;
    request.page_bytes = std::size_t{1} << 30;
    return read_all(store, request).value().at(0);
}

inline Audience user(const char* name) { return {Audience::Kind::user, name}; }
inline Audience topic(const char* name) { return {Audience::Kind::topic, name}; }

// A JSON string of so many bytes.
inline std::string json_text(std::size_t bytes, char filler) {
    return '"' + std::string(bytes - 2, filler) + '"';
}

inline AppendItem item_for(Audience audience, std::string data = "{}") {
    AppendItem item;
    item.audience = std::move(audience);
    item.type = "thing.happened";
    item.category = "things";
    item.data = std::move(data);
    return item;
}
inline AppendItem closing(Audience audience) {
    AppendItem item;
    item.audience = std::move(audience);
    item.close = true;
    return item;
}
inline AppendItem with_key(AppendItem item, std::uint8_t key, std::uint8_t body) {
    Idempotency idempotency;
    idempotency.key.fill(key);
    idempotency.body.fill(body);
    item.idempotency = idempotency;
    return item;
}

inline std::vector<std::string> data_of(const LogPage& page) {
    std::vector<std::string> data;
    for (const auto& entry : page.entries) data.push_back(entry.data);
    return data;
}

}  // namespace tidings::store_test
