#include "net/loop.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <list>
#include <utility>

namespace tidings {
namespace asio = boost::asio;

namespace {

struct Periodic {
    asio::steady_timer timer;
    std::chrono::milliseconds period;
    Callback<void()> work;

    void arm() {
        timer.expires_after(period);
        timer.async_wait([this](const boost::system::error_code& ec) {
            if (ec) return;
            work();
            arm();
        });
    }
};

struct Watched {
    asio::posix::stream_descriptor descriptor;
    Callback<void()> ready;

    void arm() {
        descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                              [this](const boost::system::error_code& ec) {
                                  if (ec) return;
                                  ready();
                                  arm();
                              });
    }
};

}  // namespace

struct Loop::Impl {
    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> guard{context.get_executor()};
    std::list<Periodic> periodics;
    std::list<Watched> watched;
    std::array<char, 16 * 1024> scratch;
};

Loop::Loop() : impl_{std::make_unique<Impl>()} {}

Loop::~Loop() {
    // The descriptors are their owners': they are let go, not closed.
    for (auto& watched : impl_->watched) watched.descriptor.release();
}

void Loop::post(Callback<void()> work) { asio::post(impl_->context, std::move(work)); }

void Loop::later(std::chrono::milliseconds delay, Callback<void()> work) {
    // Owned by its own handler: it lives exactly as long as the wait does.
    auto timer = std::make_unique<asio::steady_timer>(impl_->context, delay);
    auto& waiting = *timer;
    waiting.async_wait(
        [timer = std::move(timer), work = std::move(work)](const boost::system::error_code& ec) mutable {
            if (!ec) work();
        });
}

void Loop::every(std::chrono::milliseconds period, Callback<void()> work) {
    impl_->periodics.push_back({asio::steady_timer{impl_->context}, period, std::move(work)});
    impl_->periodics.back().arm();
}

void Loop::watch_readable(int descriptor, Callback<void()> ready) {
    impl_->watched.push_back({asio::posix::stream_descriptor{impl_->context, descriptor}, std::move(ready)});
    impl_->watched.back().arm();
}

void Loop::run() { impl_->context.run(); }

void Loop::stop() { impl_->context.stop(); }

std::span<char> Loop::scratch() noexcept { return impl_->scratch; }

boost::asio::io_context& Loop::context() noexcept { return impl_->context; }

}  // namespace tidings
