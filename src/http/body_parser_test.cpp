#include "http/body_parser.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace tidings::http {
namespace {

constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

struct Decoded {
    BodyState state = BodyState::need_more;
    std::string body;
    std::size_t consumed = 0;
    bool operator==(const Decoded&) const = default;
};

Decoded decode(std::string_view bytes, std::size_t piece, std::uint64_t limit = no_limit) {
    BodyParser parser;
    parser.begin(BodyKind::chunked, 0);
    Decoded decoded;
    for (std::size_t begin = 0; begin < bytes.size() && decoded.state == BodyState::need_more;
         begin += piece) {
        const auto step = parser.step(bytes.substr(begin, piece), limit, decoded.body);
        decoded.state = step.state;
        decoded.consumed += step.consumed;
    }
    return decoded;
}

TEST(BodyParser, C52_DecodesChunksAtAnyCutAndStopsBehindThem) {
    const std::string bytes =
        "5\r\nhello\r\n1;a=b;c;d=\"\\\"\"\r\n \r\nb\r\nhello world\r\n00\r\nX: y\r\n\r\nGET";
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
        const auto decoded = decode(bytes, piece);
        EXPECT_EQ(decoded.state, BodyState::complete);
        EXPECT_EQ(decoded.body, "hello hello world");
        EXPECT_EQ(decoded.consumed, bytes.size() - 3);
    }
}

TEST(BodyParser, C52_RefusesFramingThatCanBeReadInTwoWays) {
    for (const auto* bytes : {
             "x\r\n",
             "-1\r\n",
             "+1\r\n",
             "0x1\r\n",
             "\r\n",
             " 1\r\n",
             "1 \r\n",
             "1 ;a\r\n",
             ";a\r\n",
             "1\n",
             "1\r\nxx",
             "1\r\nx\n",
             "1\r\nx\ry",
             "1\r\nx1\r\n",
             "1\rx",
             "1;a\nb\r\n",
             "1;\r\n",
             "1;a=\r\n",
             "1;a=\"b\r\n",
             "1;a=\"b\\\"\r\n",
             "1;a=\"b\"c\r\n",
             "1; a\r\n",
             "0\r\n X: y\r\n\r\n",
             "0\r\nX : y\r\n\r\n",
             "0\r\nX\r\n\r\n",
             "0\r\n\n",
             "ffffffffffffffff\r\n",
             "0000000000000001\r\n",
         }) {
        const auto whole = decode(bytes, std::string_view{bytes}.size());
        EXPECT_EQ(whole.state, BodyState::malformed) << bytes;
        EXPECT_EQ(decode(bytes, 1), whole) << bytes;
    }
}

TEST(BodyParser, BoundsExtensionsAndTrailers) {
    EXPECT_EQ(decode("1;" + std::string(300, 'x'), 64).state, BodyState::malformed);
    EXPECT_EQ(decode("0\r\nX: " + std::string(9000, 'x'), 64).state, BodyState::malformed);
    std::string many;
    for (int i = 0; i < 200; ++i) many.append("1;" + std::string(200, 'x') + "\r\ny\r\n");
    EXPECT_EQ(decode(many, 64).state, BodyState::malformed);
    std::string trailers = "0\r\n";
    for (int i = 0; i < 200; ++i) trailers.append("X: " + std::string(200, 'x') + "\r\n");
    EXPECT_EQ(decode(trailers, 64).state, BodyState::malformed);
}

TEST(BodyParser, RefusesAChunkAboveTheLimitAtItsSize) {
    EXPECT_EQ(decode("fffffffffffffff\r\n", 1, 100).state, BodyState::too_large);
    EXPECT_EQ(decode("64\r\n", 1, 100).state, BodyState::need_more);
    EXPECT_EQ(decode("65\r\n", 1, 100).state, BodyState::too_large);
}

TEST(BodyParser, ReadsASizedBodyAndNoMore) {
    BodyParser parser;
    std::string body;
    parser.begin(BodyKind::sized, 3);
    EXPECT_EQ(parser.step("ab", no_limit, body).state, BodyState::need_more);
    const auto step = parser.step("cd", no_limit, body);
    EXPECT_EQ(step.state, BodyState::complete);
    EXPECT_EQ(step.consumed, 1U);
    EXPECT_EQ(body, "abc");
    parser.begin(BodyKind::none, 0);
    EXPECT_EQ(parser.step("x", 0, body).consumed, 0U);
}

}  // namespace
}  // namespace tidings::http
