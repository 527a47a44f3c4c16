// The turns of the StreamReactor: what was accepted goes to whom it is for, many streams in one batch.

#include "base/assert.hpp"
#include "fanout/conflation.hpp"
#include "net/stream_reactor.hpp"

#include <algorithm>

namespace tidings {
namespace {

constexpr std::size_t pieces_max = 64;             // frames in one write that are not a run
constexpr std::size_t run_bytes_max = 128 * 1024;  // of one run: what a socket takes at once
constexpr std::size_t runs_per_audience = 8;       // in a turn: different places, categories and framings
constexpr std::size_t runs_max = 64;               // in a turn
constexpr std::size_t visits_per_send = 8;         // streams looked at in a turn that are sent nothing
constexpr std::size_t ahead = 6;                   // records that are fetched before they are looked at

void prefetch(const StreamRecord& record) {
    const auto* bytes = reinterpret_cast<const char*>(&record);
    __builtin_prefetch(bytes);
    __builtin_prefetch(bytes + 64);
}

// The list with the nearest place; null when all have ended.
template <class Lanes>
auto* nearest(Lanes& lanes) {
    typename Lanes::pointer found = nullptr;
    for (auto& lane : lanes) {
        if (!lane.over() && (found == nullptr || lane.place() < found->place())) found = &lane;
    }
    return found;
}

}  // namespace

void StreamReactor::accept(const LiveBatch& batch) {
    for (const auto& item : batch.items) {
        const AudienceIndex audience = table_.find(item.audience);
        // Positions in the ring never fall, so that a cursor is what its stream has passed: another system's
        // event may come late, and what no log keeps says only how far the store was.
        const bool may_lag = (item.foreign || !item.retained) && !ring_.empty();
        const Position reached =
            may_lag ? std::max(item.position, ring_.at(ring_.end() - 1).position) : item.position;
        const std::uint64_t at = ring_.push({item.frame, reached, item.category, audience, item.slow_reader,
                                             item.retained, item.closes, item.foreign, item.identity});
        if (audience == no_audience) continue;
        table_.mark(audience, item.closes ? TopicState::closed : TopicState::open);
        if (!table_.members(audience).empty()) queue_.push(audience, at, ring_.at(at));
    }
}

bool StreamReactor::flush(std::uint64_t now_ms) {
    now_ = std::max(now_, static_cast<Tick>(now_ms / tick_ms));
    collect();
    send_prepared();
    run_after();
    return !queue_.empty();
}

// Prepares the writes of one turn.
void StreamReactor::collect() {
    const std::size_t room = std::max<std::size_t>(1, options_.limits.sends_per_turn);
    std::size_t visits = room * visits_per_send;
    while (!queue_.empty()) {
        AudienceNews& news = queue_.front();
        const auto members = table_.members(news.audience);
        for (; news.visited < members.size(); ++news.visited, --visits) {
            if (batch_.sendings.size() == room || visits == 0) return;
            if (news.visited + ahead < members.size()) prefetch(slab_[members[news.visited + ahead].handle]);
            const Member& member = members[news.visited];
            if (slab_[member.handle].generation == member.generation) visit(member.handle, news);
        }
        queue_.finish_front();
        batch_.front_runs = batch_.runs_used;
    }
}

// What waits for the stream in its audiences' lists from a place of the ring on.
void StreamReactor::lanes_of(const StreamRecord& record, std::uint64_t from, Lanes& lanes) const {
    lanes.clear();
    for (const AudienceIndex number : table_.numbers(record.subscription)) {
        const AudienceNews* news = queue_.find(number);
        if (news != nullptr && news->places.back() >= from) lanes.push_back({news, from});
    }
}

// Whether an item of one of its audiences is still to be sent.
bool StreamReactor::lacks(const StreamRecord& record, const RingItem& item) const noexcept {
    if (!wanted(record.categories, item)) return false;
    return !item.retained || item.foreign || item.position > record.cursor;
}

// The first item that waits for the stream, and what it has before it.
std::optional<StreamReactor::Waiting> StreamReactor::first_waiting(const StreamRecord& record) const {
    if (queue_.empty()) return std::nullopt;
    Lanes lanes;
    lanes_of(record, record.ring_next, lanes);
    while (auto* lane = nearest(lanes)) {
        if (!ring_.holds(lane->place())) return Waiting{lane->place(), lane->before()};
        const RingItem& item = ring_.at(lane->place());
        if (lacks(record, item)) return Waiting{lane->place(), prefix_before(item)};
        ++lane->at;
    }
    return std::nullopt;
}

void StreamReactor::visit(std::uint32_t index, const AudienceNews& news) {
    auto& record = slab_[index];
    if (record.state != StreamState::live || news.places.back() < record.ring_next) return;
    if (record.blocked) return note_pending(index);
    Lanes& lanes = lanes_;
    lanes.clear();
    if (queue_.size() > 1) lanes_of(record, record.ring_next, lanes);
    if (lanes.empty()) lanes.push_back({&news, record.ring_next});
    const Lane& first = lanes.size() == 1 ? lanes[0] : *nearest(lanes);
    if (!ring_.holds(first.place())) {
        // The shard is told when the batch is settled.
        ++counters_.fell_behind;
        record.state = StreamState::catching_up;
        record.cursor = std::max(record.cursor, first.before());
        after_.push_back({handle_of(index), After::behind});
        return;
    }
    const bool shared = lanes.size() == 1 && news.plain && table_.members(news.audience).size() > 1;
    if (!shared || !prepare_run(index, first)) prepare_pieces(index, lanes);
}

// False: not worth it, or not possible.
bool StreamReactor::prepare_run(std::uint32_t index, Lane lane) {
    auto& record = slab_[index];
    const bool chunked = record.framing == Framing::chunked && !record.writer;
    const Framing framing = chunked ? Framing::chunked : Framing::close_delimited;
    auto number = known_run(lane.place(), record.categories, framing);
    if (!number || batch_.runs[*number].first <= record.cursor) {
        // What came from the log.
        while (!lane.over() && ring_.at(lane.place()).position <= record.cursor) ++lane.at;
        if (lane.over()) {
            record.ring_next = ring_.end();
            return true;
        }
        number = known_run(lane.place(), record.categories, framing);
        if (!number) number = new_run(lane, record.categories, framing);
    }
    const SharedRun& run = batch_.runs[*number];
    // Until it is settled, which says how far it came: no other audience is to bring it up in this batch.
    record.ring_next = ring_.end();
    if (run.pieces.empty()) return true;
    record.cursor = std::max(record.cursor, run.before);
    Sending sending;
    sending.index = index;
    sending.kind = SendingKind::run;
    sending.first = *number;
    sending.count = static_cast<std::uint32_t>(run.pieces.size());
    sending.vector_first = static_cast<std::uint32_t>(batch_.vectors.size());
    sending.vector_count = 1;
    sending.next = run.next;
    sending.bytes = run.bytes.size();
    batch_.vectors.push_back({const_cast<char*>(run.bytes.data()), run.bytes.size()});
    batch_.sendings.push_back(sending);
    return true;
}

// The run of that place, if a stream of the same audience has asked for it in this turn.
std::optional<std::uint32_t> StreamReactor::known_run(std::uint64_t place, CategoryMask categories,
                                                      Framing framing) const noexcept {
    for (std::size_t i = batch_.runs_used; i > batch_.front_runs; --i) {
        if (batch_.runs[i - 1].fits(place, categories, framing)) return static_cast<std::uint32_t>(i - 1);
    }
    return std::nullopt;
}

// None: there are too many in this turn.
std::optional<std::uint32_t> StreamReactor::new_run(Lane lane, CategoryMask categories, Framing framing) {
    auto& batch = batch_;
    if (batch.runs_used - batch.front_runs == runs_per_audience || batch.runs_used == runs_max) return {};
    if (batch.runs_used == batch.runs.size()) batch.runs.emplace_back();
    SharedRun& run = batch.runs[batch.runs_used];
    run.begin(lane.place(), categories, framing);
    run.first = ring_.at(lane.place()).position;
    std::size_t size = 0;
    for (; !lane.over(); ++lane.at) {
        const RingItem& item = ring_.at(lane.place());
        if (!wanted(categories, item)) continue;
        const auto bytes = framing == Framing::chunked ? item.frame->chunk() : item.frame->text();
        if (size > 0 && size + bytes.size() > run_bytes_max) break;
        if (size == 0) {
            run.before = prefix_before(item);
            run.bytes = bytes;
        } else {
            if (run.copied.empty()) run.copied.assign(run.bytes);
            run.copied.append(bytes);
        }
        size += bytes.size();
        run.ends.push_back(size);
        run.pieces.push_back({item.frame.get(), lane.place()});
    }
    if (!run.copied.empty()) run.bytes = run.copied;
    run.next = lane.over() ? ring_.end() : lane.place();
    return static_cast<std::uint32_t>(batch.runs_used++);
}

void StreamReactor::prepare_pieces(std::uint32_t index, Lanes& lanes) {
    auto& record = slab_[index];
    Sending sending;
    sending.index = index;
    sending.first = static_cast<std::uint32_t>(batch_.pieces.size());
    sending.vector_first = static_cast<std::uint32_t>(batch_.vectors.size());
    sending.next = ring_.end();
    const RingItem* before = nullptr;
    for (auto* lane = nearest(lanes); lane != nullptr; lane = nearest(lanes)) {
        if (sending.count == pieces_max) {
            sending.next = lane->place();
            break;
        }
        const RingItem& item = ring_.at(lane->place());
        const std::uint64_t place = lane->place();
        ++lane->at;
        if (!lacks(record, item)) continue;
        const Frame& frame = *frame_for(record, item, before);
        // Everything before this event was delivered or not for this stream.
        if (before == nullptr) record.cursor = std::max(record.cursor, prefix_before(item));
        before = &item;
        const auto bytes = bytes_of(record, frame);
        batch_.pieces.push_back({&frame, place});
        batch_.vectors.push_back({const_cast<char*>(bytes.data()), bytes.size()});
        sending.bytes += bytes.size();
        ++sending.count;
        sending.closes = sending.closes || item.closes;
    }
    record.ring_next = ring_.end();
    if (sending.count == 0) return;
    sending.vector_count = sending.count;
    batch_.sendings.push_back(sending);
}

// Sends what was prepared and settles it, in the order of the visits. Calls nobody: what the shard is to be
// told waits in after_.
void StreamReactor::send_prepared() {
    auto& batch = batch_;
    for (auto& sending : batch.sendings) {
        const auto& record = slab_[sending.index];
        const std::span<const iovec> pieces{batch.vectors.data() + sending.vector_first,
                                            sending.vector_count};
        if (record.writer) {
            sending.taken = writers_[sending.index]->write(pieces);
        } else {
            batch.ops.push_back({record.descriptor, pieces, 0});
        }
    }
    counters_.writes += batch.sendings.size();
    if (!batch.ops.empty()) sends().send(batch.ops);
    const Position reached = ring_.empty() ? Position{} : ring_.at(ring_.end() - 1).position;
    std::size_t op = 0;
    for (auto& sending : batch.sendings) {
        if (!slab_[sending.index].writer) sending.taken = batch.ops[op++].taken;
        if (sending.taken < 0) {
            after_.push_back({handle_of(sending.index), After::gone});
            continue;
        }
        if (sending.taken > 0) wrote(slab_[sending.index]);
        counters_.bytes += static_cast<std::uint64_t>(sending.taken);
        const bool all = static_cast<std::size_t>(sending.taken) == sending.bytes;
        if (sending.kind == SendingKind::heartbeat) {
            settle_heartbeat(sending);
        } else if (all && sending.next == ring_.end() && !sending.closes) {
            settle_whole(sending, reached);
        } else {
            settle(sending);
        }
    }
    batch.clear();
}

// What almost every write comes to: the stream has all that there is.
void StreamReactor::settle_whole(const Sending& sending, Position reached) {
    auto& record = slab_[sending.index];
    counters_.deliveries += sending.count;
    record.last_id = now_;
    record.ring_next = sending.next;
    record.cursor = std::max(record.cursor, reached);
}

void StreamReactor::settle(const Sending& sending) {
    auto& record = slab_[sending.index];
    const bool is_run = sending.kind == SendingKind::run;
    const SentPiece* pieces =
        is_run ? batch_.runs[sending.first].pieces.data() : batch_.pieces.data() + sending.first;
    auto left = static_cast<std::size_t>(sending.taken);
    std::size_t whole = 0;
    if (is_run) {
        whole = batch_.runs[sending.first].whole(left);
    } else {
        const iovec* vectors = batch_.vectors.data() + sending.vector_first;
        for (; whole < sending.count && left >= vectors[whole].iov_len; ++whole)
            left -= vectors[whole].iov_len;
    }
    const bool all = whole == sending.count;
    const SentPiece* cut = left > 0 ? &pieces[whole++] : nullptr;
    counters_.deliveries += whole;
    if (whole > 0) record.last_id = now_;
    read_on_at(record, whole < sending.count ? pieces[whole].place : sending.next);
    if (!all) {
        keep_rest(record, cut != nullptr ? FramePtr{cut->frame} : nullptr, left);
        count_pending(sending.index);
        return reschedule(sending.index);
    }
    if (sending.next < ring_.end()) {
        const Sent rest = walk_ring(sending.index);
        if (rest == Sent::gone) after_.push_back({handle_of(sending.index), After::gone});
        if (rest != Sent::all) return;
    }
    const bool finished =
        (sending.closes || sending.next < ring_.end()) && table_.finished(record.subscription);
    if (finished) after_.push_back({handle_of(sending.index), After::finished});
}

void StreamReactor::settle_heartbeat(const Sending& sending) {
    auto& record = slab_[sending.index];
    const auto taken = static_cast<std::size_t>(sending.taken);
    if (taken == 0) {
        keep_rest(record, nullptr, 0);
        append_output(sending.index, {&heartbeat_, 1});
    } else if (taken < batch_.vectors[sending.vector_first].iov_len) {
        keep_rest(record, heartbeat_, taken);
    }
    reschedule(sending.index);
}

// Heartbeats that fell due together share their batches.
void StreamReactor::send_heartbeats() {
    const std::size_t room = std::max<std::size_t>(1, options_.limits.sends_per_turn);
    for (const StreamHandle handle : beats_) {
        if (!alive(handle)) continue;
        const auto& record = slab_[handle.index];
        const bool serves = record.state == StreamState::live || record.state == StreamState::catching_up;
        if (record.blocked || !serves) {
            reschedule(handle.index);
            continue;
        }
        const auto bytes = bytes_of(record, *heartbeat_);
        Sending sending;
        sending.index = handle.index;
        sending.kind = SendingKind::heartbeat;
        sending.vector_first = static_cast<std::uint32_t>(batch_.vectors.size());
        sending.vector_count = 1;
        sending.bytes = bytes.size();
        batch_.vectors.push_back({const_cast<char*>(bytes.data()), bytes.size()});
        batch_.sendings.push_back(sending);
        ++counters_.heartbeats;
        if (batch_.sendings.size() == room) send_prepared();
    }
    beats_.clear();
    send_prepared();
    run_after();
}

// Tells the shard what became of streams in a batch. It may call back, and so change everything.
void StreamReactor::run_after() {
    if (after_.empty()) return;
    const auto list = std::exchange(after_, {});
    for (const auto& [handle, what] : list) {
        if (!alive(handle)) continue;
        switch (what) {
            case After::gone: over(handle.index, EndReason::client_gone); break;
            case After::behind: host_.fell_behind(handle, slab_[handle.index].cursor, 0); break;
            case After::finished: finish(handle, {}); break;
        }
    }
}

// Of a blocked stream, what lies in the ring.
void StreamReactor::count_pending(std::uint32_t index) {
    auto& record = slab_[index];
    for (std::uint64_t i = record.ring_next; i < ring_.end(); ++i) {
        const RingItem& item = ring_.at(i);
        if (concerns(record, item)) add_pending(record, item);
    }
    outputs_[record.output].counted = ring_.end();
}

void StreamReactor::add_pending(StreamRecord& record, const RingItem& item) noexcept {
    ++record.pending_events;
    record.pending_bytes += static_cast<std::uint32_t>(item.frame->chunk().size());
}

// An event that waits makes way for a newer one of its key: the queue gets no longer. True if one did.
bool StreamReactor::take_place(StreamRecord& record, const RingItem& item) const {
    const auto wanted_too = [&](const RingItem& older) { return wants(record, older); };
    const auto* older = makes_way(ring_, item, record.ring_next, wanted_too);
    if (older == nullptr) return false;
    const auto bytes = static_cast<std::uint32_t>(older->frame->chunk().size());
    record.pending_events -= std::min<std::uint32_t>(record.pending_events, 1);
    record.pending_bytes -= std::min(record.pending_bytes, bytes);
    return true;
}

// The stream's place in the ring is the oldest that is still owed: the ring may forget what was replaced.
void StreamReactor::pass_over_replaced(StreamRecord& record) {
    if (!ring_.holds(record.ring_next)) return;
    std::uint64_t at = record.ring_next;
    while (at < ring_.end() && !concerns(record, ring_.at(at))) ++at;
    count_passed_over(record, at);
    read_on_at(record, at);
}

// News for a blocked stream: they wait in the ring, within the stream's bounds.
void StreamReactor::note_pending(std::uint32_t index) {
    auto& record = slab_[index];
    auto& output = outputs_[record.output];
    Lanes& lanes = lanes_;
    lanes_of(record, std::max(output.counted, ring_.begin()), lanes);
    output.counted = ring_.end();
    bool replaced = false;
    while (auto* lane = nearest(lanes)) {
        const RingItem& item = ring_.at(lane->place());
        if (lacks(record, item)) {
            replaced = take_place(record, item) || replaced;
            add_pending(record, item);
        }
        ++lane->at;
    }
    if (replaced) pass_over_replaced(record);
    if (record.pending_events > options_.limits.queue_events ||
        record.pending_bytes > options_.limits.queue_bytes) {
        settle_lag(index);
    }
}

void StreamReactor::lose_ring(Position prefix) {
    for (std::uint32_t index = 0; index < slab_.size(); ++index) {
        auto& record = slab_[index];
        if (record.state != StreamState::live) continue;
        // Streams that wait for something and blocked ones keep the cursor that they were cut at; the others
        // have all up to `prefix`.
        if (record.blocked) {
            fall_behind(index, record.cursor, 0);
            continue;
        }
        const auto waiting = first_waiting(record);
        record.cursor = std::max(record.cursor, waiting ? waiting->before : prefix);
        record.state = StreamState::catching_up;
        ++counters_.fell_behind;
        after_.push_back({handle_of(index), After::behind});
    }
    ring_.clear();
    queue_.clear();
    run_after();
}

}  // namespace tidings
