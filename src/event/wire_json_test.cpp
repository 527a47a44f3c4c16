#include "event/wire_json.hpp"

#include "event/finance_test_events.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

const Registry& registry() {
    static const Registry loaded = finance::registry();
    return loaded;
}

Event sample() {
    Event event;
    event.id = finance::thing;
    event.type = "sync.accounts.completed";
    event.category = "data_sync";
    event.audience = Audience::user(UserId{finance::user});
    event.data = R"({"connection_id":"x","account_count":3,"note":"Zürich 🎉"})";
    event.occurred_at = Timestamp{std::chrono::seconds{1'768'876'200}};
    return event;
}

const std::string sample_json = R"({"event_id": "0199a2b4-0000-7abc-8def-0123456789ab", )"
                                R"("event_type": "sync.accounts.completed", )"
                                R"("user_id": "11111111-2222-7333-8444-555555555555", )"
                                R"("data": {"connection_id":"x","account_count":3,"note":"Zürich 🎉"}, )"
                                R"("occurred_at": "2026-01-20T02:30:00+00:00"})";

Result<WireEvent> parse(std::string_view json) { return parse_wire_json(json, registry(), Limits{}); }

TEST(ChannelKeys, K1_NamesAreTheOriginals) {
    const ChannelKeys keys;
    const UserId user{finance::user};
    EXPECT_EQ(keys.user_channel(user), "sse:user:11111111-2222-7333-8444-555555555555");
    EXPECT_EQ(keys.user_stream(user), "sse:stream:user:11111111-2222-7333-8444-555555555555");
    EXPECT_EQ(keys.broadcast_channel(), "sse:broadcast");
    EXPECT_NE(keys.user_channel(user), keys.user_channel(UserId{finance::other}));
    EXPECT_EQ(ChannelKeys{"app"}.broadcast_channel(), "app:broadcast");
}

TEST(ChannelKeys, K2_TheUserIsReadBack) {
    const ChannelKeys keys;
    EXPECT_EQ(keys.user_uuid_of(keys.user_channel(UserId{finance::user})), finance::user);
    EXPECT_EQ(keys.user_of(keys.user_channel(UserId{finance::user})), UserId{finance::user});
    for (const auto* name :
         {"sse:broadcast", "sse:stream:user:11111111-2222-7333-8444-555555555555", "sse:user:", "",
          "other:user:11111111-2222-7333-8444-555555555555", "sse:user:a:b", "sse", "sse:user",
          "xsse:user:11111111-2222-7333-8444-555555555555"}) {
        EXPECT_EQ(keys.user_uuid_of(name), std::nullopt) << name;
        EXPECT_EQ(keys.user_of(name), std::nullopt) << name;
    }
    EXPECT_EQ(keys.user_uuid_of("sse:user:not-a-uuid"), std::nullopt);
    EXPECT_EQ(keys.user_of("sse:user:not-a-uuid")->text(), "not-a-uuid");  // a subject of ours
}

TEST(ChannelKeys, K3_BroadcastIsExactlyThatName) {
    const ChannelKeys keys;
    EXPECT_TRUE(keys.is_broadcast("sse:broadcast"));
    for (const auto* name :
         {"sse:broadcast:", "sse:broadcasts", "SSE:broadcast", "broadcast", "", "xsse:broadcast"}) {
        EXPECT_FALSE(keys.is_broadcast(name)) << name;
    }
}

TEST(WireJson, V6_HasTheFiveFieldsInOrder) { EXPECT_EQ(wire_json(sample()), sample_json); }

TEST(WireJson, V6_ReadsBackAnEqualEvent) {
    const auto event = parse(sample_json);
    ASSERT_TRUE(event) << event.error().message();
    EXPECT_EQ(event->id, sample().id);
    EXPECT_EQ(event->type, sample().type);
    EXPECT_EQ(event->category, "data_sync");
    EXPECT_EQ(event->user_id, UserId{finance::user});
    EXPECT_EQ(event->data, sample().data);
    EXPECT_EQ(event->occurred_at, sample().occurred_at);
}

TEST(WireJson, ABroadcastCarriesTheNilUuid) {
    Event event = sample();
    event.audience = Audience::broadcast();
    const auto back = parse(wire_json(event));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->user_id, UserId{Uuid{}});
}

TEST(WireJson, TakesWhatTheOriginalTakes) {
    const auto event = parse(R"({"extra": [1], "event_id": "{0199A2B4-0000-7ABC-8DEF-0123456789AB}",
        "event_type": "ai.response.chunk", "event_type": "ai.response.complete",
        "user_id": "urn:uuid:11111111222273338444555555555555", "data": null,
        "occurred_at": "2026-01-20T02:30:00Z", "tidings": {"v": 1}})");
    ASSERT_TRUE(event) << event.error().message();
    EXPECT_EQ(event->id, finance::thing);
    EXPECT_EQ(event->type, "ai.response.complete");
    EXPECT_EQ(event->user_id, UserId{finance::user});
    EXPECT_EQ(event->data, "null");
    // As Python writes it: escapes and its own separators.
    EXPECT_EQ(
        parse(R"({"event_id": "0199a2b400007abc8def0123456789ab", "event_type": "import.failed", "user_id": )"
              R"("11111111-2222-7333-8444-555555555555", "data": )"
              R"({"a": "Z\u00fcrich \ud83c\udf89", "b": [1, 2]}, )"
              R"("occurred_at": "2026-01-20T02:30:00.000001"})")
            ->data,
        R"({"a":"Z\u00fcrich \ud83c\udf89","b":[1,2]})");
    // As other writers may encode it.
    EXPECT_EQ(*parse("\xef\xbb\xbf" + wire_json(sample())), *parse(sample_json));
    std::string utf16{"\xff\xfe"};
    for (const char c : std::string_view{R"({"event_id": "x")"}) utf16 += std::string{c, '\0'};
    EXPECT_EQ(parse(utf16 + std::string{"}\0", 2}).error().code, Errc::missing_field);
}

TEST(WireJson, D5_APoisonMessageIsAnErrorAndNothingMore) {
    const auto with = [](std::string_view name, std::string_view value) {
        std::string json = sample_json;
        const auto at = json.find("\"" + std::string{name} + "\": ") + name.size() + 4;
        const auto end = json.find(name == "data" ? "}, " : name == "occurred_at" ? "}" : ", ", at);
        return json.replace(at, end - at + (name == "data" ? 1 : 0), value);
    };
    struct Bad {
        std::string json;
        Errc code;
    };
    const Bad bad[] = {{"[]", Errc::invalid_field},
                       {"5", Errc::invalid_field},
                       {"null", Errc::invalid_field},
                       {"", Errc::invalid_json},
                       {"{", Errc::invalid_json},
                       {std::string(100'000, '['), Errc::invalid_json},
                       {"{}", Errc::missing_field},
                       {with("event_id", "null"), Errc::invalid_field},
                       {with("event_id", "5"), Errc::invalid_field},
                       {with("event_id", "\"no\""), Errc::invalid_field},
                       {with("event_type", "\"no.such\""), Errc::unknown_type},
                       {with("event_type", "{}"), Errc::invalid_field},
                       {with("user_id", "null"), Errc::invalid_field},
                       {with("user_id", "\"None\""), Errc::invalid_field},
                       {with("user_id", "\"a b\""), Errc::invalid_field},
                       {with("occurred_at", "null"), Errc::invalid_field},
                       {with("occurred_at", "\"soon\""), Errc::invalid_field}};
    for (const auto& row : bad) {
        const auto event = parse(row.json);
        ASSERT_FALSE(event) << row.json.substr(0, 300);
        EXPECT_EQ(event.error().code, row.code) << row.json.substr(0, 300) << "\n" << event.error().message();
    }
}

TEST(WireJson, D29_NaNIsNotRelayed) {
    std::string json = sample_json;
    json.replace(json.find("3,"), 1, "NaN");
    EXPECT_EQ(parse(json).error().code, Errc::invalid_json);
}

TEST(WireJson, AnEntryHasFourFieldsAndItsUserFromTheKey) {
    const WireFields fields = wire_fields(sample());
    ASSERT_EQ(fields.size(), 4U);
    EXPECT_EQ(fields[0],
              (std::pair<std::string, std::string>{"event_id", "0199a2b4-0000-7abc-8def-0123456789ab"}));
    EXPECT_EQ(fields[1].first + fields[2].first + fields[3].first, "event_typedataoccurred_at");
    EXPECT_EQ(fields[2].second, sample().data);
    const UserId other{finance::other};
    auto more = fields;
    more.emplace_back("tidings", "1");
    const auto back = parse_wire_fields(more, other, registry(), Limits{});
    ASSERT_TRUE(back);
    EXPECT_EQ(back->user_id, other);
    EXPECT_EQ(back->data, sample().data);
    more.erase(more.begin());
    EXPECT_EQ(parse_wire_fields(more, other, registry(), Limits{}).error().code, Errc::missing_field);
    more.emplace_back("event_id", "torn");
    EXPECT_EQ(parse_wire_fields(more, other, registry(), Limits{}).error().code, Errc::invalid_field);
}

}  // namespace
}  // namespace tidings
