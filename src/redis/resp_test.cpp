#include "redis/resp.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidings::redis {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

struct Heard {
    std::vector<Value> values{};
    bool failed = false;
    bool operator==(const Heard&) const = default;
};

Heard heard(std::string_view bytes, std::size_t part, ReplyLimits limits = {}) {
    RespReader reader{limits};
    Heard result;
    while (!bytes.empty()) {
        const auto piece = bytes.substr(0, part);
        bytes.remove_prefix(piece.size());
        if (!reader.feed(piece)) result.failed = true;
        while (auto value = reader.next()) result.values.push_back(std::move(*value));
    }
    return result;
}

std::string failure(std::string_view bytes, ReplyLimits limits = {}) {
    RespReader reader{limits};
    const auto fed = reader.feed(bytes);
    return fed ? "" : fed.error().detail;
}

TEST(Resp, ReadsEachKind) {
    struct Row {
        std::string bytes;
        Value value;
    };
    const Row rows[] = {
        {"+OK\r\n", Value::of_status("OK")},
        {"+\r\n", Value::of_status("")},
        {"-ERR no\r\n", Value::of_error("ERR no")},
        {":-12\r\n", Value::of_integer(-12)},
        {"$-1\r\n", Value{}},
        {"*-1\r\n", Value{}},
        {"$0\r\n\r\n", Value::of_text("")},
        {"$6\r\na\r\nb\0c\r\n"s, Value::of_text("a\r\nb\0c"s)},
        {"*0\r\n", Value::of_array({})},
        {"*2\r\n:1\r\n*2\r\n$1\r\nx\r\n*-1\r\n",
         Value::of_array({Value::of_integer(1), Value::of_array({Value::of_text("x"), Value{}})})},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(heard(row.bytes, 1024), (Heard{{row.value}, false})) << row.bytes;
        EXPECT_EQ(heard(row.bytes, 1), (Heard{{row.value}, false})) << row.bytes;
    }
}

TEST(Resp, ReadsTheSameHoweverTheBytesAreCut) {
    const std::string texts[] = {
        "+OK\r\n*3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$5\r\nhello\r\n:7\r\n$-1\r\n-ERR x\r\n*1\r\n*1\r\n*0\r\n",
        "+OK\r\n$3\r\nabc\r\n!garbage\r\n+OK\r\n",
        ":1\r\n:x\r\n:2\r\n",
        "*2\r\n$-5\r\n",
        "$12\r\ntoo little",
        "*5\r\n:1\r\n:2\r\n:3\r\n",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        std::string(100, '\0'),
    };
    for (const auto& text : texts) {
        const auto whole = heard(text, text.size());
        for (std::size_t part = 1; part < text.size(); ++part)
            EXPECT_EQ(heard(text, part), whole) << part << text;
    }
}

TEST(Resp, SaysNothingOfAReplyThatIsNotWhole) {
    const std::string text = "*2\r\n$3\r\nabc\r\n*2\r\n:1\r\n+OK\r\n";
    for (std::size_t size = 0; size < text.size(); ++size) {
        EXPECT_EQ(heard(text.substr(0, size), 1024), Heard{}) << size;
    }
}

TEST(Resp, AFailureIsFinalAndKeepsWhatCameBefore) {
    RespReader reader;
    EXPECT_FALSE(reader.feed("+OK\r\n?\r\n"));
    EXPECT_FALSE(reader.feed("+LATER\r\n"));
    EXPECT_EQ(reader.next(), Value::of_status("OK"));
    EXPECT_EQ(reader.next(), std::nullopt);
    EXPECT_EQ(reader.feed("+LATER\r\n").error().code, Errc::connection_failed);
}

TEST(Resp, RefusesWhatIsTooLargeBeforeItComes) {
    const ReplyLimits limits{.bytes = 1000, .elements = 10, .line_bytes = 20, .depth = 3};
    struct Row {
        std::string bytes;
        std::string why;
    };
    const Row rows[] = {
        {"$1001\r\n", "1000 bytes"},
        {"$9223372036854775807\r\n", "1000 bytes"},
        {"$99999999999999999999\r\n", "ulk string"},
        {"*11\r\n", "10 elements"},
        {"*2147483647\r\n", "10 elements"},
        {"*9999999999\r\n", "ulti-bulk length"},
        {"*-7\r\n", "ulti-bulk length"},
        {"*6\r\n*5\r\n", "10 elements"},
        {"*1\r\n*1\r\n*1\r\n*1\r\n", "deeper than 3"},
        {"+" + std::string(21, 'x'), "20 bytes"},
        {"-" + std::string(21, 'x') + "\r\n", "20 bytes"},
        {":" + std::string(21, '1'), "20 bytes"},
        {"$" + std::string(21, '1'), "20 bytes"},
        {"*" + std::string(21, '1'), "20 bytes"},
        {"$" + std::string(21, '1') + "\r", "20 bytes"},
        {"+a\r" + std::string(21, 'x'), "20 bytes"},
        {"*10\r\n" + std::string(4, ' '), "reply type byte"},
    };
    for (const auto& row : rows) {
        EXPECT_THAT(failure(row.bytes, limits), HasSubstr(row.why)) << row.bytes;
        EXPECT_TRUE(heard(row.bytes, 1, limits).failed) << row.bytes;
    }
}

TEST(Resp, CountsTheWholeReplyNotEachText) {
    const ReplyLimits limits{.bytes = 2000};
    std::string many = "*30\r\n";
    for (int i = 0; i < 30; ++i) many += "$100\r\n" + std::string(100, 'x') + "\r\n";
    EXPECT_TRUE(heard(many, 4096, limits).failed);
    std::string one_by_one;
    for (int i = 0; i < 30; ++i) one_by_one += "$100\r\n" + std::string(100, 'x') + "\r\n";
    EXPECT_EQ(heard(one_by_one, 4096, limits).values.size(), 30u);
}

TEST(Resp, ReadsAMillionSmallReplies) {
    std::string bytes;
    for (int i = 0; i < 1'000'000; ++i) bytes += ":1\r\n";
    EXPECT_EQ(heard(bytes, 1 << 20).values.size(), 1'000'000u);
}

TEST(Resp, ReadsTolerantly) {
    const auto value =
        Value::of_array({Value::of_text("length"), Value::of_text("12"), Value::of_text("groups"),
                         Value::of_integer(0), Value::of_text("odd")});
    EXPECT_EQ(value.field("length").as_integer(), 12);
    EXPECT_EQ(value.field("groups").as_integer(), 0);
    EXPECT_TRUE(value.field("odd").is_nil());
    EXPECT_TRUE(value.field("").is_nil());
    EXPECT_TRUE(value.at(9).at(3).is_nil());
    EXPECT_EQ(value.at(1).text_or_empty(), "12");
    EXPECT_EQ(value.at(3).text_or_empty(), "");
    EXPECT_EQ(Value::of_text("12x").as_integer(), std::nullopt);
    EXPECT_EQ(Value::of_text("").as_integer(), std::nullopt);
    EXPECT_EQ(Value::of_error("ERR").text_or_empty(), "");
    EXPECT_TRUE(Value::of_status("OK").is_status("OK"));
}

TEST(Resp, WritesCommands) {
    EXPECT_EQ(command({"PING"}), "*1\r\n$4\r\nPING\r\n");
    EXPECT_EQ(command({"SET", "", std::string_view{"a\r\n\0", 4}}),
              "*3\r\n$3\r\nSET\r\n$0\r\n\r\n$4\r\na\r\n\0\r\n"s);
}

}  // namespace
}  // namespace tidings::redis
