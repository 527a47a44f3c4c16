#include "store/entry_codec.hpp"

#include <gtest/gtest.h>

#include <random>

namespace tidings {
namespace {

std::string_view text_of(const EntryKey& key) {
    return {reinterpret_cast<const char*>(key.data()), key.size()};
}

Entry some_entry() {
    Entry entry;
    entry.tag = 0xdeadbeef;
    entry.previous = {3, 1'700'000'000'123, 4'095};
    entry.type = "thing.happened";
    entry.category = "things";
    entry.key = "k";
    entry.data = std::string{"{\"a\":\"\0\"}", 9};
    entry.occurred_at = Timestamp{std::chrono::microseconds{-7}};
    return entry;
}

TEST(EntryKey, P1_SortsAsPositionsDo) {
    const Position rising[] = {{0, 0, 0},     {1, 5, 9},     {1, 6, 0}, {1, 256, 1},
                               {1, 256, 255}, {1, 256, 256}, {2, 1, 0}};
    for (std::size_t i = 1; i < std::size(rising); ++i) {
        EXPECT_LT(text_of(entry_key(7, rising[i - 1])), text_of(entry_key(7, rising[i])));
        EXPECT_EQ(position_of(text_of(entry_key(7, rising[i]))), rising[i]);
    }
    EXPECT_LT(text_of(entry_key(7, {0xffff, 0, 0})), text_of(entry_key(8, {})));
    EXPECT_EQ(log_of(text_of(entry_key(258, {}))), 258U);
    EXPECT_FALSE(position_of("short"));
}

TEST(EntryKey, ClampsWhatDoesNotFit) {
    EXPECT_EQ(position_of(text_of(entry_key(1, {1, ~0ULL, ~0ULL}))), (Position{1, (1ULL << 48) - 1, 0xffff}));
}

TEST(EntryCodec, ReadsWhatItWrites) {
    std::string value;
    const auto entry = some_entry();
    encode_entry(entry, value);
    const auto read = decode_entry(value);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->tag, entry.tag);
    EXPECT_EQ(read->previous, entry.previous);
    EXPECT_EQ(read->type, entry.type);
    EXPECT_EQ(read->category, entry.category);
    EXPECT_EQ(read->key, entry.key);
    EXPECT_EQ(read->data, entry.data);
    EXPECT_EQ(read->occurred_at, entry.occurred_at);
    EXPECT_EQ(encoded_entry_bytes(value), entry_bytes(entry));
}

TEST(EntryCodec, P3_RefusesEveryFlippedBitAndEveryShorterValue) {
    std::string value;
    encode_entry(some_entry(), value);
    for (std::size_t bit = 0; bit < value.size() * 8; ++bit) {
        auto broken = value;
        broken[bit / 8] = static_cast<char>(broken[bit / 8] ^ (1 << (bit % 8)));
        EXPECT_FALSE(decode_entry(broken)) << bit;
    }
    for (std::size_t size = 0; size < value.size(); ++size) EXPECT_FALSE(decode_entry(value.substr(0, size)));
    EXPECT_FALSE(encoded_entry_bytes(value.substr(0, 20)));
}

TEST(StateCodec, ReadsWhatItWrites) {
    LogState log;
    log.last = {1, 2, 3};
    log.floor = {1, 1, 0};
    log.entries = 4;
    log.bytes = 5;
    log.expires = 6;
    const Audience audience{Audience::Kind::topic, "t"};
    EXPECT_EQ(decode_log(encode_log(audience, log)), (std::pair{audience, log}));
    log.closed = Tombstone{{1, 2, 3}, 0xa};
    EXPECT_EQ(decode_log(encode_log(audience, log)), (std::pair{audience, log}));
    KeyState key{.body = {1, 2}, .position = {9, 8, 7}, .tag = 6, .retained = false, .expires = 5};
    EXPECT_EQ(decode_key_state(encode_key_state(key)), key);
    const PartitionRecord record{.limit = 1, .next_log = 2, .ages = {3, 4, 5}, .changes = {{6, 7, 8}}};
    EXPECT_EQ(decode_partition(encode_partition(record)), record);
    const TermTable table{
        {{{1, 2}, {1, 3, 4}, {1, 5, 6}, false, true}, {{2, 3}, {2, 5, 6}, {}, true, false}}};
    const auto read = decode_terms(encode_terms(table));
    ASSERT_TRUE(read && read->terms.size() == 2);
    EXPECT_EQ(read->terms[0].end, (Position{1, 5, 6}));
    EXPECT_TRUE(read->terms[0].sealed && !read->terms[0].running && read->terms[1].running);
}

TEST(StateCodec, P3_RandomBytesDecodeToNothingAndNeverCrash) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random{seed};
    for (int i = 0; i < 3'000; ++i) {
        std::string bytes(random() % 120, '\0');
        for (auto& byte : bytes) byte = static_cast<char>(random());
        if (!bytes.empty()) bytes[0] = 1;
        EXPECT_FALSE(decode_entry(bytes));
        (void)decode_log(bytes);
        (void)decode_key_state(bytes);
        (void)decode_terms(bytes);
        (void)decode_partition(bytes);
        (void)encoded_entry_bytes(bytes);
    }
}

}  // namespace
}  // namespace tidings
