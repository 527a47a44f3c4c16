#include "broker/redis_connection.hpp"

#include "base/assert.hpp"
#include "broker/redis_socket.hpp"
#include "redis/sentinel.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <deque>
#include <optional>
#include <random>
#include <utility>

namespace tidings {
namespace {

using redis::RedisLink;
using redis::RedisLinkOptions;
using redis::ReplyError;
using redis::SentinelAction;
using redis::SentinelInput;
using redis::Value;
using std::chrono::milliseconds;

milliseconds now() {
    return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

RedisLink::Failed::Cause cause_of(RedisSocket::Handlers::Cause cause) {
    return cause == RedisSocket::Handlers::Cause::lasting ? RedisLink::Failed::Cause::lasting
                                                          : RedisLink::Failed::Cause::passing;
}

RedisLinkOptions seeded(RedisLinkOptions options) {
    if (options.seed == 0) options.seed = std::random_device{}();
    return options;
}

// Opens a socket as the URL says. The files of TLS are read each time, so that new ones count.
void open(RedisSocket& socket, const redis::RedisUrl& url, const redis::Endpoint& endpoint,
          const std::function<void(const Error&)>& failed) {
    std::shared_ptr<RedisTls> tls;
    if (url.tls == redis::RedisUrl::Tls::on) {
        auto read = read_redis_tls(url);
        if (!read) return failed(read.error());
        tls = std::move(*read);
    }
    socket.connect(endpoint, std::move(tls), url.server_name.empty() ? endpoint.host : url.server_name);
}

bool is_pong(const Value& value) { return value.is_status("PONG") || value.at(0).text_or_empty() == "pong"; }

// A conversation with Sentinels: the socket of a machine.
class SentinelTalk {
public:
    using Step = std::function<SentinelAction(const SentinelInput::Any&)>;
    using Outcome = std::function<void(const SentinelAction&)>;
    // Keeps the owner, and so this, until the handler that is running has ended.
    using Hold = std::function<std::shared_ptr<void>()>;

    SentinelTalk(Loop& loop, const redis::RedisUrl& url, Step step, Outcome outcome, Hold hold)
        : url_{url},
          step_{std::move(step)},
          outcome_{std::move(outcome)},
          socket_{loop,
                  {.connected =
                       [this, hold] {
                           const auto held = hold();
                           take(SentinelInput::Connected{});
                       },
                   .failed =
                       [this, hold](const std::string& why, RedisSocket::Handlers::Cause) {
                           const auto held = hold();
                           take(SentinelInput::Failed{why});
                       },
                   .received =
                       [this, hold](std::string_view bytes) {
                           const auto held = hold();
                           received(bytes);
                       }}} {}

    void take(const SentinelInput::Any& input) { perform(step_(input)); }

    void perform(const SentinelAction& action) {
        switch (action.what) {
            case SentinelAction::Do::none: break;
            case SentinelAction::Do::connect:
                close();
                open(socket_, url_, action.endpoint,
                     [this](const Error& error) { take(SentinelInput::Failed{error.detail}); });
                break;
            case SentinelAction::Do::write: socket_.write(action.bytes); break;
            case SentinelAction::Do::close: close(); break;
            case SentinelAction::Do::found:
            case SentinelAction::Do::failed: close(); break;
            case SentinelAction::Do::moved: break;
        }
        outcome_(action);
    }

    void close() {
        ++epoch_;
        socket_.close();
        reader_ = redis::RespReader{limits};
    }

private:
    static constexpr redis::ReplyLimits limits{.bytes = 1024 * 1024, .elements = 16 * 1024};

    void received(std::string_view bytes) {
        const auto epoch = epoch_;
        const auto fed = reader_.feed(bytes);
        while (auto value = reader_.next()) {
            take(SentinelInput::Reply{std::move(*value)});
            if (epoch != epoch_) return;
        }
        if (!fed) take(SentinelInput::Failed{fed.error().detail});
    }

    const redis::RedisUrl& url_;
    Step step_;
    Outcome outcome_;
    redis::RespReader reader_{limits};
    std::uint64_t epoch_ = 0;  // of the connection
    RedisSocket socket_;
};

}  // namespace

struct RedisConnection::Impl : std::enable_shared_from_this<RedisConnection::Impl> {
    Impl(Loop& its_loop, RedisLinkOptions its_options, Handlers its_handlers, LogSink its_log)
        : loop{its_loop},
          options{seeded(std::move(its_options))},
          handlers{std::move(its_handlers)},
          log{std::move(its_log)},
          link{options},
          reader{options.replies},
          search{options.url},
          watch{options.url},
          timer{loop.context()} {}

    // Handlers of the members below cannot outlive them, but may destroy their owner: each holds it.
    void open_sockets() {
        socket.emplace(
            loop, RedisSocket::Handlers{
                      .connected = [this] { entered([&] { step(RedisLink::Connected{}); }); },
                      .failed =
                          [this](const std::string& why, RedisSocket::Handlers::Cause cause) {
                              entered([&] { step(RedisLink::Failed{why, cause_of(cause)}); });
                          },
                      .received = [this](std::string_view bytes) { entered([&] { received(bytes); }); }});
        if (options.url.topology != redis::RedisUrl::Topology::sentinel) return;
        searching.emplace(
            loop, options.url, [this](const SentinelInput::Any& input) { return search.step(now(), input); },
            [this](const SentinelAction& action) { entered([&] { searched(action); }); },
            [this] { return shared_from_this(); });
        watching.emplace(
            loop, options.url, [this](const SentinelInput::Any& input) { return watch.step(now(), input); },
            [this](const SentinelAction& action) { entered([&] { watched(action); }); },
            [this] { return shared_from_this(); });
    }

    template <class Work>
    void entered(Work work) {
        const auto self = shared_from_this();
        work();
        arm();
    }

    void step(const RedisLink::Input& input) { perform(link.step(now(), input)); }

    void perform(RedisLink::Action action) {
        if (action.log && log) log(action.log->level, action.log->text, {});
        switch (action.what) {
            case RedisLink::Do::none: return;
            case RedisLink::Do::find: return searching->perform(search.start(now()));
            case RedisLink::Do::connect:
                return open(*socket, options.url, action.endpoint, [this](const Error& error) {
                    step(RedisLink::Failed{error.detail, RedisLink::Failed::Cause::lasting});
                });
            case RedisLink::Do::write: return ask(std::move(action.bytes), action.replies);
            case RedisLink::Do::ready: return become_ready();
            case RedisLink::Do::close:
                return close({Errc::connection_failed, "the link to Redis broke: " + link.cause()});
        }
    }

    // The machine's own questions.
    void ask(std::string bytes, std::size_t replies) {
        if (ready && options.use == RedisLinkOptions::Use::subscriber) {
            pings += replies;
        } else {
            expected.push_back({.left = replies, .asker = Asker::machine});
        }
        socket->write(bytes);
    }

    void become_ready() {
        ready = true;
        if (watching) {
            const auto endpoint = found.value_or(redis::Endpoint{});
            watching->perform(watch.start(now(), search.sentinels(), endpoint));
        }
        if (ready && handlers.ready) handlers.ready(link.server());
    }

    void close(const Error& why) {
        ++epoch;
        const bool was_ready = std::exchange(ready, false);
        socket->close();
        search.stop();
        if (searching) searching->close();
        watch.stop();
        if (watching) watching->close();
        reader = redis::RespReader{options.replies};
        pings = 0;
        doomed.reset();
        for (auto& one : std::exchange(expected, {})) {
            if (one.asker == Asker::user && !abandoned) one.done(why);
        }
        if (was_ready && !stopped && handlers.lost) handlers.lost(why);
    }

    void received(std::string_view bytes) {
        const auto its_epoch = epoch;
        step(RedisLink::Received{});
        const auto fed = reader.feed(bytes);
        while (auto value = reader.next()) {
            take(std::move(*value));
            if (its_epoch != epoch) return;
        }
        if (!fed) step(RedisLink::Failed{fed.error().detail});
    }

    void take(Value value) {
        if (ready && options.use == RedisLinkOptions::Use::subscriber) return push(std::move(value));
        if (expected.empty()) return step(RedisLink::Failed{"an answer came that nobody asked for"});
        Expected& front = expected.front();
        if (front.asker == Asker::machine) {
            if (--front.left == 0) expected.pop_front();
            return step(RedisLink::Reply{std::move(value)});
        }
        note_doom(value);
        front.got.push_back(std::move(value));
        if (--front.left > 0) return;
        Expected answered = std::move(front);
        expected.pop_front();
        const auto its_epoch = epoch;
        answered.done(std::move(answered.got));
        if (its_epoch == epoch && doomed) fail(*doomed);
    }

    void push(Value value) {
        if (pings > 0 && is_pong(value)) {
            --pings;
            return;
        }
        if (value.is_error()) return fail(redis::classify(value.text));
        if (handlers.pushed) handlers.pushed(std::move(value));
    }

    void fail(const ReplyError& error) {
        step(RedisLink::Failed{error.error().detail, error.retry == ReplyError::Retry::later
                                                         ? RedisLink::Failed::Cause::lasting
                                                         : RedisLink::Failed::Cause::passing});
    }

    // Also within the answer of a transaction.
    void note_doom(const Value& value) {
        if (value.is_error()) {
            auto error = redis::classify(value.text);
            if (error.link == ReplyError::Link::break_it && !doomed) doomed = std::move(error);
        }
        for (const auto& item : value.items) {
            if (item.is_error()) note_doom(item);
        }
    }

    void searched(const SentinelAction& action) {
        if (action.what == SentinelAction::Do::found) {
            found = action.endpoint;
            step(RedisLink::Found{action.endpoint});
        }
        if (action.what == SentinelAction::Do::failed) step(RedisLink::Failed{action.why});
    }

    void watched(const SentinelAction& action) {
        if (action.what != SentinelAction::Do::moved) return;
        step(RedisLink::Failed{"the Sentinels moved the master to " + action.endpoint.address()});
    }

    // One timer for all three machines.
    void arm() {
        if (stopped) return;
        std::optional<milliseconds> wake = link.wake_at();
        for (const auto other : {search.wake_at(), watch.wake_at()}) {
            if (other && (!wake || *other < *wake)) wake = other;
        }
        if (wake == armed) return;
        armed = wake;
        timer.cancel();
        if (!wake) return;
        timer.expires_at(std::chrono::steady_clock::time_point{*wake});
        timer.async_wait([weak = weak_from_this()](const boost::system::error_code& ec) {
            const auto self = weak.lock();
            if (ec || !self || self->stopped) return;
            self->armed.reset();
            self->entered([&] { self->tick(); });
        });
    }

    void tick() {
        step(RedisLink::Tick{});
        if (searching && search.wake_at()) searching->take(SentinelInput::Tick{});
        if (watching && watch.wake_at()) watching->take(SentinelInput::Tick{});
    }

    void refuse(Replies done, Error error) {
        loop.post([weak = weak_from_this(), done = std::move(done), error = std::move(error)]() mutable {
            const auto self = weak.lock();
            if (self && !self->abandoned) done(std::move(error));
        });
    }

    enum class Asker : std::uint8_t { machine, user };
    struct Expected {
        std::size_t left = 0;
        Asker asker = Asker::user;
        Replies done{};
        std::vector<Value> got{};
    };

    Loop& loop;
    RedisLinkOptions options;
    Handlers handlers;
    LogSink log;
    RedisLink link;
    redis::RespReader reader;
    redis::SentinelSearch search;
    redis::SentinelWatch watch;
    boost::asio::steady_timer timer;
    std::optional<milliseconds> armed;
    std::optional<redis::Endpoint> found;
    std::deque<Expected> expected;  // unanswered, oldest first; bounded by output_bytes_max and the server
    std::size_t pings = 0;          // of the machine, on a subscriber
    std::optional<ReplyError> doomed;
    std::uint64_t epoch = 0;  // of the connection
    bool ready = false;
    bool stopped = false;
    bool abandoned = false;  // its owner has destroyed it
    std::optional<RedisSocket> socket;
    std::optional<SentinelTalk> searching;
    std::optional<SentinelTalk> watching;
};

RedisConnection::RedisConnection(Loop& loop, RedisLinkOptions options, Handlers handlers, LogSink log)
    : impl_{std::make_shared<Impl>(loop, std::move(options), std::move(handlers), std::move(log))} {
    impl_->open_sockets();
}

RedisConnection::~RedisConnection() {
    impl_->abandoned = true;
    stop();
}

void RedisConnection::start() {
    impl_->entered([&] { impl_->step(RedisLink::Start{}); });
}

void RedisConnection::stop() {
    const auto self = impl_;
    self->stopped = true;
    self->link.step(now(), RedisLink::Stop{});
    self->timer.cancel();
    self->close({Errc::cancelled, "the link to Redis was ended by its owner"});
}

void RedisConnection::hurry() {
    impl_->entered([&] { impl_->step(RedisLink::Hurry{}); });
}

bool RedisConnection::is_ready() const noexcept { return impl_->ready; }

void RedisConnection::send(std::string bytes, std::size_t replies, Replies done) {
    TIDINGS_ASSERT(replies > 0);
    Impl& self = *impl_;
    if (!self.ready) {
        return self.refuse(std::move(done),
                           {Errc::connection_failed, "there is no link to Redis: " + cause()});
    }
    if (self.socket->unwritten() + bytes.size() > self.options.output_bytes_max) {
        return self.refuse(std::move(done), {Errc::overloaded, "too much waits to be written to Redis"});
    }
    self.expected.push_back({.left = replies, .asker = Impl::Asker::user, .done = std::move(done)});
    self.socket->write(bytes);
}

void RedisConnection::push_command(std::string bytes) {
    Impl& self = *impl_;
    if (!self.ready) return;
    if (self.socket->unwritten() + bytes.size() > self.options.output_bytes_max) {
        return break_link({Errc::overloaded, "too much waits to be written to Redis"});
    }
    self.socket->write(bytes);
}

void RedisConnection::break_link(const Error& why) {
    impl_->entered([&] { impl_->step(RedisLink::Failed{why.detail.empty() ? why.message() : why.detail}); });
}

const redis::ServerInfo& RedisConnection::server() const noexcept { return impl_->link.server(); }
const std::string& RedisConnection::cause() const noexcept { return impl_->link.cause(); }

}  // namespace tidings
