#include "net/stream_reactor.hpp"

#include "base/assert.hpp"
#include "fanout/control_events.hpp"
#include "net/socket_options.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace tidings {
namespace {

constexpr std::uint32_t wheel_buckets = 1024;
constexpr Tick linger_ticks = 2;  // 100 ms: a proxy in between may take that long to pass the last bytes on

FramePtr heartbeat_frame(HeartbeatStyle style) {
    switch (style) {
        case HeartbeatStyle::line: return Frame::comment("hb");
        case HeartbeatStyle::block: return Frame::raw(": hb\n\n");
        case HeartbeatStyle::event: return Frame::control("tidings.heartbeat", "{}", std::nullopt);
    }
    return Frame::comment("hb");
}

}  // namespace

StreamReactor::StreamReactor(ReactorOptions options, StreamHost& host, std::uint64_t now_ms)
    : options_{std::move(options)},
      host_{host},
      epoll_{::epoll_create1(EPOLL_CLOEXEC)},
      now_{static_cast<Tick>(now_ms / tick_ms)},
      ring_{options_.limits.ring_events, options_.limits.ring_bytes},
      wheel_{wheel_buckets},
      heartbeat_{heartbeat_frame(options_.delivery.heartbeat_style)},
      end_chunk_{Frame::last_chunk()} {
    TIDINGS_ASSERT(epoll_ >= 0);
    wheel_.start(now_);
}

StreamReactor::~StreamReactor() {
    for_each([](StreamHandle, const StreamRecord& record) {
        if (record.descriptor < 0) return;
        make_close_abrupt(record.descriptor);
        ::close(record.descriptor);
    });
    ::close(epoll_);
}

Result<std::uint32_t> StreamReactor::place(StreamSpec& spec) {
    std::uint32_t index = static_cast<std::uint32_t>(slab_.size());
    if (free_.empty()) {
        slab_.emplace_back();
    } else {
        index = free_.back();
    }
    auto& record = slab_[index];
    if (spec.descriptor >= 0) {
        epoll_event event{};
        // Edge-triggered once and for all: no system call when a stream blocks or goes on.
        event.events = EPOLLOUT | EPOLLRDHUP | EPOLLET;
        event.data.u64 = std::uint64_t{record.generation} << 32 | index;
        if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, spec.descriptor, &event) != 0) {
            const int error = errno;
            ::close(spec.descriptor);
            if (free_.empty()) slab_.pop_back();
            return Error{Errc::overloaded,
                         std::string{"epoll refused the connection: "} + std::strerror(error)};
        }
        if (spec.options == SocketOptions::unset)
            prepare_stream_socket(spec.descriptor, options_.limits, options_.delivery.stall);
    }
    if (!free_.empty()) free_.pop_back();
    record.descriptor = spec.descriptor;
    record.framing = spec.framing;
    record.categories = spec.categories;
    record.subject = spec.subject;
    if (spec.session != 0 || spec.token != 0) {
        marks_.grow_to(index + 1);
        marks_[index] = {spec.session, spec.token};
    }
    record.heartbeat = static_cast<std::uint16_t>(std::min<Tick>(ticks(spec.heartbeat), 0xffff));
    record.last_write = record.last_id = record.progress = now_;
    if (spec.expires_in.count() >= 0) record.expires = after(spec.expires_in);
    const bool limited = spec.life == StreamLife::limited && options_.delivery.lifetime.count() > 0;
    if (limited) record.lifetime = after(options_.delivery.lifetime);
    if (spec.writer) {
        if (writers_.size() <= index) writers_.resize(index + 1);
        writers_[index] = std::move(spec.writer);
        record.writer = true;
    }
    return index;
}

Result<StreamHandle> StreamReactor::adopt(StreamSpec spec) {
    auto placed = place(spec);
    if (!placed) return placed.error();
    auto& record = slab_[*placed];
    record.subscription = table_.hold(std::move(spec.audiences));
    record.state = StreamState::catching_up;
    ++live_count_;
    ++counters_.opened;
    if (spec.opening) hold_back(record, std::move(spec.opening));
    reschedule(*placed);
    return handle_of(*placed);
}

Result<void> StreamReactor::refuse(StreamSpec spec, std::uint32_t retry_ms) {
    auto placed = place(spec);
    if (!placed) return placed.error();
    auto& record = slab_[*placed];
    record.subscription = no_subscription;
    record.state = StreamState::catching_up;
    record.expires = record.lifetime = never;
    ++live_count_;
    end(handle_of(*placed), EndReason::refused, retry_ms);
    return {};
}

void StreamReactor::leave_table(std::uint32_t index) {
    auto& record = slab_[index];
    if (record.subscription == no_subscription) return;
    const bool joined = record.joined;
    const bool watched = record.watched;
    record.joined = record.watched = false;
    if (watched) host_.left(table_.audiences(record.subscription));
    if (joined) {
        table_.leave(
            record.subscription,
            [&](const Member& member) {
                const auto& other = slab_[member.handle];
                return other.generation == member.generation && other.joined;
            },
            [this](AudienceIndex audience) { queue_.restart(audience); });
    }
    table_.release(record.subscription);
    record.subscription = no_subscription;
}

void StreamReactor::release(std::uint32_t index, int keep_descriptor) {
    auto& record = slab_[index];
    wheel_.remove(index, [this](std::uint32_t i) -> WheelLink& { return slab_[i].wheel; });
    leave_table(index);
    drop_output(record);
    if (record.descriptor >= 0) {
        if (keep_descriptor == record.descriptor) {
            ::epoll_ctl(epoll_, EPOLL_CTL_DEL, record.descriptor, nullptr);
        } else {
            ::close(record.descriptor);
        }
    }
    if (record.writer) writers_[index].reset();
    if (index < marks_.size()) marks_[index] = {};
    const std::uint32_t generation = record.generation + 1;
    record = {};
    record.generation = generation;
    free_.push_back(index);
    --live_count_;
}

// The stream is over: tells the shard, then forgets it.
void StreamReactor::over(std::uint32_t index, EndReason reason) {
    auto& record = slab_[index];
    ++counters_.ended[static_cast<std::size_t>(reason)];
    StreamEnd end{handle_of(index), reason, record.subject, -1};
    const bool clean = reason == EndReason::finished;
    if (record.writer) {
        writers_[index]->close(clean ? CloseKind::clean : CloseKind::abort);
    } else if (clean && record.framing == Framing::chunked) {
        end.descriptor = record.descriptor;
    } else if (!clean && record.framing == Framing::close_delimited) {
        // A FIN would look finished to an HTTP/1.0 client, and to a proxy that speaks it to us.
        make_close_abrupt(record.descriptor);
    }
    release(index, end.descriptor);
    host_.ended(end);
}

void StreamReactor::finish(StreamHandle handle, std::vector<FramePtr> frames) {
    if (!alive(handle)) return;
    auto& record = slab_[handle.index];
    record.end_reason = EndReason::finished;
    record.state = StreamState::flushing;
    record.progress = now_;
    leave_table(handle.index);
    if (record.framing == Framing::chunked && !record.writer) frames.push_back(end_chunk_);
    if (send_frames(handle.index, frames) == Sent::gone) return over(handle.index, EndReason::client_gone);
    after_flush(handle.index);
}

void StreamReactor::end(StreamHandle handle, EndReason reason, std::uint32_t retry_ms) {
    if (!alive(handle)) return;
    auto& record = slab_[handle.index];
    if (record.state == StreamState::flushing || record.state == StreamState::lingering) return;
    record.end_reason = reason;
    if (reason == EndReason::stalled || reason == EndReason::stopped) {
        if (record.descriptor >= 0) make_close_abrupt(record.descriptor);
        return over(handle.index, reason);
    }
    record.state = StreamState::flushing;
    record.progress = now_;
    leave_table(handle.index);
    const FramePtr retry = Frame::retry(retry_ms != 0 ? retry_ms : draw_retry());
    const std::array frames{retry};
    if (send_frames(handle.index, frames) == Sent::gone) return over(handle.index, EndReason::client_gone);
    after_flush(handle.index);
}

// The last bytes have left (or wait in the output): on to the next stage of the end.
void StreamReactor::after_flush(std::uint32_t index) {
    auto& record = slab_[index];
    if (record.state == StreamState::flushing && !record.blocked) {
        if (record.end_reason == EndReason::finished) return over(index, EndReason::finished);
        record.state = StreamState::lingering;
        record.progress = now_;
    }
    reschedule(index);
}

bool StreamReactor::note_watched(StreamHandle handle) {
    if (!alive(handle) || slab_[handle.index].subscription == no_subscription) return false;
    slab_[handle.index].watched = true;
    return true;
}

void StreamReactor::note_closed(std::span<const Audience> topics) {
    for (const auto& topic : topics) {
        const auto audience = table_.find(topic.text());
        if (audience != no_audience) table_.mark(audience, TopicState::closed);
    }
}

void StreamReactor::checkpoint(Position prefix, std::uint32_t tag) {
    checkpoint_prefix_ = prefix;
    checkpoint_tag_ = tag;
    checkpoint_ = control::checkpoint(EventId{prefix, tag, 0}.uuid());
}

void StreamReactor::poll(std::uint64_t now_ms) {
    now_ = std::max(now_, static_cast<Tick>(now_ms / tick_ms));
    std::array<epoll_event, 256> events;
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        const StreamHandle handle{static_cast<std::uint32_t>(event.data.u64),
                                  static_cast<std::uint32_t>(event.data.u64 >> 32)};
        if (!alive(handle)) continue;
        if ((event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
            peer_gone(handle);
        } else if (slab_[handle.index].blocked) {
            progress(handle.index);
        }
    }
}

void StreamReactor::writable(StreamHandle handle) {
    if (alive(handle) && slab_[handle.index].blocked) progress(handle.index);
}

void StreamReactor::peer_gone(StreamHandle handle) {
    if (!alive(handle)) return;
    const auto& record = slab_[handle.index];
    // While it lingers everything has been said: how it ends was decided before the client went.
    const bool said = record.state == StreamState::lingering;
    over(handle.index, said ? record.end_reason : EndReason::client_gone);
}

bool StreamReactor::alive(StreamHandle handle) const noexcept {
    return handle.index < slab_.size() && slab_[handle.index].generation == handle.generation &&
           slab_[handle.index].state != StreamState::free;
}

StreamState StreamReactor::state(StreamHandle handle) const noexcept {
    return alive(handle) ? slab_[handle.index].state : StreamState::free;
}

std::vector<Audience> StreamReactor::audiences_of(StreamHandle handle) const {
    const auto subscription = slab_[handle.index].subscription;
    return subscription == no_subscription ? std::vector<Audience>{} : table_.audiences(subscription);
}

CredentialMarks StreamReactor::marks_of(StreamHandle handle) const noexcept {
    return alive(handle) && handle.index < marks_.size() ? marks_[handle.index] : CredentialMarks{};
}

std::size_t StreamReactor::memory_bytes() const noexcept {
    return slab_.memory_bytes() + marks_.memory_bytes() + table_.memory_bytes() + wheel_.memory_bytes() +
           free_.capacity() * sizeof(free_[0]) + queue_.memory_bytes();
}

void StreamReactor::reconfigure(const DeliveryConfig& delivery, const Limits& limits) {
    options_.delivery = delivery;
    options_.limits = limits;
    heartbeat_ = heartbeat_frame(delivery.heartbeat_style);
}

std::uint32_t StreamReactor::draw_retry() {
    const auto least = static_cast<std::uint64_t>(options_.delivery.retry_min.count());
    const auto most = static_cast<std::uint64_t>(options_.delivery.retry_max.count());
    const std::uint64_t random = options_.random ? options_.random() : 0;
    return static_cast<std::uint32_t>(most > least ? least + random % (most - least + 1) : least);
}

// ---- deadlines
// --------------------------------------------------------------------------------------------------

Tick StreamReactor::ticks(std::chrono::milliseconds duration) const noexcept {
    return static_cast<Tick>((static_cast<std::uint64_t>(duration.count()) + tick_ms - 1) / tick_ms);
}

// A moment that ticks cannot count, years from now, is never.
Tick StreamReactor::after(std::chrono::milliseconds duration) const noexcept {
    const auto most = std::chrono::milliseconds{std::uint64_t{never - now_ - 1} * tick_ms};
    return duration < most ? now_ + ticks(duration) : never;
}

void StreamReactor::reschedule(std::uint32_t index) {
    const auto& record = slab_[index];
    Tick next = never;
    const auto consider = [&](Tick tick) { next = std::min(next, tick); };
    if (record.state == StreamState::lingering) {
        consider(record.progress + linger_ticks);
    } else if (record.blocked) {
        consider(record.progress + ticks(options_.delivery.stall));
    } else if (record.heartbeat > 0) {
        consider(record.last_write + record.heartbeat);
    }
    if (record.state == StreamState::live || record.state == StreamState::catching_up) {
        if (record.state == StreamState::live) consider(record.last_id + ticks(options_.checkpoint_after));
        if (record.expires != never) {
            const Tick notice = ticks(options_.expiry_notice);
            const Tick warning = record.expires > notice ? record.expires - notice : 0;
            consider(record.warned ? record.expires : warning);
        }
        consider(record.lifetime);
    }
    if (next == never) return;
    wheel_.schedule(index, next, [this](std::uint32_t i) -> WheelLink& { return slab_[i].wheel; });
}

void StreamReactor::tick(std::uint64_t now_ms) {
    now_ = std::max(now_, static_cast<Tick>(now_ms / tick_ms));
    wheel_.advance(
        now_, [this](std::uint32_t i) -> WheelLink& { return slab_[i].wheel; },
        [this](std::uint32_t index) { due(index); });
    send_heartbeats();
}

void StreamReactor::due(std::uint32_t index) {
    if (slab_[index].state == StreamState::free || due_end(index)) return;
    const StreamHandle handle = handle_of(index);
    due_words(index);
    if (alive(handle)) reschedule(index);
}

// Ends what is at its end. True: nothing else is to be done for it now.
bool StreamReactor::due_end(std::uint32_t index) {
    auto& record = slab_[index];
    const StreamHandle handle = handle_of(index);
    if (record.state == StreamState::lingering) {
        const bool taken = record.framing == Framing::chunked || record.writer ||
                           unsent_bytes(record.descriptor) == 0 ||
                           now_ - record.progress > ticks(options_.delivery.stall);
        if (now_ - record.progress < linger_ticks || !taken) {
            wheel_.schedule(index, now_ + 1,
                            [this](std::uint32_t i) -> WheelLink& { return slab_[i].wheel; });
            return true;
        }
        over(index, record.end_reason);
        return true;
    }
    if (record.blocked && now_ - record.progress >= ticks(options_.delivery.stall)) {
        // Nothing can be said to a reader that takes nothing.
        if (record.descriptor >= 0) make_close_abrupt(record.descriptor);
        over(index, EndReason::stalled);
        return true;
    }
    if (record.state == StreamState::flushing) return false;
    if (record.expires <= now_) {
        end(handle, EndReason::expired);
        return true;
    }
    if (record.lifetime <= now_) {
        end(handle, EndReason::lifetime);
        return true;
    }
    return false;
}

// Says what is due on a stream that lives on.
void StreamReactor::due_words(std::uint32_t index) {
    auto& record = slab_[index];
    if (record.state != StreamState::live && record.state != StreamState::catching_up) return;
    std::vector<FramePtr> frames;
    if (!record.warned && record.expires != never && record.expires <= now_ + ticks(options_.expiry_notice)) {
        record.warned = true;
        const std::chrono::milliseconds left{std::uint64_t{record.expires - now_} * tick_ms};
        const Timestamp wall = options_.wall ? options_.wall() : Timestamp{};
        frames.push_back(control::expiring(wall + left));
    }
    if (record.blocked) {
        append_output(index, frames);
        return;
    }
    const auto waiting = record.state == StreamState::live ? first_waiting(record) : std::nullopt;
    const bool quiet = record.state == StreamState::live && !waiting;
    // Should these words block it, it goes on here.
    if (quiet) record.ring_next = ring_.end();
    if (waiting) {
        record.ring_next = waiting->place;
        record.cursor = std::max(record.cursor, waiting->before);
    }
    if (quiet && checkpoint_ && checkpoint_prefix_ >= record.cursor &&
        now_ - record.last_id >= ticks(options_.checkpoint_after)) {
        record.cursor = checkpoint_prefix_;
        record.last_id = now_;
        ++counters_.checkpoints;
        frames.push_back(checkpoint_);
    }
    if (frames.empty() && record.heartbeat > 0 && now_ - record.last_write >= record.heartbeat) {
        beats_.push_back(handle_of(index));
    }
    if (!frames.empty() && send_frames(index, frames) == Sent::gone) over(index, EndReason::client_gone);
}

}  // namespace tidings
