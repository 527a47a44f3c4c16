#include "fanout/subscriptions.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

namespace tidings {
namespace {

Audience user(const char* name) { return Audience::user(*UserId::parse(name)); }
Audience topic(const char* name) { return *Audience::topic(name); }

TEST(SubscriptionTable, InternsEqualSetsWhateverTheirOrder) {
    SubscriptionTable table;
    const auto first = table.hold({user("alice"), Audience::broadcast()});
    const auto second = table.hold({Audience::broadcast(), user("alice"), user("alice")});
    EXPECT_EQ(first, second);
    EXPECT_EQ(table.audience_count(), 2U);
    EXPECT_TRUE(table.has(first, table.find("user:alice")));
    EXPECT_EQ(table.audiences(first).size(), 2U);
}

TEST(SubscriptionTable, ForgetsAudiencesThatNobodyNames) {
    SubscriptionTable table;
    const auto first = table.hold({user("alice"), Audience::broadcast()});
    const auto second = table.hold({user("bob"), Audience::broadcast()});
    table.release(first);
    EXPECT_EQ(table.find("user:alice"), no_audience);
    EXPECT_NE(table.find("broadcast"), no_audience);
    table.release(second);
    EXPECT_EQ(table.audience_count(), 0U);
    const auto third = table.hold({user("carol")});
    EXPECT_EQ(table.audiences(third).front().text(), "user:carol");
    EXPECT_TRUE(table.members(table.find("user:carol")).empty());
}

TEST(SubscriptionTable, CompactsAnArrayWhenMostOfItIsStale) {
    SubscriptionTable table;
    const auto index = table.hold({Audience::broadcast()});
    std::set<std::uint32_t> alive;
    std::size_t moves = 0;
    for (std::uint32_t handle = 0; handle < 1000; ++handle) {
        table.join(index, {handle, 1});
        alive.insert(handle);
    }
    for (std::uint32_t handle = 0; handle < 990; ++handle) {
        alive.erase(handle);
        table.leave(
            index, [&](const Member& member) { return alive.contains(member.handle); },
            [&](AudienceIndex audience) {
                EXPECT_EQ(audience, table.find("broadcast"));
                ++moves;
            });
    }
    std::set<std::uint32_t> found;
    for (const auto& member : table.members(table.find("broadcast"))) {
        if (alive.contains(member.handle)) found.insert(member.handle);
    }
    EXPECT_EQ(found, alive);
    EXPECT_GE(moves, 1U);
    EXPECT_LE(moves, 10U);
    EXPECT_LE(table.members(table.find("broadcast")).size(), 2 * alive.size() + 1);
}

TEST(SubscriptionTable, C33_IsFinishedWhenEveryAudienceIsAClosedTopic) {
    SubscriptionTable table;
    const auto topics = table.hold({topic("a"), topic("b")});
    const auto mixed = table.hold({topic("a"), user("alice")});
    table.mark(table.find("topic:a"), TopicState::closed);
    EXPECT_FALSE(table.finished(topics));
    table.mark(table.find("topic:b"), TopicState::closed);
    EXPECT_TRUE(table.finished(topics));
    EXPECT_FALSE(table.finished(mixed));
}

TEST(SubscriptionTable, TellsAUserFromATopicOfTheSameName) {
    SubscriptionTable table;
    const auto both = table.hold({user("alice"), topic("alice")});
    const auto one = table.hold({topic("alice")});
    EXPECT_NE(table.find("user:alice"), table.find("topic:alice"));
    EXPECT_FALSE(table.has(one, table.find("user:alice")));
    table.release(both);
    EXPECT_EQ(table.find("user:alice"), no_audience);
    EXPECT_NE(table.find("topic:alice"), no_audience);
    EXPECT_EQ(table.find("alice"), no_audience);
}

// A stream, as the model knows it.
struct Listener {
    SubscriptionIndex index = no_subscription;
    std::set<std::string> names;
};

// The table beside a map of streams; handles are used again with the next generation.
struct Model {
    explicit Model(unsigned seed) : random{seed} {
        for (int i = 0; i < 20; ++i) {
            known.push_back(user(("u" + std::to_string(i)).c_str()));
            known.push_back(topic(("u" + std::to_string(i)).c_str()));
        }
    }

    void open() {
        std::vector<Audience> wanted;
        const auto many = random() % 6;
        if (random() % 2 == 0) wanted.push_back(Audience::broadcast());
        for (unsigned i = 0; i < many || wanted.empty(); ++i)
            wanted.push_back(known[random() % known.size()]);
        Listener listener;
        for (const auto& audience : wanted) listener.names.insert(audience.text());
        listener.index = table.hold(std::move(wanted));
        const auto handle = static_cast<std::uint32_t>(random() % 200);
        if (listeners.contains(handle)) return table.release(listener.index);
        table.join(listener.index, {handle, ++generations[handle]});
        listeners[handle] = std::move(listener);
    }
    void close() {
        if (listeners.empty()) return;
        const auto at = std::next(listeners.begin(), static_cast<long>(random() % listeners.size()));
        const SubscriptionIndex index = at->second.index;
        listeners.erase(at);
        table.leave(index, [this](const Member& member) { return alive(member); }, [](AudienceIndex) {});
        table.release(index);
    }
    bool alive(const Member& member) const {
        return listeners.contains(member.handle) && generations.at(member.handle) == member.generation;
    }
    void check(const Audience& audience) {
        const std::string name = audience.text();
        std::set<std::uint32_t> expected;
        for (const auto& [handle, listener] : listeners) {
            if (listener.names.contains(name)) expected.insert(handle);
        }
        const auto number = table.find(name);
        ASSERT_EQ(number == no_audience, expected.empty()) << name;
        if (number == no_audience) return;
        std::set<std::uint32_t> found;
        std::size_t live = 0;
        for (const auto& member : table.members(number)) {
            if (!alive(member)) continue;
            ++live;
            found.insert(member.handle);
        }
        EXPECT_EQ(found, expected) << name;
        EXPECT_EQ(live, expected.size()) << name;
        EXPECT_LE(table.members(number).size(), 2 * expected.size() + 1) << name;
        for (const auto& [handle, listener] : listeners) {
            EXPECT_EQ(table.has(listener.index, number), expected.contains(handle)) << name;
        }
    }
    void check() {
        for (const auto& audience : known) check(audience);
        check(Audience::broadcast());
        std::set<std::string> named;
        for (const auto& [handle, listener] : listeners) {
            named.insert(listener.names.begin(), listener.names.end());
            std::set<std::string> names;
            for (const auto& audience : table.audiences(listener.index)) names.insert(audience.text());
            EXPECT_EQ(names, listener.names);
        }
        EXPECT_EQ(table.audience_count(), named.size());
    }

    std::mt19937 random;
    std::vector<Audience> known;
    SubscriptionTable table;
    std::map<std::uint32_t, Listener> listeners;
    std::map<std::uint32_t, std::uint32_t> generations;
};

TEST(SubscriptionTable, KnowsWhatAMapOfStreamsKnows) {
    for (unsigned seed = 1; seed <= 5; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Model model{seed};
        for (int step = 0; step < 3000; ++step) {
            const bool growing = step / 1000 != 1;
            if (model.random() % 4 < (growing ? 3U : 1U)) {
                model.open();
            } else {
                model.close();
            }
            if (step % 100 == 0) model.check();
            if (testing::Test::HasFailure()) return;
        }
        while (!model.listeners.empty()) model.close();
        EXPECT_EQ(model.table.audience_count(), 0U);
    }
}

TEST(SubscriptionTable, AUserOfOneStreamTakesFewBytes) {
    constexpr std::size_t users = 10'000;
    SubscriptionTable table;
    for (std::uint32_t i = 0; i < users; ++i) {
        const auto index = table.hold({user(("u" + std::to_string(i)).c_str()), Audience::broadcast()});
        table.join(index, {i, 1});
    }
    // A row, its place in the index, the name, and an entry among the broadcast's streams.
    EXPECT_LE(table.memory_bytes() / users, 24U + 4 + 8 + 10 + 4);
}

TEST(FrameRing, ForgetsTheOldestBeyondItsBounds) {
    FrameRing ring{4, 1 << 20};
    for (int i = 0; i < 6; ++i) ring.push({Frame::comment(std::to_string(i)), {1, 1, 1}});
    EXPECT_EQ(ring.begin(), 2U);
    EXPECT_EQ(ring.end(), 6U);
    EXPECT_EQ(ring.at(2).frame->text(), ": 2\n");
    EXPECT_FALSE(ring.holds(1));
    FrameRing tiny{4, 1};
    tiny.push({Frame::comment("one"), {1, 1, 1}});
    EXPECT_EQ(tiny.end() - tiny.begin(), 1U);
    ring.clear();
    EXPECT_FALSE(ring.holds(6));
}

}  // namespace
}  // namespace tidings
