#pragma once
// For tests of the reactor: one in a test's hand, readers over pipes, and what they were told.

#include "net/pipe_peer.hpp"
#include "net/stream_reactor.hpp"

#include <tidings/sse_decoder.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace tidings::reactor_bench {

struct Reader {
    StreamHandle handle;
    std::shared_ptr<PipePeer> peer;

    std::string story() const {
        SseDecoder decoder;
        std::string text;
        for (const auto& event : decoder.feed(peer->bytes)) {
            text += event.type == "a.b" ? event.data : event.type + event.data;
            text += ' ';
        }
        return text;
    }
};

// A reactor in a test's hand: no socket, a clock that is moved.
class ReactorTest : public testing::Test, public StreamHost {
public:
    struct Behind {
        StreamHandle handle;
        Position cursor;
        std::uint64_t dropped;
    };

    static ReactorOptions options() {
        ReactorOptions made;
        made.delivery.retry_min = made.delivery.retry_max = std::chrono::milliseconds{3000};
        made.limits.queue_events = 8;
        made.limits.ring_events = 64;
        made.limits.sends_per_turn = 4;
        return made;
    }

    void use(ReactorOptions made) { reactor = std::make_unique<StreamReactor>(std::move(made), *this, now); }

    static Audience user(const char* name) { return Audience::user(*UserId::parse(name)); }

    Reader open(std::vector<Audience> audiences, CategoryMask categories = all_categories) {
        Reader reader{{}, std::make_shared<PipePeer>()};
        StreamSpec spec;
        spec.writer = std::make_unique<PipeWriter>(reader.peer);
        spec.audiences = std::move(audiences);
        spec.categories = categories;
        reader.handle = *reactor->adopt(std::move(spec));
        return reader;
    }
    Reader live(std::vector<Audience> audiences, CategoryMask categories = all_categories) {
        Reader reader = open(std::move(audiences), categories);
        EXPECT_TRUE(reactor->go_live(reader.handle, reactor->hold(), {}, at(last)));
        return reader;
    }

    static Position at(std::uint64_t ms) { return {1, ms, 0}; }
    static LiveItem item(const Audience& audience, std::uint64_t ms, CategoryMask category = 1,
                         SlowReader policy = SlowReader::resume) {
        Event event;
        event.id = EventId{at(ms), 9, 0}.uuid();
        event.type = "a.b";
        event.data = std::to_string(ms);
        LiveItem made;
        made.frame = *Frame::encode(event, WithId::yes, Limits{});
        made.position = at(ms);
        made.audience = audience.text();
        made.category = category;
        made.slow_reader = policy;
        return made;
    }
    void accept(std::vector<LiveItem> items) {
        LiveBatch batch;
        for (auto& one : items) {
            last = std::max(last, one.position.milliseconds);
            batch.items.push_back(std::move(one));
        }
        reactor->accept(batch);
    }
    void publish(std::vector<LiveItem> items) {
        accept(std::move(items));
        while (reactor->flush(now)) {
        }
    }
    void pass(std::uint64_t ms) {
        for (const std::uint64_t end = now + ms; now < end;) {
            now += tick_ms;
            reactor->tick(now);
        }
    }

    void fell_behind(StreamHandle handle, Position cursor, std::uint64_t dropped) override {
        behind.push_back({handle, cursor, dropped});
    }
    void drained(StreamHandle handle) override { drained_handles.push_back(handle); }
    void ended(const StreamEnd& end) override { ends.push_back(end); }

    std::uint64_t now = 1'000'000;
    std::uint64_t last = 0;
    std::vector<Behind> behind;
    std::vector<StreamHandle> drained_handles;
    std::vector<StreamEnd> ends;
    std::unique_ptr<StreamReactor> reactor = std::make_unique<StreamReactor>(options(), *this, now);
};

}  // namespace tidings::reactor_bench
