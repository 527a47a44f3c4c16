// The input is a stream. Whatever it holds: the decoder says what the step-by-step oracle says, it says the
// same however the bytes are divided, and with a small limit it holds no more than that.

#include "sse/decoder_oracle.hpp"

#include <cstdint>
#include <cstdlib>
#include <random>

namespace {

using tidings::SseDecoder;
using tidings::SseTranscript;

// Also checks that no event is above the limit.
class BoundedTranscript final : public tidings::SseListener {
public:
    explicit BoundedTranscript(std::size_t event_bytes_max) : event_bytes_max_{event_bytes_max} {}

    void event(const tidings::SseEvent& event) override {
        // A type that the server did not name is not the server's bytes.
        const auto type_bytes = event.type == "message" ? 0 : event.type.size();
        if (type_bytes + event.data.size() > event_bytes_max_) std::abort();
        transcript.event(event);
    }
    void retry(std::chrono::milliseconds delay) override { transcript.retry(delay); }
    void comment(std::string_view text) override { transcript.comment(text); }
    void overflow() override { transcript.overflow(); }

    SseTranscript transcript{};

private:
    std::size_t event_bytes_max_;
};

std::vector<std::string> transcript(std::string_view stream, std::size_t event_bytes_max, std::uint32_t seed,
                                    std::size_t part_bytes_max) {
    SseDecoder decoder{event_bytes_max};
    BoundedTranscript said{event_bytes_max};
    std::minstd_rand random{seed};
    std::uniform_int_distribution<std::size_t> part_bytes{1, part_bytes_max};
    while (!stream.empty()) {
        const auto part = stream.substr(0, part_bytes(random));
        decoder.feed(part, said);
        stream.remove_prefix(part.size());
    }
    decoder.finish();
    return said.transcript.said;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view stream{reinterpret_cast<const char*>(bytes), size};
    const auto whole_bytes = size + 1;
    for (const std::size_t event_bytes_max :
         {SseDecoder::event_bytes_default, std::size_t{80}, std::size_t{5}}) {
        SseDecoder decoder{event_bytes_max};
        BoundedTranscript whole{event_bytes_max};
        decoder.feed(stream, whole);
        for (const std::size_t part_bytes_max :
             {std::size_t{1}, std::size_t{2}, std::size_t{16}, whole_bytes}) {
            const auto seed = static_cast<std::uint32_t>(size);
            if (transcript(stream, event_bytes_max, seed, part_bytes_max) != whole.transcript.said)
                std::abort();
        }
        const bool unlimited = 3 * size < event_bytes_max;  // a byte that is not UTF-8 becomes three
        if (unlimited && whole.transcript.said != tidings::oracle_transcript(stream)) std::abort();
    }
    return 0;
}
