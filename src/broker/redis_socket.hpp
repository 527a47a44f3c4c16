#pragma once
// Bytes to and from one Redis server or Sentinel, over TCP or TLS.

#include "net/loop.hpp"
#include "redis/redis_url.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace tidings {

// The certificates and the rules of a RedisUrl with TLS, read once. Shared by the sockets of one connection.
class RedisTls;

// Fails with Errc::invalid_field when a file of the URL is not what it should be.
Result<std::shared_ptr<RedisTls>> read_redis_tls(const redis::RedisUrl& url);

// One connection at a time, made, used and closed. Owned by its shell, on its loop's thread. Handlers are
// called from the loop only, never from within a call; after close() or the end of the object none is called
// for what went before.
class RedisSocket {
public:
    struct Handlers {
        std::function<void()> connected;
        enum class Cause : std::uint8_t { passing, lasting };
        std::function<void(std::string why, Cause cause)> failed;  // no connection, or it ended
        std::function<void(std::string_view bytes)> received;      // valid during the call
    };

    RedisSocket(Loop& loop, Handlers handlers);
    ~RedisSocket();
    RedisSocket(const RedisSocket&) = delete;
    RedisSocket& operator=(const RedisSocket&) = delete;

    // Closes what is open and begins anew; `tls` may be null. `server_name` is what the certificate must
    // name.
    void connect(const redis::Endpoint& endpoint, std::shared_ptr<RedisTls> tls, std::string server_name);
    // What is given in one turn of the loop is one write.
    void write(std::string_view bytes);
    void close();
    std::size_t unwritten() const noexcept;  // bytes

private:
    struct Session;
    Loop& loop_;
    std::shared_ptr<Handlers> handlers_;
    std::shared_ptr<Session> session_;
};

}  // namespace tidings
