// What the Redis store does when its links or its server break (P-7, P-10), on real servers.

#include "broker/redis_test_support.hpp"

namespace tidings {
namespace {

using namespace redis_test;
using namespace std::chrono_literals;
using test::RedisServer;

RedisServer::Setup with(std::vector<std::string> lines) {
    RedisServer::Setup setup;
    setup.lines = std::move(lines);
    return setup;
}

const std::vector<std::string> every_write{"appendonly yes", "appendfsync always"};

std::size_t connections_of(const RedisServer& server) {
    const auto list = server.call({"CLIENT", "LIST"}).text;
    std::size_t count = 0;
    for (std::size_t at = 0; (at = list.find("name=tidings-", at)) != std::string::npos; ++at) ++count;
    return count;
}

TEST(RedisBreaks, D21_M14_ThreeConnectionsWhateverIsWatched) {
    RedisServer server;
    Member member{options_on(server.url())};
    std::vector<Audience> users;
    for (int i = 0; i < 19'000; ++i) users.push_back({Audience::Kind::user, "u" + std::to_string(i)});
    member.watch(users);
    EXPECT_EQ(connections_of(server), 3U);
    EXPECT_EQ(server.call({"PUBSUB", "NUMSUB", "sse:user:u18999"}).at(1).as_integer(), 1);
    member.store->unwatch(users);
    EXPECT_TRUE(
        comes([&] { return server.call({"PUBSUB", "NUMSUB", "sse:user:u1"}).at(1).as_integer() == 0; }));
    EXPECT_EQ(server.call({"PUBSUB", "NUMSUB", "sse:user:ann"}).at(1).as_integer(), 1);
}

TEST(RedisBreaks, D21_WatchesAreCounted) {
    RedisServer server;
    Member member{options_on(server.url())};
    member.watch({user("bob")});
    member.watch({user("bob")});
    member.store->unwatch({user("bob")});
    member.watch({user("cid")});  // behind it on the link
    EXPECT_EQ(server.call({"PUBSUB", "NUMSUB", "sse:user:bob"}).at(1).as_integer(), 1);
}

TEST(RedisBreaks, P10_AKilledLinkIsToldAndNothingIsLost) {
    RedisServer server;
    Member member{options_on(server.url())};
    Member other{options_on(server.url(), 2)};
    const auto first = member.append(item_for(user("ann"), "1"));
    for (const auto* kind : {"pubsub", "normal"}) {
        const auto breaks = member.breaks();
        server.call({"CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"});
        const auto missed = other.append(item_for(user("ann"), "2"));
        member.bound();
        if (std::string_view{kind} == "pubsub") {
            EXPECT_TRUE(comes([&] { return member.breaks() > breaks; }));
        }
        EXPECT_EQ(member.log(user("ann"), first.position).entries.back().id(), missed.id);
        const auto before = member.heard_entries();
        other.append(item_for(user("ann"), "3"));
        EXPECT_TRUE(comes([&] { return member.heard_entries() > before; })) << "hears again after " << kind;
    }
    EXPECT_EQ(member.bound().terms->terms.size(), 1U) << "a link is no term";
}

TEST(RedisBreaks, P7_AnAppendWhoseAnswerWasLostIsNotDoubled) {
    RedisServer server;
    Member member{options_on(server.url())};
    std::atomic<int> answers{0};
    for (int i = 0; i < 300; ++i) {
        member.store->append({item_for(user("ann"), std::to_string(i))}, [&](AppendResults results) {
            EXPECT_TRUE(results.front());
            ++answers;
        });
        if (i % 50 == 0) server.call({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
    }
    EXPECT_TRUE(comes([&] { return answers == 300; }));
    std::vector<std::string> expected;
    for (int i = 0; i < 300; ++i) expected.push_back(std::to_string(i));
    EXPECT_EQ(data_of(member.log(user("ann"))), expected);
}

TEST(RedisBreaks, P10_ARestartThatKeepsEverythingSealsTheTerm) {
    RedisServer server{with(every_write)};
    Member member{options_on(server.url())};
    const auto kept = member.append(item_for(user("ann"), "1"));
    const auto before = member.bound();
    server.kill();
    EXPECT_TRUE(comes([&] { return bound_of(*member.store).has_error(); }));
    server.restart();
    const auto after = member.bound();
    ASSERT_EQ(after.terms->terms.size(), 2U);
    EXPECT_TRUE(after.terms->terms[0].sealed);
    EXPECT_EQ(interpret(before.id().text(), *after.terms, after.position).kind, CursorKind::ours);
    EXPECT_EQ(interpret(kept.id.text(), *after.terms, after.position).kind, CursorKind::ours);
    EXPECT_EQ(member.log(user("ann")).entries.at(0).id(), kept.id);
    EXPECT_GT(member.append(item_for(user("ann"), "2")).position, after.position);
}

TEST(RedisBreaks, P10_ARestartThatLostATailIsTold) {
    RedisServer server;
    Member member{options_on(server.url())};
    member.append(item_for(user("ann"), "1"));
    server.call({"SAVE"});
    const auto saved = member.bound();
    const auto lost = member.append(item_for(user("ann"), "2"));
    server.kill();
    server.restart();
    const auto after = member.bound();
    ASSERT_EQ(after.terms->terms.size(), 2U);
    EXPECT_FALSE(after.terms->terms[0].sealed);
    EXPECT_EQ(interpret(lost.id.text(), *after.terms, after.position).kind, CursorKind::store_reset);
    EXPECT_EQ(interpret(saved.id().text(), *after.terms, after.position).kind, CursorKind::store_reset);
}

TEST(RedisBreaks, P10_WhereNothingAcknowledgedWasLostTheReportsSealTheTerm) {
    RedisServer server;
    Member member{options_on(server.url())};
    Member other{options_on(server.url(), 2)};
    const auto kept = member.append(item_for(user("ann"), "1"));
    other.append(item_for(user("ann"), "2"));
    server.call({"SAVE"});
    const auto bound = other.bound();  // lost with the server's memory, but it acknowledged nothing
    server.kill();
    server.restart();
    const auto after = member.bound();
    ASSERT_EQ(after.terms->terms.size(), 2U);
    EXPECT_TRUE(after.terms->terms[0].sealed);
    EXPECT_EQ(interpret(kept.id.text(), *after.terms, after.position).kind, CursorKind::ours);
    EXPECT_EQ(interpret(bound.id().text(), *after.terms, after.position).kind, CursorKind::ours);
}

TEST(RedisBreaks, P10_FlushAllIsToldThoughNoLinkBroke) {
    RedisServer server;
    Member member{options_on(server.url())};
    const auto lost = member.append(item_for(user("ann"), "1"));
    const auto breaks = member.breaks();
    server.call({"FLUSHALL"});
    EXPECT_TRUE(comes([&] { return member.breaks() > breaks; }));
    const auto after = member.bound();
    EXPECT_EQ(interpret(lost.id.text(), *after.terms, after.position).kind, CursorKind::store_reset);
    EXPECT_GT(after.position, lost.position) << "positions rise across it";
}

// The process is the same, its run_id too; what it holds is not.
TEST(RedisBreaks, P10_AServerThatWasAReplicaInBetweenIsAnotherReign) {
    RedisServer server{with({"repl-diskless-sync-delay 0"})};
    RedisServer twin{with({"repl-diskless-sync-delay 0"})};
    const auto follow = [](RedisServer& who, RedisServer& whom) {
        who.call({"REPLICAOF", "127.0.0.1", std::to_string(whom.port())});
        EXPECT_TRUE(comes([&] {
            return who.call({"INFO", "replication"}).text.find("master_link_status:up") != std::string::npos;
        }));
    };
    Member member{options_on(server.url())};
    const auto kept = member.append(item_for(user("ann"), "1"));
    follow(twin, server);
    twin.call({"REPLICAOF", "NO", "ONE"});
    const auto lost = member.append(item_for(user("ann"), "2"));
    follow(server, twin);
    server.call({"REPLICAOF", "NO", "ONE"});
    std::optional<Bound> after;
    EXPECT_TRUE(comes([&] {
        if (auto bound = bound_of(*member.store)) after = *bound;
        return after && after->terms->terms.size() > 1;
    }));
    EXPECT_EQ(interpret(lost.id.text(), *after->terms, after->position).kind, CursorKind::store_reset);
    EXPECT_EQ(interpret(kept.id.text(), *after->terms, after->position).kind, CursorKind::store_reset)
        << "what was acknowledged and lost lies behind it";
}

TEST(RedisBreaks, ForgottenScriptsAreSentAgain) {
    RedisServer server;
    Member member{options_on(server.url())};
    for (int i = 0; i < 20; ++i) {
        server.call({"SCRIPT", "FLUSH"});
        EXPECT_TRUE(append_one(*member.store, item_for(user("ann"), std::to_string(i))));
        server.call({"SCRIPT", "FLUSH"});
        EXPECT_TRUE(bound_of(*member.store));
    }
    EXPECT_EQ(member.log(user("ann")).entries.size(), 20U);
}

TEST(RedisBreaks, D23_AStoreOpensWithoutItsServerAndComesWhenItDoes) {
    auto server = std::make_unique<RedisServer>();
    auto options = options_on(server->url());
    options.open_wait = 1ms;
    server->kill();
    Heard heard;
    const auto store = make_redis_store(std::move(options));
    EXPECT_TRUE(store->open(&heard));
    EXPECT_EQ(bound_of(*store).error().code, Errc::store_unavailable);
    std::atomic<bool> appended{false};
    store->append({item_for(user("ann"))},
                  [&](AppendResults results) { appended = results.front().has_value(); });
    server->restart();
    EXPECT_TRUE(comes([&] { return appended.load(); })) << "what waited goes out";
    EXPECT_TRUE(comes([&] { return bound_of(*store).has_value(); }));
}

TEST(RedisBreaks, P7_AtTheDeadlineItSaysWhetherItWasSent) {
    RedisServer server;
    auto options = options_on(server.url());
    options.store.publish_wait = 300ms;
    Member member{std::move(options)};
    server.pause();
    EXPECT_EQ(append_one(*member.store, item_for(user("ann"))).error().code, Errc::outcome_unknown);
    server.resume();
    member.bound();
    server.kill();
    EXPECT_TRUE(comes([&] { return bound_of(*member.store).has_error(); }));
    EXPECT_EQ(append_one(*member.store, item_for(user("ann"))).error().code, Errc::store_unavailable);
}

TEST(RedisBreaks, P7_WithReplicasToWaitForOneThatIsMissingIsToldAsUnknown) {
    RedisServer server{with({"repl-diskless-sync-delay 0"})};
    RedisServer replica{with({"replicaof 127.0.0.1 " + std::to_string(server.port())})};
    auto options = options_on(server.url());
    options.store.wait_replicas = 1;
    options.store.publish_wait = 2s;
    EXPECT_TRUE(comes(
        [&] { return server.call({"INFO", "replication"}).text.find("state=online") != std::string::npos; }));
    Member member{std::move(options)};
    for (int i = 1; i < 20; ++i) {
        ASSERT_TRUE(append_one(*member.store, item_for(user("ann"))));
        EXPECT_EQ(replica.call({"XLEN", "sse:stream:user:ann"}).as_integer(), i)
            << "answered when the replica has it";
    }
    EXPECT_EQ(connections_of(server), 4U);
    replica.kill();
    EXPECT_EQ(append_one(*member.store, item_for(user("ann"))).error().code, Errc::outcome_unknown);
}

}  // namespace
}  // namespace tidings
