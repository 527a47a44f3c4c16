#include "redis/append_pack.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidings::redis {
namespace {

using testing::ElementsAre;

const Audience ann{Audience::Kind::user, "ann"};
const Audience room{Audience::Kind::topic, "room"};

AppendCall item(AppendCall::Kind kind, Audience audience) {
    AppendCall call;
    call.kind = kind;
    call.audience = std::move(audience);
    call.type = "a\"b";
    call.data = "{}";
    call.occurred_at = "noon";
    call.category = "c";
    return call;
}

// Reads what Packer writes, as far as it is needed here: lists of lists of texts and numbers.
class Unpacker {
public:
    explicit Unpacker(std::string_view bytes) : bytes_{bytes} {}

    std::vector<std::vector<std::string>> lists() {
        std::vector<std::vector<std::string>> all(size_of_array());
        for (auto& list : all) {
            list.resize(size_of_array());
            for (auto& value : list) value = next();
        }
        EXPECT_TRUE(bytes_.empty());
        return all;
    }

private:
    std::uint64_t number(std::size_t bytes) {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<unsigned char>(bytes_[i]);
        bytes_.remove_prefix(bytes);
        return value;
    }
    std::size_t size_of_array() {
        const auto kind = number(1);
        return kind == 0xdd ? number(4) : kind & 0x0f;
    }
    std::string text(std::size_t size) {
        const std::string found{bytes_.substr(0, size)};
        bytes_.remove_prefix(size);
        return found;
    }
    std::string next() {
        const auto kind = number(1);
        if (kind < 0x80) return std::to_string(kind);
        if (kind == 0xcd) return std::to_string(number(2));
        if (kind == 0xcf) return std::to_string(number(8));
        return text(kind == 0xda ? number(2) : kind == 0xdb ? number(4) : kind & 0x1f);
    }

    std::string_view bytes_;
};

std::vector<std::vector<std::string>> lists_of(const std::vector<AppendCall>& items,
                                               const LastEntries& last = {}) {
    return Unpacker{append_pack(Names{}, last, {2, 22}, items)}.lists();
}

TEST(AppendPack, SaysOnceWhatItemsHaveInCommon) {
    using Kind = AppendCall::Kind;
    const std::vector<AppendCall> items{item(Kind::retained, ann), item(Kind::retained, room),
                                        item(Kind::retained, ann), item(Kind::closes, room)};
    LastEntries last;
    last.note({2, 22}, "user:ann", {2, 70'000, 8});
    const auto lists = lists_of(items, last);
    ASSERT_EQ(lists.size(), 5U);
    EXPECT_THAT(lists[0], ElementsAre("sse:stream:user:", "sse:stream:broadcast", "sse:stream:topic:",
                                      "sse:user:", "sse:broadcast", "sse:topic:", "sse:tidings:closed:"));
    EXPECT_THAT(lists[1], ElementsAre("1", "ann", "", "70000-8", "70000", "3", "room", "", "", "0"));
    EXPECT_THAT(lists[2],
                ElementsAre("r", "a\"b", R"(, "event_type": "a\"b", "user_id": ")", R"(", "category": "c"})",
                            "c", "a\"b", R"(, "event_type": "a\"b", "user_id": ")", R"(", "closes": true})"));
    EXPECT_THAT(lists[3], ElementsAre("1", "1", "noon", "0", "6", "1", "noon", "0", "1", "1", "noon", "0",
                                      "6", "5", "noon", "0"));
    EXPECT_THAT(lists[4], ElementsAre());
}

TEST(AppendPack, SaysWhatAnItemHasForItself) {
    using Kind = AppendCall::Kind;
    std::vector<AppendCall> items{item(Kind::retained, Audience::broadcast()),
                                  item(Kind::unretained, Audience::broadcast()),
                                  item(Kind::retained, {Audience::Kind::user, "a\"n"})};
    items[0].idempotency_key = "k1";
    items[0].idempotency_body = "b1";
    items[0].key = "k\n";
    items[1].passing_id = *Uuid::parse("0199a2b4-0000-7abc-8def-0123456789ab");
    const auto lists = lists_of(items);
    EXPECT_THAT(lists[1], ElementsAre("2", "", "", "", "0", "1", "a\"n", R"(a\"n)", "", "0"));
    EXPECT_EQ(lists[2][3], R"(", "category": "c", "key": "k\n"})");
    EXPECT_EQ(lists[2][7], R"(", "retained": false, "category": "c"})");
    EXPECT_THAT(lists[3], ElementsAre("1", "1", "noon", "1", "1", "5", "noon", "4", "6", "9", "noon", "0"));
    EXPECT_THAT(lists[4],
                ElementsAre("sse:tidings:key:k1", "b1", "", "", "", "0199a2b4-0000-7abc-8def-0123456789ab"));
}

}  // namespace
}  // namespace tidings::redis
