#include "sse/frame.hpp"

#include "base/utf8.hpp"

#include <tidings/sse_decoder.hpp>

#include <gtest/gtest.h>

#include <charconv>
#include <random>

namespace tidings {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

Event event(std::string type, std::string data) {
    Event made;
    made.id = *Uuid::parse("018f2c3a-7b4d-7e1f-8a2b-3c4d5e6f7081");
    made.type = std::move(type);
    made.data = std::move(data);
    return made;
}

constexpr auto id_line = "id: 018f2c3a-7b4d-7e1f-8a2b-3c4d5e6f7081\n"sv;

std::string encoded(const Event& source, WithId with_id = WithId::yes) {
    const auto frame = Frame::encode(source, with_id, Limits{});
    return frame ? std::string{(*frame)->text()} : "refused: " + frame.error().message();
}

Errc refusal(const Event& source, const Limits& limits = {}) {
    const auto frame = Frame::encode(source, WithId::yes, limits);
    EXPECT_FALSE(frame);
    return frame ? Errc::internal : frame.error().code;
}

// CR and CRLF as LF: the difference does not survive an event stream.
std::string with_line_feeds(std::string_view data) {
    std::string text;
    for (std::size_t i = 0; i < data.size(); ++i) {
        if (data[i] != '\r') {
            text.push_back(data[i]);
        } else if (data.substr(i + 1, 1) != "\n") {
            text.push_back('\n');
        }
    }
    return text;
}

void expect_round_trip(const std::string& type, const std::string& data, const Limits& limits = {}) {
    const auto frame = Frame::encode(event(type, data), WithId::yes, limits);
    ASSERT_TRUE(frame) << testing::PrintToString(data);
    SseDecoder decoder{std::size_t{8} << 20};
    const auto events = decoder.feed((*frame)->text());
    ASSERT_EQ(events.size(), 1U) << testing::PrintToString(data);
    EXPECT_EQ(events[0].type, type);
    EXPECT_EQ(events[0].data, with_line_feeds(data));
    EXPECT_EQ(events[0].last_event_id, "018f2c3a-7b4d-7e1f-8a2b-3c4d5e6f7081");
}

TEST(Frame, C8_HasOneSpaceAfterEachColonAndLineFeedsOnly) {
    EXPECT_EQ(encoded(event("sync.done", R"({"a":1})")),
              std::string{id_line} + "event: sync.done\ndata: {\"a\":1}\n\n");
    EXPECT_EQ(encoded(event("a", "x\r\ny\rz")),
              std::string{id_line} + "event: a\ndata: x\ndata: y\ndata: z\n\n");
}

TEST(Frame, C8_NeverHoldsANulOrWhatIsNotUtf8) {
    EXPECT_EQ(refusal(event("a", "x\0y"s)), Errc::invalid_field);
    for (const auto* data : {"\xff", "caf\xe9", "\xed\xa0\x80", "\xc0\xaf", "\xe2\x82"}) {
        EXPECT_EQ(refusal(event("a", data)), Errc::invalid_field) << data;
    }
    EXPECT_EQ(encoded(event("a", "\xf0\x9f\x98\x80"), WithId::no), "event: a\ndata: \xf0\x9f\x98\x80\n\n");
}

TEST(Frame, C9_SplitsDataOnEveryLineEnd) {
    const std::pair<std::string, std::string> cases[] = {
        {"a\nb", "data: a\ndata: b\n\n"},
        {"a\rb", "data: a\ndata: b\n\n"},
        {"a\r\nb", "data: a\ndata: b\n\n"},
        {"a\n\rb", "data: a\ndata: \ndata: b\n\n"},
        {"a\r\r\nb", "data: a\ndata: \ndata: b\n\n"},
        {"a\r", "data: a\ndata: \n\n"},
        {"\n", "data: \ndata: \n\n"},
        {"a\revent: evil\rdata: injected\r\r",
         "data: a\ndata: event: evil\ndata: data: injected\ndata: \ndata: \n\n"},
    };
    for (const auto& [data, block] : cases) {
        EXPECT_EQ(encoded(event("t", data), WithId::no), "event: t\n" + block);
        expect_round_trip("t", data);
    }
}

TEST(Frame, C9_RoundTripsRandomBytes) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random{seed};
    constexpr auto alphabet = "\r\n\n: \tadteivn\"{}"sv;
    for (int round = 0; round < 5000; ++round) {
        std::string bytes(1 + random() % 60, '\0');
        for (auto& c : bytes) {
            c = random() % 4 == 0 ? static_cast<char>(1 + random() % 255)
                                  : alphabet[random() % alphabet.size()];
        }
        std::string data;
        append_utf8(data, bytes);
        expect_round_trip("t", data);
    }
}

TEST(Frame, C10_KeepsDataThatLooksLikeSomethingElse) {
    Limits limits;
    limits.event_bytes = std::size_t{2} << 20;
    for (const auto& data :
         {" x"s, "  x "s, "\nx"s, "x\n"s, "\n\n\n"s, ":x"s, ": x"s, "data: x"s, "\xef\xbb\xbfx"s, "\t"s,
          std::string(1 << 20, 'x'), std::string(1 << 20, '\n')}) {
        expect_round_trip("t", data, limits);
    }
}

TEST(Frame, C11_RefusesATypeThatCouldEndItsLineOrDisguiseItself) {
    for (const auto& type :
         {"a\nb"s, "a\rb"s, "a\0b"s, "a\x1f"s, "a\x7f"s, "a\xc2\x85"s, "a\xe2\x80\x8b"s, "a\xe2\x80\xae"s,
          "a\xe2\x81\xa6"s, "a\xef\xbb\xbf"s, "a\xff"s, std::string(129, 'a')}) {
        EXPECT_EQ(refusal(event(type, "{}")), Errc::invalid_field) << testing::PrintToString(type);
    }
    EXPECT_EQ(encoded(event("\xc3\xa9.t\xc3\xa9", "{}"), WithId::no),
              "event: \xc3\xa9.t\xc3\xa9\ndata: {}\n\n");
}

TEST(Frame, C13_OmitsAnEmptyTypeAndDoesNotForgeTheHubsNames) {
    EXPECT_EQ(encoded(event("", "{}"), WithId::no), "data: {}\n\n");
    EXPECT_EQ(refusal(event("tidings.gap", "{}")), Errc::reserved_name);
    EXPECT_EQ(refusal(event("tidings", "{}")), Errc::reserved_name);
    EXPECT_EQ(encoded(event("tidings_of_joy", "{}"), WithId::no), "event: tidings_of_joy\ndata: {}\n\n");
}

TEST(Frame, C14_NeverHasEmptyData) { EXPECT_EQ(refusal(event("a", "")), Errc::invalid_field); }

TEST(Frame, C15_HasTheIdInItsCanonicalFormOrNoneAtAll) {
    EXPECT_EQ(encoded(event("a", "1")).substr(0, id_line.size()), id_line);
    EXPECT_EQ(encoded(event("a", "1"), WithId::no), "event: a\ndata: 1\n\n");
}

TEST(Frame, C16_HasARetryOfDigitsOnlyInOurOwnEvents) {
    const Uuid id = event("", "").id;
    EXPECT_EQ(Frame::control("tidings.caught_up", "{}", id, 2500)->text(),
              std::string{id_line} + "event: tidings.caught_up\nretry: 2500\ndata: {}\n\n");
    EXPECT_EQ(Frame::control("tidings.expiring", "{}", std::nullopt)->text(),
              "event: tidings.expiring\ndata: {}\n\n");
    EXPECT_EQ(Frame::retry(0)->text(), "retry: 0\n");
    EXPECT_EQ(Frame::retry(4294967295)->text(), "retry: 4294967295\n");
}

TEST(Frame, C17_RefusesDataAboveTheLimit) {
    Limits limits;
    EXPECT_EQ(limits.event_bytes, std::size_t{64} * 1024);
    EXPECT_TRUE(Frame::encode(event("a", std::string(65'536, 'x')), WithId::yes, limits));
    EXPECT_EQ(refusal(event("a", std::string(65'537, 'x')), limits), Errc::event_too_large);
}

TEST(Frame, C19_HeartbeatIsACommentWithoutAnEmptyLine) {
    EXPECT_EQ(Frame::comment("hb")->text(), ": hb\n");
    EXPECT_EQ(Frame::comment("hb")->chunk(), "5\r\n: hb\n\r\n");
    SseDecoder decoder;
    EXPECT_TRUE(decoder.feed(Frame::comment("hb")->text()).empty());
}

TEST(Frame, ChunkHoldsTheTextAndItsSizeInHexadecimal) {
    for (const std::size_t size : {1, 15, 16, 255, 256, 4095, 4096, 70'000}) {
        const auto frame = Frame::raw(std::string(size, 'x'));
        std::size_t said = 0;
        const auto chunk = frame->chunk();
        const auto end = std::from_chars(chunk.data(), chunk.data() + chunk.size(), said, 16).ptr;
        EXPECT_EQ(said, size);
        EXPECT_EQ(frame->text(), std::string(size, 'x'));
        EXPECT_EQ(chunk.substr(static_cast<std::size_t>(end - chunk.data())),
                  "\r\n" + std::string(size, 'x') + "\r\n");
    }
    EXPECT_EQ(Frame::last_chunk()->chunk(), "0\r\n\r\n");
    EXPECT_EQ(Frame::last_chunk()->text(), "");
}

TEST(Frame, IsSharedAndEndsWithItsLastHolder) {
    FramePtr first = Frame::raw("x");
    const FramePtr second = first;
    EXPECT_EQ(second->use_count(), 2U);
    first.reset();
    EXPECT_EQ(second->text(), "x");
}

TEST(Frame, AnOpeningIsAHeadAndAChunk) {
    const auto frame = Frame::opening("HTTP/1.1 200 OK\r\n\r\n", ": tidings\n");
    EXPECT_EQ(frame->chunk(), "HTTP/1.1 200 OK\r\n\r\na\r\n: tidings\n\r\n");
    EXPECT_EQ(frame->text(), ": tidings\n");
}

}  // namespace
}  // namespace tidings
