// The data plane driven by a script: publishes, readers with little room, cuts, ends, holds that are lost.
// Each stream's bytes are read at the end. Events come in position order, none twice, none of another
// audience; and the first id at or beyond an event of the stream is that event's or a gap's (P-1, P-2, P-3,
// P-5); of the events of one key that wait, only the newest is owed.

#include "net/stream_reactor.hpp"

#include "base/assert.hpp"
#include "byte_source.hpp"
#include "fanout/control_events.hpp"
#include "net/pipe_peer.hpp"

#include <tidings/sse_decoder.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

using namespace tidings;

namespace {

constexpr std::uint32_t tag = 9;
constexpr std::size_t topic = 2;  // among the audiences
constexpr std::size_t clients_max = 24;
constexpr std::size_t events_max = 400;

const std::array<Audience, 3>& audiences() {
    static const std::array<Audience, 3> made{Audience::user(*UserId::parse("alice")), Audience::broadcast(),
                                              *Audience::topic("chat")};
    return made;
}

Position at(std::uint64_t ms) { return {1, ms, 0}; }
Uuid id_at(Position position) { return EventId{position, tag, 0}.uuid(); }

struct Client {
    StreamHandle handle;
    std::shared_ptr<PipePeer> peer = std::make_shared<PipePeer>();  // shared with the reactor's writer
    std::size_t subscribed = 0;                                     // one bit for each audience
    CategoryMask categories = all_categories;
    Position start;   // what it has when it connects
    Position cursor;  // while it catches up
    Position bound;
    std::uint64_t hold = 0;
    std::uint64_t dropped = 0;
    bool live = false;
    bool held = false;     // `hold` and `bound` were taken
    bool waiting = false;  // for what was written to leave
    bool over = false;
    bool finished = false;

    bool wants(const LiveItem& item) const {
        for (std::size_t i = 0; i < 3; ++i) {
            if ((subscribed >> i & 1) != 0 && audiences()[i].text() == item.audience)
                return matches(categories, item.category);
        }
        return false;
    }
};

// The reactor, its host and the log behind it.
class Script final : public StreamHost {
public:
    explicit Script(ByteSource& source) : source_{source}, reactor_{options(source.byte()), *this, now_} {}

    void go() {
        while (!source_.empty()) step();
        settle();
        for (const auto& client : clients_) check(client);
    }

    void fell_behind(StreamHandle handle, Position cursor, std::uint64_t dropped) override {
        auto& client = of(handle);
        TIDINGS_ASSERT(client.live);
        client.live = client.held = client.waiting = false;
        client.cursor = cursor;
        client.dropped += dropped;
    }
    void drained(StreamHandle handle) override { of(handle).waiting = false; }
    void ended(const StreamEnd& end) override {
        auto& client = of(end.handle);
        TIDINGS_ASSERT(!client.over && client.peer->closed.has_value());
        client.over = true;
        client.finished = end.reason == EndReason::finished;
        TIDINGS_ASSERT(client.finished == (*client.peer->closed == CloseKind::clean));
    }

private:
    static ReactorOptions options(std::uint8_t choice) {
        ReactorOptions made;
        made.limits.queue_events = 1 + (choice & 7);
        made.limits.ring_events = 4 + (choice >> 3 & 15);
        made.limits.ring_bytes = (choice & 0x80) != 0 ? 600 : 100'000;
        made.limits.sends_per_turn = 2;
        made.checkpoint_after = std::chrono::seconds{4};
        return made;
    }

    Client& of(StreamHandle handle) {
        for (auto& client : clients_) {
            if (client.handle == handle) return client;
        }
        TIDINGS_ASSERT(!"the host knows every stream");
        return clients_.front();
    }
    Client* any() { return clients_.empty() ? nullptr : &clients_[source_.below(clients_.size())]; }

    void step() {
        switch (source_.below(16)) {
            case 0: return open();
            case 1: return overflow();
            case 2: return checkpoint();
            case 3: return pass(source_.below(64) * tick_ms);
            case 4: return end();
            case 5: return close_topic();
            case 6: return reactor_.poll(now_);
            case 7:
            case 8: return give_room(source_.byte() * 4U);
            case 9:
            case 10: return take_inbox();
            case 11: reactor_.flush(now_); return;
            case 12:
            case 13:
                if (auto* client = any()) catch_up(*client);
                return;
            default: return publish();
        }
    }

    void open() {
        if (clients_.size() == clients_max) return;
        const auto choice = source_.byte();
        Client client;
        client.subscribed = 1 + choice % 7;
        client.categories = (choice & 0x40) != 0 ? CategoryMask{1} : all_categories;
        client.peer->room = source_.byte() * 8U;
        client.start = client.cursor = at(source_.below(2) == 0 ? last_ : last_ * source_.byte() / 256);
        StreamSpec spec;
        spec.writer = std::make_unique<PipeWriter>(client.peer);
        for (std::size_t i = 0; i < 3; ++i) {
            if ((client.subscribed >> i & 1) != 0) spec.audiences.push_back(audiences()[i]);
        }
        spec.categories = client.categories;
        spec.heartbeat = std::chrono::milliseconds{1000};
        if ((choice & 0x80) != 0) spec.expires_in = std::chrono::seconds{source_.byte()};
        client.handle = *reactor_.adopt(std::move(spec));
        clients_.push_back(std::move(client));
    }

    void publish() {
        const auto choice = source_.byte();
        if (log_.size() >= events_max || (choice % 3 == topic && closed_)) return;
        const bool retained = (choice & 0x10) == 0;
        if (retained) ++last_;
        Event event;
        event.id = id_at(at(last_));
        event.type = "a.b";
        event.data = std::to_string(log_.size());
        LiveItem item;
        item.frame = *Frame::encode(event, retained ? WithId::yes : WithId::no, Limits{});
        item.position = at(last_);
        item.audience = audiences()[choice % 3].text();
        item.category = (choice & 0x20) != 0 ? 1 : 2;
        item.slow_reader = (choice & 0x40) != 0 ? SlowReader::drop : SlowReader::resume;
        if ((choice & 0x80) != 0) {
            item.slow_reader = SlowReader::conflate;
            if ((choice & 0x40) != 0) item.identity = std::make_shared<const std::string>("a.b");
        }
        item.retained = retained;
        log_.push_back(item);
        inbox_.items.push_back(std::move(item));
    }

    void close_topic() {
        if (closed_ || source_.below(8) != 0) return;
        closed_ = at(++last_);
        LiveItem item;
        item.frame = control::topic_closed(audiences()[topic].name);
        item.position = *closed_;
        item.audience = audiences()[topic].text();
        item.closes = true;
        inbox_.items.push_back(std::move(item));
    }

    void take_inbox() {
        if (inbox_.items.empty()) return;
        accepted_ = inbox_.items.back().position;
        reactor_.accept(inbox_);
        inbox_.items.clear();
    }

    void overflow() {
        if (inbox_.items.empty()) return;
        inbox_.items.clear();
        reactor_.lose_ring(accepted_);
    }

    // A bound's answer comes behind everything at or before it.
    Position take_bound() {
        const auto bound = at(++last_);
        take_inbox();
        return bound;
    }

    void checkpoint() { reactor_.checkpoint(take_bound(), tag); }

    void pass(std::uint64_t milliseconds) {
        now_ += milliseconds;
        reactor_.tick(now_);
    }

    void give_room(std::size_t bytes) {
        auto* client = any();
        if (client == nullptr) return;
        client->peer->room += bytes;
        reactor_.writable(client->handle);
    }

    void end() {
        auto* client = any();
        if (client == nullptr) return;
        const auto choice = source_.below(16);
        if (choice == 0) {
            client->peer->gone = true;
            if (source_.below(2) == 0) reactor_.peer_gone(client->handle);
        } else if (choice < 4) {
            constexpr std::array reasons{EndReason::drained, EndReason::stalled, EndReason::expired};
            reactor_.end(client->handle, reasons[choice - 1]);
        }
    }

    // What a stream's catching-up does next: a page from the log, or the change to live.
    void catch_up(Client& client) {
        if (client.over || client.live || client.waiting) return;
        if (reactor_.state(client.handle) != StreamState::catching_up) return;
        if (!client.held) {
            client.hold = reactor_.hold();
            client.bound = take_bound();
            client.held = true;
            return;
        }
        std::vector<FramePtr> frames;
        if (client.dropped > 0) {
            frames.push_back(control::gap({GapReason::overflow, client.dropped, {}}, id_at(client.cursor)));
            client.dropped = 0;
        }
        Position reached = client.bound;
        std::size_t page = 0;
        for (const auto& item : log_) {
            const bool there =
                item.retained && item.position > client.cursor && item.position <= client.bound;
            if (!there || !client.wants(item)) continue;
            frames.push_back(item.frame);
            reached = item.position;
            if (++page == 3) break;
        }
        if (page < 3) reached = client.bound;
        if (!frames.empty()) {
            client.cursor = reached;
            client.waiting = true;
            const bool left = reactor_.write(client.handle, std::move(frames), reached);
            if (left) client.waiting = false;
            return;
        }
        turn_live(client);
    }

    void turn_live(Client& client) {
        const bool is_closed = (client.subscribed >> topic & 1) != 0 && closed_ && *closed_ <= client.bound;
        std::vector<FramePtr> frames;
        if (is_closed) {
            frames.push_back(control::topic_closed(audiences()[topic].name));
            if (client.subscribed == std::size_t{1} << topic) {
                return reactor_.finish(client.handle, std::move(frames));
            }
            reactor_.note_closed({&audiences()[topic], 1});
        }
        frames.push_back(control::caught_up(0, {}, id_at(client.bound)));
        client.live = true;
        if (reactor_.go_live(client.handle, client.hold, std::move(frames), client.bound)) return;
        client.live = client.held = false;
        client.cursor = client.bound;
    }

    // Everybody reads on until nothing is left to be said.
    void settle() {
        checkpoint();
        for (int round = 0; round < 1000; ++round) {
            for (auto& client : clients_) {
                client.peer->room = 1'000'000;
                reactor_.writable(client.handle);
                catch_up(client);
            }
            while (reactor_.flush(now_)) {
            }
            if (all_live()) break;
        }
        TIDINGS_ASSERT(all_live());
        pass(1000);
        pass(200);
    }

    bool all_live() const {
        for (const auto& client : clients_) {
            const auto state = reactor_.state(client.handle);
            if (state == StreamState::catching_up || (state == StreamState::live && !client.live))
                return false;
        }
        return true;
    }

    void check(const Client& client) const {
        SseDecoder decoder;
        const auto told = decoder.feed(client.peer->bytes);
        std::set<std::size_t> seen;
        Position last{};
        std::vector<std::pair<Position, int>> ids;  // and the event's number; -1: a control event, -2: a gap
        for (const auto& event : told) {
            int number = event.type == "tidings.gap" ? -2 : -1;
            if (event.type == "a.b") {
                number = std::stoi(event.data);
                TIDINGS_ASSERT(seen.insert(static_cast<std::size_t>(number)).second);
                const auto& item = log_.at(static_cast<std::size_t>(number));
                TIDINGS_ASSERT(client.wants(item));
                if (item.retained) TIDINGS_ASSERT(item.position > last && item.position > client.start);
                if (item.retained) TIDINGS_ASSERT(event.last_event_id == id_at(item.position).text());
            }
            if (event.last_event_id.empty()) continue;
            const auto id = EventId::from(*Uuid::parse(event.last_event_id));
            TIDINGS_ASSERT(id.has_value() && id->position >= last);
            last = id->position;
            ids.emplace_back(last, number);
        }
        for (std::size_t number = 0; number < log_.size(); ++number) {
            const auto& item = log_[number];
            if (!item.retained || !client.wants(item) || item.position <= client.start) continue;
            if (!client.over || client.finished || item.position <= last) check_told(client, ids, number);
        }
    }

    // Of one key the newest is owed only; that one is looked for in its own turn.
    bool has_newer(const Client& client, std::size_t number) const {
        const auto& old = log_[number];
        for (std::size_t i = number + 1; old.identity && i < log_.size(); ++i) {
            const bool same = log_[i].identity && log_[i].audience == old.audience;
            if (same && client.wants(log_[i])) return true;
        }
        return false;
    }

    void check_told(const Client& client, const std::vector<std::pair<Position, int>>& ids,
                    std::size_t number) const {
        for (const auto& [id, what] : ids) {
            if (id < log_[number].position) continue;
            const bool told = what == -2 || what == static_cast<int>(number);
            TIDINGS_ASSERT(told || has_newer(client, number));
            return;
        }
        TIDINGS_ASSERT(has_newer(client, number));  // an event is neither told nor missed
    }

    ByteSource& source_;
    std::uint64_t now_ = 1'000'000;
    std::uint64_t last_ = 1;  // the partition's last position
    Position accepted_ = at(1);
    std::deque<Client> clients_;
    std::vector<LiveItem> log_;
    LiveBatch inbox_;
    std::optional<Position> closed_;
    StreamReactor reactor_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 4096) return 0;
    ByteSource source{data, size};
    Script{source}.go();
    return 0;
}
