#pragma once
// A link to Redis that comes back by itself.

#include "base/callback.hpp"
#include "net/loop.hpp"
#include "redis/link.hpp"

#include <tidings/log.hpp>
#include <tidings/result.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tidings {

// Obeys a RedisLink: connects (over TLS, or to the master that Sentinels name), answers for its health,
// breaks and returns. Owned by one object on the loop's thread, which alone may call it; every handler and
// callback runs there. It may be destroyed within one of them, and before its loop is.
class RedisConnection {
public:
    struct Handlers {
        // The link may be used: again, after each lost().
        std::function<void(const redis::ServerInfo&)> ready{};
        // The link that was ready is broken; everything unanswered has heard so before. It comes back by
        // itself.
        std::function<void(const Error&)> lost{};
        // A subscriber's messages and confirmations, in order. Never an error: those break the link.
        std::function<void(redis::Value)> pushed{};
    };
    using Replies = Callback<void(Result<std::vector<redis::Value>>)>;

    RedisConnection(Loop& loop, redis::RedisLinkOptions options, Handlers handlers, LogSink log);
    // Drops what is unanswered: no callback and no handler runs any more.
    ~RedisConnection();
    RedisConnection(const RedisConnection&) = delete;
    RedisConnection& operator=(const RedisConnection&) = delete;

    void start();
    // Ends the link for good. Everything unanswered gets Errc::cancelled before this returns; lost() is not
    // called.
    void stop();
    bool is_ready() const noexcept;
    // The cause of a broken link may have gone, as when another link to the same server came up: it is tried
    // now. Nothing if the link stands or is being made.
    void hurry();

    // Sends commands, which bring `replies` replies; `done` gets them all, in order, error replies among
    // them. Fails, and `done` is called later and not within this call, with Errc::connection_failed if there
    // is no link, or if it breaks before the last reply: then what was sent may have been carried out. With
    // Errc::overloaded, and nothing is sent, if more than output_bytes_max would wait to be written.
    // A reply that says that the server is of no more use (READONLY) is given to `done`, then the link
    // breaks.
    void send(std::string bytes, std::size_t replies, Replies done);
    // Sends what is answered through pushed(): SUBSCRIBE, UNSUBSCRIBE. Without a link it does nothing. Too
    // many bytes break the link.
    void push_command(std::string bytes);
    // Breaks a link that is ready, or being made; lost() is called before this returns. The next is made
    // after the usual back-off.
    void break_link(const Error& why);

    // Of the link that is, or was last, ready.
    const redis::ServerInfo& server() const noexcept;
    // Why there was no link last, for a person; empty as long as all was well.
    const std::string& cause() const noexcept;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;  // shared with the handler that is running, which may destroy this
};

}  // namespace tidings
