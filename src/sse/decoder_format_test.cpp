// The subjects of web-platform-tests' eventsource/format-* and of LaunchDarkly's linefeed cases, written from
// the text of the WHATWG HTML Standard, section 9.2.6.

#include "sse/decoder_oracle.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using Said = std::vector<std::string>;

Said in_parts(std::string_view stream, std::size_t part_bytes) {
    SseDecoder decoder;
    SseTranscript transcript;
    for (; !stream.empty(); stream.remove_prefix(std::min(part_bytes, stream.size()))) {
        decoder.feed(stream.substr(0, part_bytes), transcript);
    }
    return transcript.said;
}

struct Vector {
    const char* subject;
    std::string_view stream;
    Said said;
};

class SseFormat : public testing::TestWithParam<Vector> {};

TEST_P(SseFormat, C18_SaysTheSameInPartsOfAnySize) {
    const auto& [subject, stream, said] = GetParam();
    for (std::size_t part_bytes = 1; part_bytes <= stream.size(); ++part_bytes) {
        EXPECT_EQ(in_parts(stream, part_bytes), said) << subject << " by " << part_bytes;
    }
}

const Vector fields[] = {
    {"field parsing",
     "data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\n"
     "data:3\rdata:\r\n data:32\ndata:4\n\n"sv,
     {"event message|\0\n 2\n1\n3\n\n4|"s}},
    {"data", "data:msg\ndata:msg\n\n:\ndata\n\n", {"event message|msg\nmsg|", "comment ", "event message||"}},
    {"data before the end",
     "retry:1000\ndata:test1\n\nid:test\ndata:test2",
     {"retry 1000", "event message|test1|"}},
    {"leading space", "data:\ttest\rdata: \ndata:test\n\n", {"event message|\ttest\n\ntest|"}},
    {"event", "event:test\ndata:x\n\ndata:x\n\n", {"event test|x|", "event message|x|"}},
    {"event empty", "event: \ndata:data\n\n", {"event message|data|"}},
    {"unknown field",
     "data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\n\n",
     {"comment thisisacommentyay", "event message|test\n|"}},
    {"comments",
     "data:1\n:\0\n:\r\ndata:2\n:xxxxx\rdata:3\n:data:fail\r:comment\ndata:4\n\n"sv,
     {"comment \0"s, "comment ", "comment xxxxx", "comment data:fail", "comment comment",
      "event message|1\n2\n3\n4|"}},
    {"null character", "data:\0\n\n\n\n"sv, {"event message|\0|"s}},
    {"UTF-8", "data:ok\xe2\x80\xa6\n\n", {"event message|ok\xe2\x80\xa6|"}},
};
INSTANTIATE_TEST_SUITE_P(Fields, SseFormat, testing::ValuesIn(fields));

const Vector marks[] = {
    {"byte order mark",
     "\xef\xbb\xbf"
     "data:1\n\n\xef\xbb\xbf"
     "data:2\n\ndata:3\n\n",
     {"event message|1|", "event message|3|"}},
    {"two byte order marks",
     "\xef\xbb\xbf\xef\xbb\xbf"
     "data:1\n\ndata:2\n\ndata:3\n\n",
     {"event message|2|", "event message|3|"}},
    {"half a byte order mark",
     "\xef\xbb"
     "data:1\n\ndata:2\n\n",
     {"event message|2|"}},
};
INSTANTIATE_TEST_SUITE_P(Marks, SseFormat, testing::ValuesIn(marks));

const Vector line_ends[] = {
    {"newlines", "data:test\r\ndata\ndata:test\r\n\r", {"event message|test\n\ntest|"}},
    {"LF", "event: a\ndata: 1\n\nevent: b\ndata: 2\n\n", {"event a|1|", "event b|2|"}},
    {"CR", "event: a\rdata: 1\r\revent: b\rdata: 2\r\r", {"event a|1|", "event b|2|"}},
    {"CRLF", "event: a\r\ndata: 1\r\n\r\nevent: b\r\ndata: 2\r\n\r\n", {"event a|1|", "event b|2|"}},
    {"CR, LF and CRLF in one block", "event: a\rdata: 1\ndata: 2\r\ndata: 3\n\r", {"event a|1\n2\n3|"}},
    {"LF CR is two line ends", "data: a\n\rdata: b\n\r", {"event message|a|", "event message|b|"}},
    {"CR CRLF is two line ends", "data: a\r\r\ndata: b\r\r\n", {"event message|a|", "event message|b|"}},
    {"CRLF LF is two line ends", "data: a\r\n\ndata: b\r\n\n", {"event message|a|", "event message|b|"}},
    {"no other line end",
     "data: a\vb\fc\xc2\x85"
     "d\xe2\x80\xa8"
     "e\n\n",
     {"event message|a\vb\fc\xc2\x85"
      "d\xe2\x80\xa8"
      "e|"}},
};
INSTANTIATE_TEST_SUITE_P(LineEnds, SseFormat, testing::ValuesIn(line_ends));

const Vector ids[] = {
    {"sticky", "id: 1\ndata: a\n\ndata: b\n\n", {"event message|a|1", "event message|b|1"}},
    {"id null", "id: 1\ndata: a\n\nid: x\0y\ndata: b\n\n"sv, {"event message|a|1", "event message|b|1"}},
    {"id reset",
     "id: 1\ndata: a\n\nid\ndata: b\n\nid:\ndata: c\n\n",
     {"event message|a|1", "event message|b|", "event message|c|"}},
    {"id in a block of its own", "id: 1\n\ndata: a\n\n", {"event message|a|1"}},
    {"id after data", "data: a\nid: 1\n\n", {"event message|a|1"}},
    {"retry", "retry:03000\nretry:1\n", {"retry 3000", "retry 1"}},
    {"retry bogus", "retry:3000x\nretry:-5\nretry:1.5\nretry: 1 \nretry:  1\n", {}},
    {"retry empty", "retry\nretry:\ndata:test\n\n", {"event message|test|"}},
};
INSTANTIATE_TEST_SUITE_P(IdsAndRetry, SseFormat, testing::ValuesIn(ids));

}  // namespace
}  // namespace tidings
