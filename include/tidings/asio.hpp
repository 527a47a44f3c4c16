#pragma once
// Optional: the callback functions of redis.hpp as Asio operations, so that an embedder may wait for them
// with any completion token: a handler, use_future, or coroutines of its own compiler. Header only; compiled
// with the embedder's Boost.Asio, which the other headers do not need.
//
// A handler is called on its associated executor (by default the system executor's threads), never from
// within the initiating function, and keeps that executor at work until then. The objects outlive the
// operation. There is no cancellation of single operations: EventStream::stop() and the end of the publisher
// or subscriber end what is pending, with what the function says for that case.

#include <tidings/redis.hpp>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/system_executor.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace tidings {

namespace detail {

// A handler, which may be only movable, as a std::function.
template <class Value, class Handler>
std::function<void(Value)> completion(Handler handler) {
    auto executor = boost::asio::get_associated_executor(handler, boost::asio::system_executor{});
    auto work = boost::asio::prefer(executor, boost::asio::execution::outstanding_work.tracked);
    using Work = decltype(work);
    struct Held {
        Handler handler;
        Work work;
    };
    // Shared, because a std::function can be copied; used once.
    auto held = std::make_shared<Held>(Held{std::move(handler), std::move(work)});
    return [held](Value value) {
        boost::asio::post(held->work, [held, value = std::move(value)]() mutable {
            auto last = std::move(held->handler);
            held.reset();  // the work ends before the handler runs
            std::move(last)(std::move(value));
        });
    };
}

}  // namespace detail

// Completes with MissedEvents.
template <class Token>
auto async_missed_events(RedisSubscriber& subscriber, UserId user, std::string last_event_id,
                         CategoryFilter categories, Token&& token) {
    return boost::asio::async_initiate<Token, void(MissedEvents)>(
        [&subscriber](auto handler, const UserId& whose, const std::string& id,
                      const CategoryFilter& filter) {
            subscriber.missed_events(whose, id, filter, detail::completion<MissedEvents>(std::move(handler)));
        },
        token, std::move(user), std::move(last_event_id), std::move(categories));
}

// Completes with Result<SubscriberEvent>. One at a time.
template <class Token>
auto async_next(EventStream& stream, Token&& token) {
    return boost::asio::async_initiate<Token, void(Result<SubscriberEvent>)>(
        [&stream](auto handler) {
            stream.next(detail::completion<Result<SubscriberEvent>>(std::move(handler)));
        },
        token);
}

// Completes with true: everything queued before was sent or has failed; false: the time was up before.
template <class Token>
auto async_flush(RedisPublisher& publisher, std::chrono::milliseconds timeout, Token&& token) {
    return boost::asio::async_initiate<Token, void(bool)>(
        [&publisher](auto handler, std::chrono::milliseconds limit) {
            publisher.flush(limit, detail::completion<bool>(std::move(handler)));
        },
        token, timeout);
}

}  // namespace tidings
