#include "load/answer_reader.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tidings::load {
namespace {

struct Collected {
    std::vector<std::pair<int, std::string>> answers{};
    std::string coming{};
    void body(std::string_view bytes) { coming += bytes; }
    void complete(int status) { answers.emplace_back(status, std::exchange(coming, {})); }
};

TEST(LoadAnswers, AreReadWhereverTheyAreCut) {
    const std::string stream =
        "HTTP/1.1 201 Created\r\ncontent-LENGTH: 5\r\n\r\nhello"
        "HTTP/1.1 204 No Content\r\n\r\n"
        "HTTP/1.1 100 Continue\r\n\r\n"
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n"
        "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
    const std::vector<std::pair<int, std::string>> expected{
        {201, "hello"}, {204, ""}, {200, "abc0123456789"}, {503, ""}};
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        AnswerReader reader;
        Collected collected;
        EXPECT_TRUE(reader.feed(std::string_view{stream}.substr(0, cut), collected));
        EXPECT_TRUE(reader.feed(std::string_view{stream}.substr(cut), collected));
        EXPECT_EQ(collected.answers, expected) << cut;
    }
}

TEST(LoadAnswers, WhatIsNoneIsRefused) {
    const std::string cases[] = {"SSH-2.0\r\n", std::string(20'000, 'x'),
                                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"};
    for (const std::string& text : cases) {
        AnswerReader reader;
        Collected collected;
        EXPECT_FALSE(reader.feed(text, collected));
        EXPECT_FALSE(reader.feed("HTTP/1.1 204 X\r\n\r\n", collected));
    }
}

}  // namespace
}  // namespace tidings::load
