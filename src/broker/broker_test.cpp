#include "broker/broker.hpp"

#include "store/memory_store.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

Registry some_types() {
    Registry registry;
    EXPECT_TRUE(registry.add_category("news"));
    EXPECT_TRUE(registry.add_category("chat"));
    EXPECT_TRUE(registry.add_type({.type = "a.b", .category = "chat", .description = "A.", .data = {}}));
    EXPECT_TRUE(registry.add_type({.type = "a.passing",
                                   .category = "news",
                                   .description = "B.",
                                   .data = {},
                                   .slow_reader = SlowReader::drop,
                                   .retain = false}));
    return registry;
}

class BrokerTest : public testing::Test {
public:
    BrokerTest() {
        broker.attach(&first);
        broker.attach(&second);
        EXPECT_TRUE(store->open(&broker));
    }
    static StoreOptions options() {
        StoreOptions made;
        made.clock = [] { return Milliseconds{1'700'000'000'000}; };
        made.random = [] { return std::uint64_t{5}; };
        return made;
    }
    Result<Appended> append(AppendItem item) {
        std::vector<AppendItem> items;
        items.push_back(std::move(item));
        Result<Appended> answer = Errc::internal;
        store->append(std::move(items), [&](AppendResults results) { answer = results.front(); });
        return answer;
    }
    static AppendItem item(const Audience& audience, const char* type = "a.b",
                           const char* category = "chat") {
        AppendItem made;
        made.audience = audience;
        made.type = type;
        made.category = category;
        made.data = "{\"n\":1}";
        return made;
    }

    Snapshot<Registry> registry{std::make_shared<const Registry>(some_types())};
    Broker broker{registry, Limits{}, {}};
    Inbox first{1 << 20, [] {}};
    Inbox second{1 << 20, [] {}};
    std::unique_ptr<Store> store = make_memory_store(options());
};

TEST_F(BrokerTest, P1_HandsTheSameFrameToEveryShardBeforeItAcknowledges) {
    const auto appended = append(item(Audience::broadcast()));
    ASSERT_TRUE(appended);
    const auto here = first.take().batch;
    const auto there = second.take().batch;
    ASSERT_TRUE(here);
    EXPECT_EQ(here, there);  // one immutable batch, encoded once (D26)
    const auto& live = here->items.at(0);
    EXPECT_EQ(live.position, appended->position);
    EXPECT_EQ(live.audience, "broadcast");
    EXPECT_EQ(live.category, CategoryMask{2});
    EXPECT_EQ(live.frame->text(), "id: " + appended->id.text() + "\nevent: a.b\ndata: {\"n\":1}\n\n");
}

TEST_F(BrokerTest, SendsUnretainedEventsWithoutAnId) {
    auto passing = item(Audience::broadcast(), "a.passing", "news");
    passing.retain = false;
    ASSERT_TRUE(append(std::move(passing)));
    const auto batch = first.take().batch;
    ASSERT_TRUE(batch);
    EXPECT_FALSE(batch->items.at(0).retained);
    EXPECT_EQ(batch->items.at(0).slow_reader, SlowReader::drop);
    EXPECT_EQ(batch->items.at(0).frame->text(), "event: a.passing\ndata: {\"n\":1}\n\n");
}

TEST_F(BrokerTest, C64_NamesTheTypeAndKeyOfWhatConflates) {
    Registry types = some_types();
    ASSERT_TRUE(types.add_type({.type = "a.progress",
                                .category = "news",
                                .description = "C.",
                                .data = {},
                                .slow_reader = SlowReader::conflate,
                                .key = "/n"}));
    registry.put(std::make_shared<const Registry>(std::move(types)));
    const auto identity = [&](const char* type, const char* key, const char* data) {
        auto made = item(Audience::broadcast(), type, "news");
        made.key = key;
        made.data = data;
        EXPECT_TRUE(append(std::move(made)));
        const auto live = first.take().batch->items.at(0).identity;
        return live ? *live : "";
    };
    EXPECT_EQ(identity("a.progress", "k", "{}"), "a.progress\nk");
    EXPECT_EQ(identity("a.progress", "", R"({"n":"k"})"),
              "a.progress\nk");  // of a publisher without a registry
    EXPECT_EQ(identity("a.progress", "", "{}"), "");
    EXPECT_EQ(identity("a.b", "k", "{}"), "");
    // Another system's event may come late.
    Entry entry;
    entry.audience = Audience::broadcast();
    entry.position = {1, 5, 1 << 20};
    entry.type = "a.progress";
    entry.data = R"({"n":"k"})";
    entry.foreign = true;
    broker.entries({&entry, 1});
    const auto foreign = first.take().batch;
    EXPECT_EQ(foreign->items.at(0).slow_reader, SlowReader::conflate);
    EXPECT_FALSE(foreign->items.at(0).identity);
}

TEST_F(BrokerTest, P9_EncodesAForeignEventWithItsOwnIdAndWithout) {
    Entry entry;
    entry.audience = Audience::broadcast();
    entry.position = {1, 5, 1 << 20};
    entry.type = "a.b";
    entry.category = "chat";
    entry.data = "{}";
    entry.foreign = true;
    entry.foreign_id = *Uuid::parse("c232ab00-9414-41ec-b3c8-9f6bdeced846");
    broker.entries({&entry, 1});
    const auto kept = first.take().batch->items.at(0);
    EXPECT_EQ(kept.frame->text(), "id: " + entry.foreign_id.text() + "\nevent: a.b\ndata: {}\n\n");
    ASSERT_TRUE(kept.foreign);
    EXPECT_EQ(kept.foreign->position, entry.position);
    EXPECT_EQ(kept.foreign->late_frame->text(), "event: a.b\ndata: {}\n\n");
    entry.retained = false;
    broker.entries({&entry, 1});
    const auto passing = first.take().batch->items.at(0);
    EXPECT_EQ(passing.frame->text(), "event: a.b\ndata: {}\n\n");
    EXPECT_FALSE(passing.foreign);
}

TEST_F(BrokerTest, C33_TurnsATombstoneIntoTheEndOfItsTopic) {
    AppendItem close;
    close.audience = *Audience::topic("chat/1");
    close.close = true;
    ASSERT_TRUE(append(std::move(close)));
    const auto batch = first.take().batch;
    ASSERT_TRUE(batch);
    EXPECT_TRUE(batch->items.at(0).closes);
    EXPECT_EQ(batch->items.at(0).category, all_categories);
    EXPECT_EQ(batch->items.at(0).frame->text(), "event: tidings.closed\ndata: {\"topic\":\"chat/1\"}\n\n");
}

TEST_F(BrokerTest, GivesACategoryThatTheRegistryLostToThoseWhoFilterNothing) {
    ASSERT_TRUE(append(item(Audience::broadcast(), "a.b", "gone")));
    const auto batch = first.take().batch;
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->items.at(0).category, CategoryMask{0});
    EXPECT_TRUE(matches(all_categories, batch->items.at(0).category));
    EXPECT_FALSE(matches(CategoryMask{3}, batch->items.at(0).category));
}

TEST_F(BrokerTest, P3_HandsABreakToEveryShardBehindWhatCameBefore) {
    ASSERT_TRUE(append(item(Audience::broadcast())));
    broker.broken(LinkBreak::foreign_lost);
    broker.broken(LinkBreak::plain);
    for (Inbox* inbox : {&first, &second}) {
        EXPECT_FALSE(inbox->take().batch->broken);
        const auto lossy = inbox->take().batch;
        EXPECT_TRUE(lossy->broken && lossy->foreign_lost && lossy->items.empty());
        const auto plain = inbox->take().batch;
        EXPECT_TRUE(plain->broken && !plain->foreign_lost);
    }
}

TEST_F(BrokerTest, RemembersWhetherTheStoreIsAway) {
    EXPECT_FALSE(broker.store_away());
    broker.away(Errc::store_unavailable);
    EXPECT_TRUE(broker.store_away());
    broker.back();
    EXPECT_FALSE(broker.store_away());
}

}  // namespace
}  // namespace tidings
