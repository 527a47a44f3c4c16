#include "client/redis_test_support.hpp"

#include <tidings/asio.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <thread>

namespace tidings {
namespace {

using namespace client_test;

TEST(AsioAdapter, GivesFutures) {
    auto redis = publisher();
    auto events = subscriber();
    auto stream = events.events(ann);
    ASSERT_TRUE(stream.wait_live(patience));
    auto first = async_next(stream, boost::asio::use_future);
    redis.publish_to_user(ann, draft(1));
    redis.publish_to_user(ann, draft(2));
    EXPECT_TRUE(async_flush(redis, patience, boost::asio::use_future).get());
    const auto event = first.get().value();
    EXPECT_EQ(text_of(event), "1");
    const auto id = std::get<Event>(event).id.text();
    auto missed = async_missed_events(events, ann, id, {}, boost::asio::use_future);
    EXPECT_EQ(texts_of(missed.get().events), (std::vector<std::string>{"2"}));
}

TEST(AsioAdapter, CallsAHandlerThatCanOnlyBeMovedOnItsExecutorWhichItKeepsAtWork) {
    auto redis = publisher();
    boost::asio::io_context context;
    auto owned = std::make_unique<bool>(false);
    std::thread::id where;
    async_flush(redis, patience,
                boost::asio::bind_executor(context, [&where, owned = std::move(owned)](bool whole) {
                    *owned = whole;
                    where = std::this_thread::get_id();
                }));
    EXPECT_GE(context.run(), 1U);
    EXPECT_EQ(where, std::this_thread::get_id());
}

TEST(AsioAdapter, StoppingAStreamCompletesWhatWaitsForIt) {
    auto events = subscriber();
    auto stream = events.events(ann);
    auto next = async_next(stream, boost::asio::use_future);
    stream.stop();
    EXPECT_EQ(next.get().error().code, Errc::cancelled);
}

}  // namespace
}  // namespace tidings
