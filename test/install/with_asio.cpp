// The optional adapter with the consumer's own, header-only Asio.
#include <tidings/asio.hpp>

#include <boost/asio/use_future.hpp>

#include <chrono>

bool flushes_with_a_future() {
    tidings::RedisPublisherOptions options;
    options.redis.url = "redis://127.0.0.1:1";
    options.shutdown = std::chrono::milliseconds{1};
    auto publisher = tidings::RedisPublisher::create(std::move(options));
    if (!publisher) return false;
    auto flushed = tidings::async_flush(*publisher, std::chrono::seconds{10}, boost::asio::use_future);
    return flushed.get();  // nothing was queued
}
