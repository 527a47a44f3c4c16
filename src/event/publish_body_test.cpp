#include "event/publish_body.hpp"

#include "event/finance_test_events.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

const Registry& registry() {
    static const Registry loaded = finance::registry();
    return loaded;
}

const std::string login = R"("type":"security.login.failed","data":{"reason":"x"})";

Result<PublishItem> parse(const std::string& json, const Limits& limits = {}) {
    return parse_publish_item(json, registry(), limits);
}

TEST(PublishBody, ReadsEachAudience) {
    EXPECT_EQ(
        parse("{" + login + R"(,"user_id":"11111111-2222-7333-8444-555555555555"})")->draft.audience.text(),
        "user:11111111-2222-7333-8444-555555555555");
    EXPECT_EQ(
        parse("{" + login + R"(,"user_id":"11111111-2222-7333-8444-ABCDEFABCDEF"})")->draft.audience.text(),
        "user:11111111-2222-7333-8444-abcdefabcdef");
    EXPECT_EQ(parse("{" + login + R"(,"topic":"job:42"})")->draft.audience.text(), "topic:job:42");
    EXPECT_EQ(parse("{" + login + R"(,"broadcast":true})")->draft.audience.text(), "broadcast");
}

TEST(PublishBody, SeveralUsersAreSeveralAudiencesNoneTwice) {
    const auto item = parse("{" + login + R"(,"user_ids":["b","a","b"]})");
    ASSERT_TRUE(item);
    ASSERT_EQ(item->audiences.size(), 2U);
    EXPECT_EQ(item->audiences[0].text(), "user:b");
    EXPECT_EQ(item->audiences[1].text(), "user:a");
    EXPECT_EQ(item->draft.audience, item->audiences[0]);
}

TEST(PublishBody, CarriesTheRest) {
    const auto item =
        parse("{" + login + R"(,"topic":"t","occurred_at":"2026-01-20T02:30:00Z","idempotency_key":"k1"})");
    ASSERT_TRUE(item) << item.error().message();
    EXPECT_EQ(item->draft.type, "security.login.failed");
    EXPECT_EQ(item->draft.data, R"({"reason":"x"})");
    EXPECT_EQ(item->draft.occurred_at, Timestamp{std::chrono::seconds{1'768'876'200}});
    EXPECT_EQ(item->draft.idempotency_key, "k1");
    EXPECT_EQ(item->audiences.size(), 1U);
}

TEST(PublishBody, DataIsMinifiedNeverRebuilt) {
    const auto item = parse(R"({"type":"portfolio.networth.updated","topic":"t","data":{
        "previous_net_worth": 1000.00, "new_net_worth": "1E+3", "delta": 123456789012345678901234567890,
        "currency": "\u0041 b", "account_count": 1 }})");
    ASSERT_TRUE(item) << item.error().message();
    EXPECT_EQ(item->draft.data,
              R"({"previous_net_worth":1000.00,"new_net_worth":"1E+3",)"
              R"("delta":123456789012345678901234567890,"currency":"\u0041 b","account_count":1})");
}

TEST(PublishBody, V4_NeedsTypeAndAudienceAndDefaultsTheRest) {
    Registry free;
    ASSERT_TRUE(free.add_category("c"));
    ASSERT_TRUE(free.add_type({"a.b", "c", "", {}, SlowReader::resume, true}));
    const auto item = parse_publish_item(R"({"type":"a.b","user_id":"u"})", free, Limits{});
    ASSERT_TRUE(item);
    EXPECT_EQ(item->draft.data, "{}");
    EXPECT_EQ(item->draft.occurred_at, std::nullopt);
    EXPECT_EQ(parse_publish_item(R"({"user_id":"u"})", free, Limits{}).error().code, Errc::missing_field);
    EXPECT_EQ(parse_publish_item(R"({"type":"a.b"})", free, Limits{}).error().code, Errc::ambiguous_audience);
    // Fields that are not declared are free, but data is an object (D29).
    EXPECT_TRUE(parse_publish_item(R"({"type":"a.b","user_id":"u","data":{"any":[1]}})", free, Limits{}));
    EXPECT_EQ(parse_publish_item(R"({"type":"a.b","user_id":"u","data":[]})", free, Limits{}).error().code,
              Errc::invalid_field);
    EXPECT_EQ(parse_publish_item(R"({"type":"a.b","user_id":"u","data":null})", free, Limits{}).error().code,
              Errc::invalid_field);
}

TEST(PublishBody, C64_AKeyBelongsToATypeThatConflates) {
    Registry conflating;
    ASSERT_TRUE(conflating.add_category("c"));
    ASSERT_TRUE(conflating.add_type({.type = "a.b",
                                     .category = "c",
                                     .description = "",
                                     .data = {},
                                     .slow_reader = SlowReader::conflate}));
    const auto with = [&](const std::string& key) {
        return parse_publish_item(R"({"type":"a.b","topic":"t","key":)" + key + "}", conflating, Limits{});
    };
    ASSERT_TRUE(with(R"("file 1")"));
    EXPECT_EQ(with(R"("file 1")")->draft.key, "file 1");
    EXPECT_TRUE(with('"' + std::string(128, 'k') + '"'));
    EXPECT_EQ(with('"' + std::string(129, 'k') + '"').error().code, Errc::invalid_field);
    EXPECT_EQ(with(R"("")").error().code, Errc::invalid_field);
    EXPECT_EQ(with(R"("a\nb")").error().code, Errc::invalid_field);
    EXPECT_EQ(with("5").error().code, Errc::invalid_field);
}

struct Bad {
    std::string json;
    Errc code;
    const char* says;
};

std::vector<Bad> bad_bodies() {
    const std::string to_t = R"("topic":"t")";
    const auto typed = [&](const std::string& type) { return R"({"type":")" + type + R"(",)" + to_t + "}"; };
    return {
        {"", Errc::invalid_json, ""},
        {"{", Errc::invalid_json, ""},
        {"{\"type\":\"\xff\"}", Errc::invalid_json, ""},
        {R"({"type":NaN})", Errc::invalid_json, ""},
        {"{" + login + "," + to_t + "} x", Errc::invalid_json, ""},
        {std::string(100'000, '['), Errc::invalid_json, ""},
        {R"({"data":)" + std::string(70, '[') + std::string(70, ']') + "}", Errc::invalid_json, ""},
        {"5", Errc::invalid_field, "a publish is a JSON object"},
        {"{" + login + "," + to_t + R"(,"id":"x"})", Errc::unknown_field, "no member 'id'"},
        {"{" + login + "," + to_t + R"(,"retry":5})", Errc::unknown_field, "no member 'retry'"},
        {"{" + login + R"(,"usr_id":"u"})", Errc::unknown_field, "did you mean 'user_id'?"},
        {R"({"type":5,"topic":"t"})", Errc::invalid_field, "'type' of a publish is a string"},
        {typed("no.such.type"), Errc::unknown_type, "no.such.type"},
        {typed("error"), Errc::reserved_name, ""},
        {typed("open"), Errc::reserved_name, ""},
        {typed("message"), Errc::reserved_name, ""},
        {typed("tidings.gap"), Errc::reserved_name, "the hub's own"},
        {typed(""), Errc::invalid_field, "empty"},
        {typed("a\\nb"), Errc::invalid_field, "control"},
        {typed("a\\rb"), Errc::invalid_field, "control"},
        {typed("a\\u0000b"), Errc::invalid_field, "control"},
        {typed("a\\u202eb"), Errc::invalid_field, "format character"},
        {"{" + login + "}", Errc::ambiguous_audience, "names its audience"},
        {"{" + login + R"(,"user_id":"u","topic":"t"})", Errc::ambiguous_audience, "one audience only"},
        {"{" + login + R"(,"user_id":"u","user_ids":["v"]})", Errc::ambiguous_audience, ""},
        {"{" + login + R"(,"broadcast":true,"topic":"t"})", Errc::ambiguous_audience, ""},
        {"{" + login + R"(,"broadcast":false})", Errc::invalid_field, "'broadcast' of a publish is true"},
        {"{" + login + R"(,"user_id":null})", Errc::invalid_field, "'user_id' of a publish is a string"},
        {"{" + login + R"(,"user_id":""})", Errc::invalid_field, "user id"},
        {"{" + login + R"(,"user_id":"a b"})", Errc::invalid_field, "user id"},
        {"{" + login + R"(,"user_id":"a\r\nb"})", Errc::invalid_field, "user id"},
        {"{" + login + R"(,"user_ids":[]})", Errc::invalid_field, "at least one"},
        {"{" + login + R"(,"user_ids":"u"})", Errc::invalid_field, "list"},
        {"{" + login + R"(,"user_ids":[null]})", Errc::invalid_field, "not a string"},
        {"{" + login + R"(,"topic":"a b"})", Errc::invalid_field, "topic"},
        {"{" + login + "," + to_t + R"(,"occurred_at":"soon"})", Errc::invalid_field, "ISO 8601"},
        {"{" + login + "," + to_t + R"(,"occurred_at":5})", Errc::invalid_field, "string"},
        {"{" + login + "," + to_t + R"(,"key":"k"})", Errc::invalid_field,
         "'security.login.failed' takes no 'key': leave it out"},
        {"{" + login + "," + to_t + R"(,"idempotency_key":""})", Errc::invalid_field, "empty"},
        {"{" + login + "," + to_t + R"(,"idempotency_key":"a\nb"})", Errc::invalid_field, "control"},
        {R"({"type":"security.login.failed","topic":"t"})", Errc::missing_field, "'reason'"},
        {R"({"type":"security.login.failed","topic":"t","data":{"reason":5}})", Errc::invalid_field,
         "'reason'"},
        {R"({"type":"security.login.failed","topic":"t","data":{"reason":"x","a":1}})", Errc::unknown_field,
         "'a'"},
        {"{" + login + "," + login + "," + to_t + "}", Errc::invalid_field, "stands twice"},
    };
}

TEST(PublishBody, C11_C12_C13_D29_RefusesAndSaysWhatWouldBeRight) {
    for (const auto& row : bad_bodies()) {
        const auto item = parse(row.json);
        ASSERT_FALSE(item) << row.json;
        EXPECT_EQ(item.error().code, row.code) << row.json.substr(0, 200) << "\n" << item.error().message();
        EXPECT_NE(item.error().detail.find(row.says), std::string::npos) << item.error().detail;
    }
}

TEST(PublishBody, C17_BoundsTheDataAndTheUsers) {
    const auto sized = [](std::size_t bytes) {
        return R"({"type":"security.login.failed","topic":"t","data":{"reason":")" + std::string(bytes, 'x') +
               R"("}})";
    };
    constexpr std::size_t around = std::string_view{R"({"reason":""})"}.size();
    EXPECT_TRUE(parse(sized(64 * 1024 - around)));
    EXPECT_EQ(parse(sized(64 * 1024 - around + 1)).error().code, Errc::event_too_large);
    Limits limits;
    limits.users_per_event = 2;
    EXPECT_TRUE(parse("{" + login + R"(,"user_ids":["a","b"]})", limits));
    EXPECT_EQ(parse("{" + login + R"(,"user_ids":["a","b","c"]})", limits).error().code, Errc::invalid_field);
    EXPECT_EQ(parse("{" + login + R"(,"topic":"t","idempotency_key":")" + std::string(257, 'k') + R"("})")
                  .error()
                  .code,
              Errc::invalid_field);
}

TEST(PublishBody, SplitsAnArray) {
    const auto items = split_array(R"( [ {"a": [1, 2]}, "x,y", [] ] )", Limits{});
    ASSERT_TRUE(items);
    EXPECT_EQ(*items, (std::vector<std::string>{R"({"a":[1,2]})", R"("x,y")", "[]"}));
    EXPECT_TRUE(split_array("[]", Limits{})->empty());
    EXPECT_EQ(split_array("{}", Limits{}).error().code, Errc::invalid_field);
    EXPECT_EQ(split_array("[1,", Limits{}).error().code, Errc::invalid_json);
    Limits limits;
    limits.batch_items = 2;
    EXPECT_TRUE(split_array("[1,2]", limits));
    EXPECT_EQ(split_array("[1,2,3]", limits).error().code, Errc::request_too_large);
}

// Every line of the text as "number:text" or "number!", fed in pieces of `piece` bytes.
std::vector<std::string> lines_of(std::string_view text, std::size_t piece, std::size_t line_bytes_max) {
    NdjsonSplitter splitter{line_bytes_max};
    std::vector<std::string> lines;
    const auto drain = [&] {
        while (const auto line = splitter.next()) {
            lines.push_back(std::to_string(line->number) +
                            (line->text ? ":" + std::string{*line->text} : "!"));
        }
    };
    for (std::size_t at = 0; at < text.size(); at += piece) {
        splitter.feed(text.substr(at, piece));
        drain();
    }
    splitter.finish();
    drain();
    return lines;
}

TEST(NdjsonSplitter, SplitsHoweverTheBytesCome) {
    const std::string_view text = "{\"a\":1}\r\n\n  \n12345678\n123456789\n{}\n0123456789abcdef\nlast";
    const std::vector<std::string> expected{"1:{\"a\":1}", "4:12345678", "5!", "6:{}", "7!", "8:last"};
    for (std::size_t piece = 1; piece <= text.size(); ++piece)
        EXPECT_EQ(lines_of(text, piece, 8), expected) << piece;
}

TEST(NdjsonSplitter, AnEndlessLineIsOneErrorAndIsNotKept) {
    NdjsonSplitter splitter{8};
    int errors = 0;
    for (int i = 0; i < 1000; ++i) {
        splitter.feed("xxxxxxxx");
        while (const auto line = splitter.next()) {
            EXPECT_EQ(line->text.error().code, Errc::event_too_large);
            ++errors;
        }
    }
    EXPECT_EQ(errors, 1);
    splitter.feed("\n{}\n");
    const auto line = splitter.next();
    ASSERT_TRUE(line);
    EXPECT_EQ(line->number, 2U);
    EXPECT_EQ(*line->text, "{}");
    splitter.finish();
    EXPECT_FALSE(splitter.next());
}

TEST(NdjsonSplitter, NothingIsNothing) {
    EXPECT_TRUE(lines_of("", 1, 8).empty());
    EXPECT_TRUE(lines_of("\n\r\n \n", 1, 8).empty());
}

}  // namespace
}  // namespace tidings
