// The write path of the StreamReactor: frames to sockets, and what is kept when a socket takes no more.

#include "base/assert.hpp"
#include "fanout/conflation.hpp"
#include "fanout/control_events.hpp"
#include "fanout/lag_policy.hpp"
#include "net/stream_reactor.hpp"

#include <algorithm>
#include <array>

namespace tidings {
namespace {

constexpr std::size_t pieces_max = 64;  // frames in one write

}  // namespace

std::string_view StreamReactor::bytes_of(const StreamRecord& record, const Frame& frame) const noexcept {
    return record.framing == Framing::chunked && !record.writer ? frame.chunk() : frame.text();
}

// Bytes taken; 0: it would block; -1: the peer is gone.
std::ptrdiff_t StreamReactor::put(const StreamRecord& record, std::uint32_t index,
                                  std::span<const iovec> pieces) {
    ++counters_.writes;
    if (record.writer) return writers_[index]->write(pieces);
    SendOp op{record.descriptor, pieces, 0};
    sends().send({&op, 1});
    return op.taken;
}

SendBackend& StreamReactor::sends() {
    if (!sends_) sends_ = make_sends(options_.send_path);
    return *sends_;
}

StreamReactor::Lane::Lane(const AudienceNews* its, std::uint64_t from) : news{its}, at{0} {
    // Almost every stream has had everything before.
    if (its->places.front() >= from) return;
    at = static_cast<std::size_t>(std::lower_bound(its->places.begin(), its->places.end(), from) -
                                  its->places.begin());
}

void StreamReactor::wrote(StreamRecord& record) noexcept { record.last_write = now_; }

// Writes as many of the frames as the socket takes. `whole`: how many left complete; a cut one goes to the
// output.
StreamReactor::Sent StreamReactor::send_batch(std::uint32_t index, std::span<const FramePtr> frames,
                                              std::size_t& whole) {
    auto& record = slab_[index];
    whole = 0;
    while (whole < frames.size()) {
        std::array<iovec, pieces_max> pieces;
        const std::size_t count = std::min(pieces_max, frames.size() - whole);
        std::size_t offered = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const auto bytes = bytes_of(record, *frames[whole + i]);
            pieces[i] = {const_cast<char*>(bytes.data()), bytes.size()};
            offered += bytes.size();
        }
        const auto taken = put(record, index, {pieces.data(), count});
        if (taken < 0) return Sent::gone;
        if (taken > 0) wrote(record);
        counters_.bytes += static_cast<std::uint64_t>(taken);
        auto left = static_cast<std::size_t>(taken);
        const bool all = left == offered;
        for (std::size_t i = 0; i < count && left >= pieces[i].iov_len; ++i) {
            left -= pieces[i].iov_len;
            ++whole;
        }
        if (all) continue;
        if (left > 0) keep_rest(record, frames[whole++], left);
        return Sent::blocked;
    }
    return Sent::all;
}

StreamReactor::Output& StreamReactor::output_of(StreamRecord& record) {
    if (record.output == no_output) {
        if (free_outputs_.empty()) {
            record.output = static_cast<std::uint32_t>(outputs_.size());
            outputs_.emplace_back();
        } else {
            record.output = free_outputs_.back();
            free_outputs_.pop_back();
        }
    }
    return outputs_[record.output];
}

// As if the socket took nothing yet: what comes meanwhile lines up behind it, and all leaves in one write.
void StreamReactor::hold_back(StreamRecord& record, FramePtr opening) {
    output_of(record).frames.push_back(std::move(opening));
    record.blocked = true;
    record.progress = now_;
}

void StreamReactor::keep_rest(StreamRecord& record, const FramePtr& frame, std::size_t offset) {
    auto& output = output_of(record);
    if (frame) output.frames.push_back(frame);
    output.offset = offset;
    if (record.blocked) return;
    record.blocked = record.behind = true;
    record.progress = now_;
    output.counted = record.ring_next;
    ++counters_.blocked;
}

void StreamReactor::append_output(std::uint32_t index, std::span<const FramePtr> frames) {
    auto& record = slab_[index];
    TIDINGS_ASSERT(record.output != no_output);
    auto& output = outputs_[record.output];
    output.frames.insert(output.frames.end(), frames.begin(), frames.end());
}

void StreamReactor::drop_output(StreamRecord& record) {
    record.blocked = false;
    record.pending_bytes = 0;
    record.pending_events = 0;
    if (record.output == no_output) return;
    outputs_[record.output] = {};
    free_outputs_.push_back(record.output);
    record.output = no_output;
}

// Writes frames behind whatever still waits; what the socket does not take is kept.
StreamReactor::Sent StreamReactor::send_frames(std::uint32_t index, std::span<const FramePtr> frames) {
    if (slab_[index].blocked) {
        append_output(index, frames);
        return Sent::blocked;
    }
    std::size_t whole = 0;
    const Sent sent = send_batch(index, frames, whole);
    if (sent == Sent::blocked) {
        if (!slab_[index].blocked) keep_rest(slab_[index], nullptr, 0);
        append_output(index, frames.subspan(whole));
        reschedule(index);
    }
    return sent;
}

StreamReactor::Sent StreamReactor::send_output(std::uint32_t index) {
    auto& record = slab_[index];
    auto& output = outputs_[record.output];
    while (output.next < output.frames.size()) {
        std::array<iovec, pieces_max> pieces;
        const std::size_t count = std::min(pieces_max, output.frames.size() - output.next);
        for (std::size_t i = 0; i < count; ++i) {
            auto bytes = bytes_of(record, *output.frames[output.next + i]);
            if (i == 0) bytes.remove_prefix(output.offset);
            pieces[i] = {const_cast<char*>(bytes.data()), bytes.size()};
        }
        const auto taken = put(record, index, {pieces.data(), count});
        if (taken < 0) return Sent::gone;
        if (taken == 0) return Sent::blocked;
        wrote(record);
        record.progress = now_;
        counters_.bytes += static_cast<std::uint64_t>(taken);
        auto left = static_cast<std::size_t>(taken);
        for (std::size_t i = 0; i < count && left >= pieces[i].iov_len; ++i) {
            left -= pieces[i].iov_len;
            ++output.next;
            output.offset = 0;
        }
        output.offset += left;
    }
    return Sent::all;
}

// Whether the stream does not have it yet: what it read from the log may lie in its hold too.
bool StreamReactor::wants(const StreamRecord& record, const RingItem& item) const {
    if (item.audience == no_audience || !wanted(record.categories, item)) return false;
    if (item.retained && item.position <= record.cursor && !item.foreign) return false;
    return table_.has(record.subscription, item.audience);
}

// Whether a newer one of the same key, which waits for the stream too, is sent in its place.
bool StreamReactor::passes_over(const StreamRecord& record, const RingItem& item) const {
    const auto wanted_too = [&](const RingItem& newer) { return wants(record, newer); };
    return record.behind && is_replaced(ring_, item, wanted_too);
}

// Whether the stream is still to be sent it.
bool StreamReactor::concerns(const StreamRecord& record, const RingItem& item) const {
    return wants(record, item) && !passes_over(record, item);
}

// Before a stream that is behind reads on there.
void StreamReactor::count_passed_over(const StreamRecord& record, std::uint64_t ring_index) {
    for (std::uint64_t i = record.ring_next; i < ring_index; ++i) {
        const RingItem& item = ring_.at(i);
        if (wants(record, item) && passes_over(record, item)) ++counters_.conflated_events;
    }
}

// All before `ring_index` was sent to the stream, or is not owed to it.
void StreamReactor::read_on_at(StreamRecord& record, std::uint64_t ring_index) {
    record.ring_next = ring_index;
    if (ring_index > ring_.begin()) {
        record.cursor = std::max(record.cursor, ring_.at(ring_index - 1).position);
    }
}

// A foreign event goes with its id only to a stream that was sent nothing beyond its place: the id must not
// take a client back behind what it has. `before`: the last item that the stream was sent or is about to be.
const FramePtr& StreamReactor::frame_for(const StreamRecord& record, const RingItem& item,
                                         const RingItem* before) const noexcept {
    if (!item.foreign) return item.frame;
    const bool passed = item.foreign->position <= record.cursor ||
                        (before != nullptr && item.foreign->position <= before->position);
    return passed ? item.foreign->late_frame : item.frame;
}

// What the ring has for the stream from where it stands.
StreamReactor::Sent StreamReactor::send_ring(std::uint32_t index) {
    const auto& record = slab_[index];
    if (!ring_.holds(record.ring_next)) {
        fall_behind(index, record.cursor, 0);
        return Sent::all;
    }
    const Sent sent = walk_ring(index);
    if (sent == Sent::all && table_.finished(record.subscription)) finish(handle_of(index), {});
    return sent;
}

// Walks the ring from where the stream stands, several events in one write. Calls nobody.
StreamReactor::Sent StreamReactor::walk_ring(std::uint32_t index) {
    auto& record = slab_[index];
    std::array<FramePtr, pieces_max> frames;
    std::array<std::uint64_t, pieces_max> places;
    std::uint64_t at = record.ring_next;
    while (at < ring_.end()) {
        std::size_t count = 0;
        for (; at < ring_.end() && count < pieces_max; ++at) {
            const RingItem& item = ring_.at(at);
            if (!concerns(record, item)) continue;
            frames[count] = frame_for(record, item, count > 0 ? &ring_.at(places[count - 1]) : nullptr);
            places[count++] = at;
        }
        std::size_t whole = 0;
        const bool was_behind = record.behind;
        const Sent sent = send_batch(index, {frames.data(), count}, whole);
        if (sent == Sent::gone) return sent;
        counters_.deliveries += whole;
        if (whole > 0) record.last_id = now_;
        const std::uint64_t next = whole < count ? places[whole] : at;
        if (was_behind) count_passed_over(record, next);
        read_on_at(record, next);
        if (sent == Sent::blocked) {
            if (!record.blocked) keep_rest(record, nullptr, 0);
            count_pending(index);
            reschedule(index);
            return sent;
        }
    }
    record.behind = false;
    return Sent::all;
}

// A blocked stream's queue is over its bounds.
void StreamReactor::settle_lag(std::uint32_t index) {
    auto& record = slab_[index];
    if (!ring_.holds(record.ring_next)) return fall_behind(index, record.cursor, 0);
    std::vector<Unsent> unsent;
    for (std::uint64_t i = record.ring_next; i < ring_.end(); ++i) {
        const RingItem& item = ring_.at(i);
        if (!concerns(record, item)) continue;
        unsent.push_back({i, item.frame->chunk().size(), item.slow_reader, item.retained});
    }
    // Half of the bounds, so that a reader that takes nothing costs this walk once in many events.
    const auto decision = decide_lag(unsent, options_.limits.queue_bytes / 2,
                                     std::max<std::size_t>(1, options_.limits.queue_events / 2));
    if (decision.kind == LagDecision::Kind::resume) return fall_behind(index, record.cursor, decision.count);
    if (decision.kind == LagDecision::Kind::drop) {
        counters_.dropped_events += decision.count;
        outputs_[record.output].dropped += decision.count;
        count_passed_over(record, decision.next);
        read_on_at(record, decision.next);
    }
    outputs_[record.output].counted = ring_.end();
    record.pending_events = 0;
    record.pending_bytes = 0;
    for (const auto& event : unsent) {
        if (event.index < record.ring_next) continue;
        ++record.pending_events;
        record.pending_bytes += static_cast<std::uint32_t>(event.bytes);
    }
}

void StreamReactor::fall_behind(std::uint32_t index, Position cursor, std::uint64_t dropped) {
    auto& record = slab_[index];
    ++counters_.fell_behind;
    record.state = StreamState::catching_up;
    record.cursor = cursor;
    record.pending_events = 0;
    record.pending_bytes = 0;
    if (record.blocked) {
        // It catches up only when it has taken what was cut: a stalled reader holds no place among those who
        // read.
        outputs_[record.output].fell_behind = true;
        outputs_[record.output].dropped += dropped;
        return;
    }
    host_.fell_behind(handle_of(index), cursor, dropped);
}

// The socket has room again.
void StreamReactor::progress(std::uint32_t index) {
    auto& record = slab_[index];
    const Sent sent = send_output(index);
    if (sent == Sent::gone) return over(index, EndReason::client_gone);
    if (sent == Sent::blocked) {
        record.behind = true;
        return;
    }
    const bool fell_behind = outputs_[record.output].fell_behind;
    const std::uint64_t dropped = outputs_[record.output].dropped;
    drop_output(record);
    record.progress = now_;
    const StreamHandle handle = handle_of(index);
    if (record.state == StreamState::flushing) return after_flush(index);
    reschedule(index);
    if (fell_behind) return host_.fell_behind(handle, record.cursor, dropped);
    if (record.state == StreamState::catching_up) return host_.drained(handle);
    if (record.state != StreamState::live) return;
    if (dropped > 0) {
        ++counters_.gaps;
        const Uuid id = EventId{record.cursor, checkpoint_tag_, 0}.uuid();
        const std::array frames{control::gap({GapReason::overflow, dropped, {}}, id)};
        const Sent told = send_frames(index, frames);
        if (told == Sent::gone) return over(index, EndReason::client_gone);
        if (told == Sent::blocked) return;
    }
    if (send_ring(index) == Sent::gone) over(index, EndReason::client_gone);
}

bool StreamReactor::write(StreamHandle handle, std::vector<FramePtr> frames, Position prefix) {
    if (!alive(handle) || slab_[handle.index].state != StreamState::catching_up) return false;
    const Sent sent = send_frames(handle.index, frames);
    if (sent == Sent::gone) {
        over(handle.index, EndReason::client_gone);
        return false;
    }
    auto& record = slab_[handle.index];
    record.cursor = std::max(record.cursor, prefix);
    record.last_id = now_;
    counters_.deliveries += frames.size();
    return sent == Sent::all;
}

bool StreamReactor::go_live(StreamHandle handle, std::uint64_t hold, std::vector<FramePtr> frames,
                            Position prefix) {
    if (!alive(handle) || slab_[handle.index].state != StreamState::catching_up) return true;
    if (!ring_.holds(hold)) return false;
    const Sent sent = send_frames(handle.index, frames);
    if (sent == Sent::gone) {
        over(handle.index, EndReason::client_gone);
        return true;
    }
    auto& record = slab_[handle.index];
    record.state = StreamState::live;
    // Also where it stood beyond: in another life of the store positions begin anew.
    record.cursor = prefix;
    record.last_id = now_;
    record.ring_next = hold;
    if (record.blocked) outputs_[record.output].counted = hold;
    if (!record.joined) {
        table_.join(record.subscription, {handle.index, record.generation});
        record.joined = true;
    }
    if (sent == Sent::all && send_ring(handle.index) == Sent::gone) {
        over(handle.index, EndReason::client_gone);
        return true;
    }
    if (alive(handle)) reschedule(handle.index);
    return true;
}

}  // namespace tidings
