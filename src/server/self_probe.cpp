#include "server/self_probe.hpp"

#include "server/context.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace tidings {
namespace {

constexpr std::uint64_t bound_ms = 2'000;

const Audience& probe_audience() {
    // '$' stands in no topic that a client can name.
    static const Audience audience{Audience::Kind::topic, "$probe"};
    return audience;
}

}  // namespace

SelfProbe::~SelfProbe() {
    if (receiver_ >= 0) ::close(receiver_);
}

void SelfProbe::start(std::uint64_t now_ms) {
    passed_ms_ = now_ms;
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()) != 0) return;
    StreamSpec spec;
    spec.descriptor = pair[0];
    spec.framing = Framing::close_delimited;
    spec.life = StreamLife::unlimited;
    spec.audiences = {probe_audience()};
    spec.heartbeat = std::chrono::milliseconds{0};
    auto adopted = reactor_.adopt(std::move(spec));
    if (!adopted) {
        ::close(pair[1]);
        return;
    }
    handle_ = *adopted;
    receiver_ = pair[1];
    go_on();
    loop_.watch_readable(receiver_, [this] { receive(); });
}

void SelfProbe::go_on() { reactor_.go_live(handle_, reactor_.hold(), {}, {}); }

void SelfProbe::send() {
    if (receiver_ < 0) return;
    auto batch = std::make_shared<LiveBatch>();
    LiveItem item;
    item.frame = Frame::comment("probe");
    item.audience = probe_audience().text();
    item.retained = false;
    item.slow_reader = SlowReader::drop;
    batch->bytes = item.frame->chunk().size();
    batch->items.push_back(std::move(item));
    inbox_.push(std::move(batch));
}

void SelfProbe::receive() {
    std::array<char, 256> bytes;
    bool any = false;
    while (::recv(receiver_, bytes.data(), bytes.size(), 0) > 0) any = true;
    if (any) passed_ms_.store(steady_ms(), std::memory_order_relaxed);
}

bool SelfProbe::stuck(std::uint64_t now_ms) const noexcept {
    return now_ms > passed_ms_.load(std::memory_order_relaxed) + bound_ms;
}

}  // namespace tidings
