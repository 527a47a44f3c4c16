#include "redis/channels.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <random>

namespace tidings::redis {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Waiting = ChannelSet::Waiting;

// A server that answers in order: each name of each command with one confirmation.
std::vector<Value> confirmations(const std::vector<std::string>& commands) {
    std::vector<Value> pushes;
    for (const auto& bytes : commands) {
        RespReader reader;
        EXPECT_TRUE(reader.feed(bytes));
        const auto words = reader.next().value();
        const std::string kind = words.at(0).text == "SUBSCRIBE" ? "subscribe" : "unsubscribe";
        for (std::size_t i = 1; i < words.items.size(); ++i) {
            pushes.push_back(Value::of_array(
                {Value::of_text(kind), Value::of_text(words.at(i).text), Value::of_integer(1)}));
        }
    }
    return pushes;
}

std::vector<ChannelSet::Waiter> confirm_all(ChannelSet& channels, const std::vector<Value>& pushes) {
    std::vector<ChannelSet::Waiter> complete;
    for (const auto& push : pushes) {
        const auto some = channels.confirm(push);
        complete.insert(complete.end(), some.begin(), some.end());
    }
    return complete;
}

const std::vector<std::string> a{"a"};
const std::vector<std::string> a_and_b{"a", "b"};

TEST(ChannelSet, SubscribesOnceForManyUses) {
    ChannelSet channels;
    channels.use("a");
    channels.use("a");
    channels.use("b");
    EXPECT_THAT(channels.take_commands(), ElementsAre(command({"SUBSCRIBE", "a", "b"})));
    EXPECT_THAT(channels.take_commands(), IsEmpty());
    channels.release("a");
    EXPECT_THAT(channels.take_commands(), IsEmpty());
    channels.release("a");
    EXPECT_THAT(channels.take_commands(), ElementsAre(command({"UNSUBSCRIBE", "a"})));
    EXPECT_EQ(channels.size(), 1u);
    channels.release("never");
    EXPECT_EQ(channels.size(), 1u);
}

TEST(ChannelSet, AWaiterIsCompleteWhenAllItsNamesAre) {
    ChannelSet channels;
    channels.use("a");
    channels.use("b");
    EXPECT_EQ(channels.wait(1, a_and_b), Waiting::begun);
    EXPECT_EQ(channels.wait(2, a), Waiting::begun);
    const auto pushes = confirmations(channels.take_commands());
    EXPECT_THAT(channels.confirm(pushes[0]), ElementsAre(2u));
    EXPECT_FALSE(channels.all_confirmed());
    EXPECT_THAT(channels.confirm(pushes[1]), ElementsAre(1u));
    EXPECT_TRUE(channels.all_confirmed());
    EXPECT_EQ(channels.wait(3, a_and_b), Waiting::over);
}

TEST(ChannelSet, NamesAllThatAreInUse) {
    ChannelSet channels;
    for (const auto* name : {"a", "b", "c"}) channels.use(name);
    channels.use("a");
    confirm_all(channels, confirmations(channels.take_commands()));
    channels.release("a");
    channels.release("b");
    EXPECT_THAT(channels.all_in_use(), testing::UnorderedElementsAre("a", "c"));
}

TEST(ChannelSet, AReleaseAndAUseInOneTurnSendNothing) {
    ChannelSet channels;
    channels.use("a");
    confirm_all(channels, confirmations(channels.take_commands()));
    channels.release("a");
    channels.use("a");
    EXPECT_TRUE(channels.all_confirmed());
    EXPECT_EQ(channels.wait(1, a), Waiting::over);
    EXPECT_THAT(channels.take_commands(), IsEmpty());
    channels.use("c");
    channels.release("c");
    EXPECT_THAT(channels.take_commands(), IsEmpty());
    EXPECT_TRUE(channels.all_confirmed());
}

TEST(ChannelSet, AReuseAfterAnUnsubscribeWaitsForTheLaterConfirmation) {
    ChannelSet channels;
    channels.use("a");
    auto pushes = confirmations(channels.take_commands());
    channels.release("a");
    const auto more = confirmations(channels.take_commands());
    pushes.insert(pushes.end(), more.begin(), more.end());
    channels.use("a");
    EXPECT_EQ(channels.wait(1, a), Waiting::begun);
    const auto last = confirmations(channels.take_commands());
    pushes.insert(pushes.end(), last.begin(), last.end());
    ASSERT_EQ(pushes.size(), 3u);
    EXPECT_THAT(channels.confirm(pushes[0]), IsEmpty()) << "the confirmation of the first SUBSCRIBE is stale";
    EXPECT_FALSE(channels.all_confirmed());
    EXPECT_THAT(channels.confirm(pushes[1]), IsEmpty());
    EXPECT_THAT(channels.confirm(pushes[2]), ElementsAre(1u));
    EXPECT_TRUE(channels.all_confirmed());
}

TEST(ChannelSet, ANewLinkSubscribesEverythingAgain) {
    ChannelSet channels;
    for (const auto* name : {"a", "b", "c"}) channels.use(name);
    const auto old = confirmations(channels.take_commands());
    EXPECT_EQ(channels.wait(1, a_and_b), Waiting::begun);
    channels.confirm(old[0]);
    channels.release("c");
    channels.reset();
    EXPECT_FALSE(channels.all_confirmed());
    const auto commands = channels.take_commands();
    const auto pushes = confirmations(commands);
    ASSERT_EQ(pushes.size(), 2u);
    EXPECT_THAT(channels.confirm(pushes[0]), IsEmpty());
    EXPECT_THAT(channels.confirm(pushes[1]), ElementsAre(1u)) << "it waited for both again";
    EXPECT_TRUE(channels.all_confirmed());
    channels.reset();
    EXPECT_EQ(confirmations(channels.take_commands()).size(), 2u);
}

TEST(ChannelSet, IgnoresWhatItDidNotAskFor) {
    ChannelSet channels;
    channels.use("a");
    const auto push = [](std::string kind, std::string name) {
        return Value::of_array(
            {Value::of_text(std::move(kind)), Value::of_text(std::move(name)), Value::of_integer(1)});
    };
    EXPECT_THAT(channels.confirm(push("subscribe", "a")), IsEmpty()) << "nothing was sent yet";
    EXPECT_FALSE(channels.all_confirmed());
    EXPECT_THAT(channels.confirm(push("subscribe", "x")), IsEmpty());
    EXPECT_THAT(channels.confirm(push("message", "a")), IsEmpty());
    EXPECT_THAT(channels.confirm(Value{}), IsEmpty());
    EXPECT_THAT(channels.confirm(Value::of_array({Value::of_text("unsubscribe"), Value{}})), IsEmpty());
}

TEST(ChannelSet, ACancelledWaiterIsNotReturned) {
    ChannelSet channels;
    channels.use("a");
    channels.wait(1, a);
    channels.wait(2, a);
    channels.cancel(1);
    channels.cancel(7);
    EXPECT_THAT(confirm_all(channels, confirmations(channels.take_commands())), ElementsAre(2u));
}

TEST(ChannelSet, NineteenThousandNamesAtOnce) {
    ChannelSet channels;
    std::vector<std::string> names;
    for (int i = 0; i < 19'000; ++i) names.push_back("sse:user:" + std::to_string(i));
    for (const auto& name : names) channels.use(name);
    channels.wait(1, names);
    const auto commands = channels.take_commands();
    EXPECT_EQ(commands.size(), (19'000u + 511) / 512);
    EXPECT_THAT(confirm_all(channels, confirmations(commands)), ElementsAre(1u));
    channels.reset();
    EXPECT_EQ(channels.take_commands().size(), commands.size());
    for (const auto& name : names) channels.release(name);
    EXPECT_EQ(channels.size(), 0u);
    EXPECT_TRUE(channels.all_confirmed());
}

// Whatever is used and released, however late the server answers: at the end the server follows exactly the
// names in use, and no waiter was told before its names were subscribed for good.
TEST(ChannelSet, EndsWithWhatIsInUse) {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        std::minstd_rand random{seed};
        ChannelSet channels;
        std::map<std::string, int> uses;
        std::map<std::string, bool> served;
        std::vector<Value> queue;
        const auto answer = [&] {
            const auto push = queue.front();
            queue.erase(queue.begin());
            served[push.at(1).text] = push.at(0).text == "subscribe";
            channels.confirm(push);
        };
        const auto flush = [&] {
            for (auto& push : confirmations(channels.take_commands())) queue.push_back(std::move(push));
        };
        for (int step = 0; step < 300; ++step) {
            const std::string name(1, static_cast<char>('a' + random() % 4));
            switch (random() % 6) {
                case 0:
                case 1: channels.use(name), ++uses[name]; break;
                case 2:
                    if (uses[name] > 0) channels.release(name), --uses[name];
                    break;
                case 3: flush(); break;
                case 4:
                    if (!queue.empty()) answer();
                    break;
                default:
                    if (random() % 20 == 0) channels.reset(), queue.clear(), served.clear();
            }
        }
        flush();
        while (!queue.empty()) answer();
        EXPECT_TRUE(channels.all_confirmed()) << "seed " << seed;
        for (const auto& [name, count] : uses) EXPECT_EQ(served[name], count > 0) << name << " seed " << seed;
    }
}

}  // namespace
}  // namespace tidings::redis
