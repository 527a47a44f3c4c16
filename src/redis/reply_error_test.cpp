#include "redis/reply_error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidings::redis {
namespace {

using testing::HasSubstr;
using Kind = ReplyError::Kind;
using Link = ReplyError::Link;
using Retry = ReplyError::Retry;

TEST(ReplyError, KnowsWhatServersSay) {
    struct Row {
        std::string_view reply;
        Kind kind;
    };
    const Row rows[] = {
        {"NOAUTH Authentication required.", Kind::authentication_needed},
        {"ERR operation not permitted", Kind::authentication_needed},
        {"WRONGPASS invalid username-password pair or user is disabled.", Kind::wrong_password},
        {"ERR AUTH <password> called without any password configured for the default user.",
         Kind::wrong_password},
        {"NOPERM this user has no permissions to run the 'config|get' command", Kind::no_permission},
        {"ERR ACL failure in script: User u has no permissions to run the 'set' command",
         Kind::no_permission},
        {"LOADING Redis is loading the dataset in memory", Kind::loading},
        {"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist",
         Kind::disk_error},
        {"OOM command not allowed when used memory > 'maxmemory'.", Kind::out_of_memory},
        {"READONLY You can't write against a read only replica.", Kind::read_only},
        {"NOSCRIPT No matching script. Please use EVAL.", Kind::no_script},
        {"WRONGTYPE Operation against a key holding the wrong kind of value", Kind::wrong_type},
        {"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
         Kind::master_down},
        {"CLUSTERDOWN The cluster is down", Kind::cluster},
        {"MOVED 3999 127.0.0.1:6381", Kind::cluster},
        {"CROSSSLOT Keys in request don't hash to the same slot", Kind::cluster},
        {"BUSY Redis is busy running a script.", Kind::busy},
        {"BUSYGROUP Consumer Group name already exists", Kind::other},
        {"EXECABORT Transaction discarded because of previous errors.", Kind::transaction_aborted},
        {"ERR DB index is out of range", Kind::bad_database},
        {"ERR invalid DB index", Kind::bad_database},
        {"NOREPLICAS Not enough good replicas to write.", Kind::too_few_replicas},
        {"ERR max number of clients reached", Kind::too_many_clients},
        {"DENIED Redis is running in protected mode", Kind::protected_mode},
        {"ERR unknown command 'foo', with args beginning with: ", Kind::unknown_command},
        {"ERR unknown command `foo`, with args beginning with: ", Kind::unknown_command},
        {"ERR unknown subcommand 'foo'. Try CONFIG HELP.", Kind::unknown_command},
        {"ERR no such key", Kind::no_such_key},
        {"ERR The ID specified in XADD is equal or smaller than the target stream top item",
         Kind::id_too_small},
        {"ERR wrong number of arguments for 'get' command", Kind::other},
        {"", Kind::other},
        {"OOM", Kind::out_of_memory},
    };
    for (const auto& row : rows) EXPECT_EQ(classify(row.reply).kind, row.kind) << row.reply;
}

TEST(ReplyError, CountsWhatAScriptPassedOn) {
    struct Row {
        std::string_view reply;
        Kind kind;
    };
    const Row rows[] = {
        {"ERR Error running script (call to f_6b1b): @user_script:1: @user_script: 12: -OOM command not "
         "allowed when "
         "used memory > 'maxmemory'. ",
         Kind::out_of_memory},
        {"ERR Error running script (call to f_6b1b): @user_script:3: -READONLY You can't write against a "
         "read only "
         "replica. script: 6b1b, on @user_script:3.",
         Kind::read_only},
        {"ERR Error running script (call to f_6b1b): @user_script:1: @user_script: 1: Unknown Redis command "
         "called "
         "from Lua script ",
         Kind::unknown_command},
        {"ERR Error running script (call to f_6b1b): @user_script:1: @user_script: 1: -MISCONF Redis is "
         "configured",
         Kind::disk_error},
        {"ERR Error running script (call to f_6b1b): @user_script:1: user_script:1: Script attempted to "
         "access "
         "nonexistent global variable 'foo'",
         Kind::other},
        {"OOM command not allowed when used memory > 'maxmemory'. script: 67ed, on @user_script:12.",
         Kind::out_of_memory},
        {"ERR The user executing the script can't run this command or subcommand script: 67ed, on "
         "@user_script:1.",
         Kind::no_permission},
        {"ERR Unknown Redis command called from script script: cc78, on @user_script:1.",
         Kind::unknown_command},
        {"ERR The ID specified in XADD is equal or smaller than the target stream top item script: 804f, on "
         "@user_script:1.",
         Kind::id_too_small},
    };
    for (const auto& row : rows) EXPECT_EQ(classify(row.reply).kind, row.kind) << row.reply;
}

TEST(ReplyError, SaysWhatToDo) {
    const auto full = classify("OOM command not allowed when used memory > 'maxmemory'.");
    EXPECT_EQ(full.errc, Errc::store_full);
    EXPECT_EQ(full.link, Link::keep);
    EXPECT_EQ(full.retry, Retry::later);
    EXPECT_THAT(full.error().detail, HasSubstr("raise it"));
    const auto replica = classify("READONLY You can't write against a read only replica.");
    EXPECT_EQ(replica.errc, Errc::store_unavailable);
    EXPECT_EQ(replica.link, Link::break_it);
    EXPECT_EQ(replica.retry, Retry::soon);
    EXPECT_EQ(classify("NOAUTH x").retry, Retry::later);
    EXPECT_EQ(classify("WRONGTYPE x").errc, Errc::store_corrupt);
    EXPECT_EQ(classify("ERR syntax error").retry, Retry::no);
}

TEST(ReplyError, NamesWhatIsNotPermitted) {
    EXPECT_THAT(classify("NOPERM this user has no permissions to run the 'config|get' command").advice,
                HasSubstr("+config|get;"));
    EXPECT_THAT(
        classify("NOPERM this user has no permissions to access one of the keys used as arguments").advice,
        HasSubstr("~sse:*"));
    EXPECT_THAT(classify("NOPERM No permissions to access a key").advice, HasSubstr("~sse:*"));
    EXPECT_THAT(
        classify("NOPERM this user has no permissions to access one of the channels used as arguments")
            .advice,
        HasSubstr("&sse:*"));
    EXPECT_THAT(classify("NOPERM whatever").advice, HasSubstr("ACL SETUSER"));
    EXPECT_THAT(classify("NOPERM 'half").advice, HasSubstr("ACL SETUSER"));
}

TEST(ReplyError, KeepsTheTextToOneShortLine) {
    EXPECT_EQ(classify("ERR a\r\nb\xff").text, "ERR a??b?");
    EXPECT_LT(classify(std::string(5000, 'x')).text.size(), 400u);
}

}  // namespace
}  // namespace tidings::redis
