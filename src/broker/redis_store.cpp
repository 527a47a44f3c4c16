#include "broker/redis_store.hpp"

#include "base/assert.hpp"
#include "broker/redis_core.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace tidings {
namespace {

// The thread and its loop; everything is handed to the core there.
class RedisStore final : public Store {
public:
    explicit RedisStore(RedisStoreOptions options)
        : retention_{options.store.retention},
          foreign_{options.store.foreign_producers == ForeignProducers::retained},
          wait_{options.open_wait},
          log_{options.log},
          core_{std::move(options), loop_} {}
    ~RedisStore() override { RedisStore::close(); }

    Result<void> open(StoreListener* listener) override {
        bool online = false;
        {
            std::unique_lock lock{mutex_};
            TIDINGS_ASSERT(!thread_.joinable() && !closed_);
            thread_ = std::thread{[this] { loop_.run(); }};
            loop_.post([this, listener] {
                core_.start(listener, [this] {
                    const std::lock_guard told{mutex_};
                    online_ = true;
                    changed_.notify_all();
                });
            });
            online = changed_.wait_for(lock, wait_, [this] { return online_; });
        }
        if (!online && log_) {
            log_(LogLevel::warning, "Redis is not there yet; streams and publishes wait for it", {});
        }
        return {};
    }

    void close() override {
        std::unique_lock lock{mutex_};
        if (std::exchange(closed_, true) || !thread_.joinable()) return;
        bool left = false;
        loop_.post([this, &left] {
            core_.stop([this, &left] {
                const std::lock_guard told{mutex_};
                left = true;
                changed_.notify_all();
            });
        });
        changed_.wait(lock, [&left] { return left; });
        // What was posted meanwhile is answered by the closed core before the loop ends.
        lock.unlock();
        loop_.post([this] { loop_.stop(); });
        thread_.join();
    }

    void append(std::vector<AppendItem> batch, Callback<void(AppendResults)> done) override {
        {
            const std::lock_guard lock{mutex_};
            if (!closed_) {
                return loop_.post([this, batch = std::move(batch), done = std::move(done)]() mutable {
                    core_.append(std::move(batch), std::move(done));
                });
            }
        }
        done(AppendResults(batch.size(), Result<Appended>{ended()}));
    }
    void bound(Callback<void(Result<Bound>)> done) override {
        post_or_end(std::move(done), [this](auto callback) { core_.bound(std::move(callback)); });
    }
    void read(ReadRequest request, Callback<void(Result<std::vector<LogPage>>)> done) override {
        post_or_end(std::move(done), [this, request = std::move(request)](auto callback) mutable {
            core_.read(std::move(request), std::move(callback));
        });
    }
    void find(std::vector<Audience> logs, Uuid id,
              Callback<void(Result<std::optional<Position>>)> done) override {
        post_or_end(std::move(done), [this, logs = std::move(logs), id](auto callback) mutable {
            core_.find(std::move(logs), id, std::move(callback));
        });
    }
    void watch(std::vector<Audience> audiences, Callback<void(Result<void>)> done) override {
        post_or_end(std::move(done), [this, audiences = std::move(audiences)](auto callback) mutable {
            core_.watch(std::move(audiences), std::move(callback));
        });
    }
    void unwatch(std::vector<Audience> audiences) override {
        const std::lock_guard lock{mutex_};
        if (!closed_) loop_.post([this, audiences = std::move(audiences)] { core_.unwatch(audiences); });
    }
    bool foreign() const noexcept override { return foreign_; }
    const RetentionPolicy& retention() const noexcept override { return retention_; }
    Figures figures() const override { return core_.figures(); }

private:
    static Error ended() { return {Errc::cancelled, "the store is closed"}; }
    // Posted under the lock, so that nothing is posted behind the end.
    template <class Answer, class Work>
    void post_or_end(Callback<void(Answer)> done, Work work) {
        {
            const std::lock_guard lock{mutex_};
            if (!closed_) {
                return loop_.post(
                    [work = std::move(work), done = std::move(done)]() mutable { work(std::move(done)); });
            }
        }
        done(ended());
    }

    const RetentionPolicy retention_;
    const bool foreign_;
    const std::chrono::milliseconds wait_;
    const LogSink log_;
    Loop loop_;
    RedisCore core_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool online_ = false;
    bool closed_ = false;
    std::thread thread_;
};

}  // namespace

std::unique_ptr<Store> make_redis_store(RedisStoreOptions options) {
    return std::make_unique<RedisStore>(std::move(options));
}

}  // namespace tidings
