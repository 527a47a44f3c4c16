// What an open stream takes, as a count of bytes.

#include "net/admission.hpp"
#include "net/reactor_bench.hpp"

#include <memory>
#include <utility>
#include <vector>

namespace tidings {
namespace {

using reactor_bench::ReactorTest;

// Takes everything and says so: no socket, and nothing kept.
class Sink final : public StreamWriter {
public:
    std::ptrdiff_t write(std::span<const iovec> pieces) override {
        std::ptrdiff_t bytes = 0;
        for (const auto& piece : pieces) bytes += static_cast<std::ptrdiff_t>(piece.iov_len);
        return bytes;
    }
    std::size_t unacknowledged() const override { return 0; }
    void close(CloseKind) override {}
};

class StreamMemory : public ReactorTest {
public:
    // A stream of the user of this number.
    StreamHandle open(std::uint64_t number) {
        // As long as a UUID's text, the longest usual name of a user.
        std::string name = "00000000-0000-7000-8000-000000000000";
        const std::string digits = std::to_string(number);
        name.replace(name.size() - digits.size(), digits.size(), digits);
        StreamSpec spec;
        spec.writer = std::make_unique<Sink>();
        spec.audiences = {user(name.c_str()), Audience::broadcast()};
        const auto handle = *reactor->adopt(std::move(spec));
        EXPECT_TRUE(reactor->go_live(handle, reactor->hold(), {}, at(last)));
        EXPECT_EQ(admission.enter(subject_of(number), 7), Admitted::yes);
        return handle;
    }
    void close(StreamHandle handle, std::uint64_t number) {
        reactor->end(handle, EndReason::stopped);
        admission.leave(subject_of(number), 7);
    }
    static std::uint64_t subject_of(std::uint64_t number) { return number * 0x9e37'79b9'7f4a'7c15U; }
    std::size_t bytes_each() const {
        return (reactor->memory_bytes() + admission.memory_bytes()) / streams + facts_bytes;
    }

    static Limits limits() {
        Limits made;
        made.streams_per_address = 2 * streams;
        return made;
    }
    static constexpr std::size_t streams = 10'000;
    static constexpr std::size_t facts_bytes = 8;  // what a shard knows of it besides
    Admission admission{limits()};
};

TEST_F(StreamMemory, AStreamOfADistinctUserTakesAtMost256Bytes) {
    use(options());
    std::vector<std::pair<StreamHandle, std::uint64_t>> open_streams;
    for (std::uint64_t number = 0; number < streams; ++number)
        open_streams.emplace_back(open(number), number);
    EXPECT_LE(bytes_each(), 224U);
    publish({item(Audience::broadcast(), 1)});
    EXPECT_EQ(reactor->counters().deliveries, streams);
    EXPECT_LE(bytes_each(), 240U);
    // Others come as they go: nothing creeps.
    for (std::uint64_t i = 0; i < 10 * streams; ++i) {
        auto& [handle, number] = open_streams[i * 7919 % streams];
        close(handle, number);
        number = streams + i;
        handle = open(number);
    }
    publish({item(Audience::broadcast(), 2)});
    EXPECT_LE(bytes_each(), 240U);
    for (const auto& [handle, number] : open_streams) close(handle, number);
    EXPECT_EQ(reactor->audiences(), 0U);
}

TEST_F(StreamMemory, MarksOfACredentialGoWithItsStream) {
    StreamSpec spec;
    spec.writer = std::make_unique<Sink>();
    spec.audiences = {Audience::broadcast()};
    spec.session = 4;
    spec.token = 5;
    const auto marked = *reactor->adopt(std::move(spec));
    EXPECT_EQ(reactor->marks_of(marked), (CredentialMarks{4, 5}));
    reactor->end(marked, EndReason::stopped);
    EXPECT_EQ(reactor->marks_of(marked), CredentialMarks{});
    const auto next = open(1);
    EXPECT_EQ(next.index, marked.index);
    EXPECT_EQ(reactor->marks_of(next), CredentialMarks{});
}

}  // namespace
}  // namespace tidings
