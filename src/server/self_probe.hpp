#pragma once
// Proves once a second that an event crosses a shard's whole data path: inbox, reactor, socket (delivery:
// readiness).

#include "net/inbox.hpp"
#include "net/loop.hpp"
#include "net/stream_reactor.hpp"

#include <atomic>
#include <cstdint>

namespace tidings {

// Belongs to one shard; stuck() may be asked from any thread. Its stream is one of the reactor's, over a
// socket pair, with an audience that no client can name.
class SelfProbe {
public:
    SelfProbe(Inbox& inbox, StreamReactor& reactor, Loop& loop)
        : inbox_{inbox}, reactor_{reactor}, loop_{loop} {}
    ~SelfProbe();

    // On the shard's thread, once.
    void start(std::uint64_t now_ms);
    // On the shard's thread, each second.
    void send();
    // Its stream fell behind: no log has its events, so it goes on with the next one. Not from within the
    // reactor's functions.
    void go_on();
    bool stuck(std::uint64_t now_ms) const noexcept;
    // How many streams of the reactor are its own.
    std::size_t streams() const noexcept { return receiver_ >= 0 ? 1 : 0; }
    bool owns(StreamHandle handle) const noexcept { return handle == handle_; }

private:
    void receive();

    Inbox& inbox_;
    StreamReactor& reactor_;
    Loop& loop_;
    StreamHandle handle_{};
    int receiver_ = -1;
    std::atomic<std::uint64_t> passed_ms_{0};
};

}  // namespace tidings
