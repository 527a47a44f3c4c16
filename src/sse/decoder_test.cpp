#include "sse/decoder_oracle.hpp"

#include <gtest/gtest.h>

#include <random>

namespace tidings {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using Said = std::vector<std::string>;

// Feeds parts of 1 to `part_bytes_max` bytes; equal sizes where the generator is absent.
Said decoded(std::string_view stream, std::size_t part_bytes_max, std::minstd_rand* random = nullptr,
             std::size_t event_bytes_max = SseDecoder::event_bytes_default) {
    SseDecoder decoder{event_bytes_max};
    SseTranscript transcript;
    while (!stream.empty()) {
        const auto bytes = random == nullptr ? part_bytes_max : 1 + (*random)() % part_bytes_max;
        const auto part = stream.substr(0, bytes);
        decoder.feed(part, transcript);
        decoder.feed("", transcript);
        stream.remove_prefix(part.size());
    }
    decoder.finish();
    return transcript.said;
}

struct Vector {
    const char* name;
    std::string_view stream;
    Said said;
};

// At every division of the bytes: the same, and what the oracle says.
void check(const std::vector<Vector>& vectors) {
    std::minstd_rand random{2026};
    for (const auto& [name, stream, said] : vectors) {
        SCOPED_TRACE(name);
        EXPECT_EQ(oracle_transcript(stream), said);
        EXPECT_EQ(decoded(stream, stream.size()), said);
        EXPECT_EQ(decoded(stream, 1), said);
        EXPECT_EQ(decoded(stream, 2), said);
        for (int i = 0; i < 20; ++i) EXPECT_EQ(decoded(stream, 9, &random), said);
    }
}

TEST(SseDecoder, C18_ReadsTheExamplesOfTheStandard) {
    check(
        {{"stock ticker", "data: YHOO\ndata: +2\ndata: 10\n\n", {"event message|YHOO\n+2\n10|"}},
         {"four blocks",
          ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n",
          {"comment test stream", "event message|first event|1", "event message|second event|"}},
         {"bare data", "data\n\ndata\ndata\n\ndata:", {"event message||", "event message|\n|"}},
         {"optional space", "data:test\n\ndata: test\n\n", {"event message|test|", "event message|test|"}}});
}

TEST(SseDecoder, C18_EndsLinesAtCrLfAndCrLf) {
    check({{"LF", "data: a\ndata: b\n\n", {"event message|a\nb|"}},
           {"CR", "data: a\rdata: b\r\r", {"event message|a\nb|"}},
           {"CRLF", "data: a\r\ndata: b\r\n\r\n", {"event message|a\nb|"}},
           {"mixed",
            "data: a\rdata: b\r\ndata: c\n\r\ndata: d\n\r",
            {"event message|a\nb\nc|", "event message|d|"}},
           {"CRLF is one end, not two", "data: a\r\ndata: b\r\n\r\n", {"event message|a\nb|"}},
           {"LF CR is two ends", "data: a\n\rdata: b\n\n", {"event message|a|", "event message|b|"}},
           {"last end missing", "data: a\n\ndata: b\n", {"event message|a|"}},
           {"no other line ends",
            "data: a\vb\fc\xc2\x85"
            "d\xe2\x80\xa8"
            "e\n\n",
            {"event message|a\vb\fc\xc2\x85"
             "d\xe2\x80\xa8"
             "e|"}}});
}

TEST(SseDecoder, C18_DispatchesAtACrWithoutWaitingForAnLf) {
    SseDecoder decoder;
    EXPECT_EQ(decoder.feed("data: a\r\r").size(), 1U);
    EXPECT_TRUE(decoder.feed("\n").empty());
    EXPECT_EQ(decoder.feed("data: b\n\n").size(), 1U);
}

TEST(SseDecoder, C18_StripsOneByteOrderMark) {
    check({{"at the start",
            "\xef\xbb\xbf"
            "data: a\n\ndata: b\n\n",
            {"event message|a|", "event message|b|"}},
           {"twice",
            "\xef\xbb\xbf\xef\xbb\xbf"
            "data: a\n\ndata: b\n\n",
            {"event message|b|"}},
           {"on a later line",
            "data: a\n\n\xef\xbb\xbf"
            "data: b\n\ndata: c\n\n",
            {"event message|a|", "event message|c|"}},
           {"within data",
            "data: \xef\xbb\xbf"
            "a\n\n",
            {"event message|\xef\xbb\xbf"
             "a|"}},
           {"cut short", "\xef\xbb\ndata: a\n\n", {"event message|a|"}},
           {"before a blank line",
            "\xef\xbb\xbf\n\xef\xbb\xbf"
            "data: a\n\n",
            {}}});
}

TEST(SseDecoder, C18_SplitsFieldsAtTheFirstColon) {
    check({{"one space only", "data:  a\ndata:\tb\n\n", {"event message| a\n\tb|"}},
           {"colons in the value", "data: :\ndata::\ndata: a:b: c\n\n", {"event message|:\n:\na:b: c|"}},
           {"names are exact", " data: a\nData: b\ndata : c\ndata\0: d\ndatax: e\n\n"sv, {}},
           {"unknown fields", "foo: 1\nbar\ndata: a\n\n", {"event message|a|"}},
           {"colon at once is a comment",
            ":data: a\n:\n::b\n:  c\n\n",
            {"comment data: a", "comment ", "comment :b", "comment  c"}},
           {"NUL is data", "data: a\0b\n\n"sv, {std::string{"event message|a\0b|"sv}}}});
}

TEST(SseDecoder, C18_NamesTheEventOfItsBlockOnly) {
    check({{"last counts", "event: a\nevent: b\ndata: c\n\n", {"event b|c|"}},
           {"not sticky", "event: a\ndata: b\n\ndata: c\n\n", {"event a|b|", "event message|c|"}},
           {"empty is message", "event: a\nevent:\ndata: b\n\n", {"event message|b|"}},
           {"space only", "event:  \ndata: b\n\n", {"event  |b|"}},
           {"no data, no event", "event: a\n\ndata: b\n\n", {"event message|b|"}},
           {"after the data", "data: b\nevent: a\n\n", {"event a|b|"}}});
}

TEST(SseDecoder, C18_KeepsTheLastEventId) {
    check({{"sticky", "id: 1\ndata: a\n\ndata: b\n\n", {"event message|a|1", "event message|b|1"}},
           {"taken back", "id: 1\ndata: a\n\nid\ndata: b\n\n", {"event message|a|1", "event message|b|"}},
           {"NUL is ignored",
            "id: 1\ndata: a\n\nid: 2\0003\ndata: b\n\n"sv,
            {"event message|a|1", "event message|b|1"}},
           {"without data", "id: 1\n\ndata: a\n\n", {"event message|a|1"}},
           {"last counts", "id: 1\nid: 2\ndata: a\n\n", {"event message|a|2"}},
           {"spaces stay", "id:  1 \ndata: a\n\n", {"event message|a| 1 "}},
           {"not ASCII", "id: \xe2\x80\xa6\ndata: a\n\n", {"event message|a|\xe2\x80\xa6"}}});
}

TEST(SseDecoder, C18_TakesARetryOfDigitsOnly) {
    check(
        {{"digits", "retry: 10\nretry:003\n", {"retry 10", "retry 3"}},
         {"at once, without a blank line", "retry: 5\ndata: a", {"retry 5"}},
         {"others", "retry: 1x\nretry: -5\nretry: 1.5\nretry:\nretry\nretry: +1\nretry:  7\nretry: 7 \n", {}},
         {"other digits", "retry: \xd9\xa1\n", {}},
         {"too large", "retry: 99999999999999999999999\n", {"retry 2147483647"}}});
}

TEST(SseDecoder, C18_ReplacesWhatIsNotUtf8) {
    const std::string replaced = "\xef\xbf\xbd";
    check({{"stray",
            "data: a\xff"
            "b\n\n",
            {"event message|a" + replaced + "b|"}},
           {"overlong", "data: \xc0\x80\n\n", {"event message|" + replaced + replaced + "|"}},
           {"surrogate", "data: \xed\xa0\x80\n\n", {"event message|" + replaced + replaced + replaced + "|"}},
           {"cut by a line end", "data: \xe2\x82\n\n", {"event message|" + replaced + "|"}},
           {"cut by ASCII", "data: \xf0\x9f\x98z\n\n", {"event message|" + replaced + "z|"}},
           {"beyond Unicode",
            "data: \xf4\x90\x80\x80\n\n",
            {"event message|" + replaced + replaced + replaced + replaced + "|"}},
           {"whole", "data: \xf0\x9f\x98\x80\n\n", {"event message|\xf0\x9f\x98\x80|"}}});
}

// The line feed cases of LaunchDarkly's clients: a CR at a chunk's end, and what follows it in the next.
TEST(SseDecoder, C18_JoinsLineEndsAcrossChunks) {
    const auto parts = [](std::initializer_list<std::string_view> chunks) {
        SseDecoder decoder;
        SseTranscript transcript;
        for (const auto chunk : chunks) decoder.feed(chunk, transcript);
        return transcript.said;
    };
    EXPECT_EQ(parts({"data: a\r", "\ndata: b\r", "\n\r", "\n"}), (Said{"event message|a\nb|"}));
    EXPECT_EQ(parts({"data: a\r", "data: b\r", "\r"}), (Said{"event message|a\nb|"}));
    EXPECT_EQ(parts({"data: a\r", "", "\n", "\n"}), (Said{"event message|a|"}));
    EXPECT_EQ(parts({"da", "ta", ":", " ", "a", "\n", "\n"}), (Said{"event message|a|"}));
    EXPECT_EQ(parts({"\xef", "\xbb",
                     "\xbf"
                     "data: a\n\n"}),
              (Said{"event message|a|"}));
    EXPECT_EQ(parts({"data: \xf0\x9f", "\x98\x80\n\n"}), (Said{"event message|\xf0\x9f\x98\x80|"}));
}

TEST(SseDecoder, C19_AHeartbeatIsACommentAndNoEvent) {
    check({{"between events",
            "data: a\n\n: hb\n: hb\ndata: b\n\n",
            {"event message|a|", "comment hb", "comment hb", "event message|b|"}},
           {"within a block", "data: a\n: hb\ndata: b\n\n", {"comment hb", "event message|a\nb|"}}});
}

// P-2: a client returns with the id of an event that it received, not of one that was cut.
TEST(SseDecoder, P2_DiscardsAnUnfinishedBlockWithItsId) {
    SseDecoder decoder;
    EXPECT_EQ(decoder.feed("id: 1\ndata: a\n\nid: 2\ndata: lost\n").size(), 1U);
    EXPECT_EQ(decoder.last_event_id(), "1");
    decoder.finish();
    EXPECT_EQ(decoder.last_event_id(), "1");
    const auto events = decoder.feed(
        "\xef\xbb\xbf"
        "data: b\n\n");
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0], (SseEvent{"message", "b", "1"}));
}

TEST(SseDecoder, P2_ContinuesAnEarlierStream) {
    SseDecoder decoder;
    decoder.set_last_event_id("41");
    EXPECT_EQ(decoder.feed("data: a\n\n").at(0).last_event_id, "41");
    EXPECT_EQ(decoder.feed("id: 42\ndata: a\n\n").at(0).last_event_id, "42");
    EXPECT_EQ(decoder.last_event_id(), "42");
}

TEST(SseDecoder, P6_SkipsAnEventAboveItsLimitAndGoesOn) {
    const std::string large(200, 'x');
    const auto stream = "id: 1\ndata: " + large + "\ndata: " + large + "\n\nid: 2\ndata: b\n\n";
    for (const std::size_t part : {std::size_t{1}, std::size_t{7}, stream.size()}) {
        EXPECT_EQ(decoded(stream, part, nullptr, 100), (Said{"overflow", "event message|b|2"})) << part;
    }
    // Many small lines are an event too.
    std::string lines;
    for (int i = 0; i < 60; ++i) lines += "data: x\n";
    EXPECT_EQ(decoded(lines + "\ndata: b\n\n", 3, nullptr, 100), (Said{"overflow", "event message|b|"}));
    std::string empty_lines;
    for (int i = 0; i < 120; ++i) empty_lines += "data\n";
    EXPECT_EQ(decoded(empty_lines + "\ndata: b\n\n", 3, nullptr, 100),
              (Said{"overflow", "event message|b|"}));
}

TEST(SseDecoder, P6_AnOverlongLineThatIsNoDataLosesNothing) {
    const std::string large(500, 'x');
    const Said expected{"event message|a|1"};
    EXPECT_EQ(decoded(":" + large + "\nid: 1\ndata: a\n\n", 11, nullptr, 100), expected);
    EXPECT_EQ(decoded(large + ": x\nid: 1\ndata: a\n\n", 11, nullptr, 100), expected);
    EXPECT_EQ(decoded("id: 1\nid: " + large + "\ndata: a\n\n", 11, nullptr, 100), expected);
}

TEST(SseDecoder, P6_TakesAnEventJustWithinItsLimit) {
    const std::string data(1 << 16, 'x');
    const auto stream = "data: " + data + "\n\n";
    EXPECT_EQ(decoded(stream, 1000, nullptr, data.size() + 6), (Said{"event message|" + data + "|"}));
    // A name that is replaced does not count twice.
    const std::string name(60, 'n');
    const auto named = "event: " + name + "\nevent: " + name + "\ndata: a\n\n";
    EXPECT_EQ(decoded(named, 5, nullptr, 100), (Said{"event " + name + "|a|"}));
}

// A stream of the pieces that matter, in any order: more telling than bytes drawn at random.
std::string random_stream(std::minstd_rand& random) {
    constexpr std::string_view pieces[] = {"data", "data:",        "data: ",   "event: ", "id: ",
                                           "id",   "retry: ",      ":",        "\n",      "\r",
                                           "\r\n", "\n\n",         "a",        "\0"sv,    "7",
                                           " ",    "\xef\xbb\xbf", "\xe2\x82", "\xff",    "\xf0\x9f\x98\x80",
                                           "hb",   "\n\r",         "x: y"};
    std::string stream;
    const auto count = random() % 40;
    for (std::size_t i = 0; i < count; ++i) stream += pieces[random() % std::size(pieces)];
    return stream;
}

TEST(SseDecoder, C18_AgreesWithTheStandardAtAnyDivision) {
    constexpr std::uint32_t seed = 20'261'122;
    RecordProperty("seed", static_cast<int>(seed));
    std::minstd_rand random{seed};
    for (int round = 0; round < 3000; ++round) {
        const auto stream = random_stream(random);
        const auto said = oracle_transcript(stream);
        ASSERT_EQ(decoded(stream, 1), said) << "seed " << seed << ", round " << round;
        ASSERT_EQ(decoded(stream, 2), said) << "seed " << seed << ", round " << round;
        ASSERT_EQ(decoded(stream, 30, &random), said) << "seed " << seed << ", round " << round;
        const auto small = decoded(stream, stream.size() + 1, nullptr, 12);
        ASSERT_EQ(decoded(stream, 3, &random, 12), small) << "seed " << seed << ", round " << round;
    }
}

}  // namespace
}  // namespace tidings
