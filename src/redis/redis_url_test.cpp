#include "redis/redis_url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidings::redis {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string failure(std::string_view text) {
    const auto url = RedisUrl::parse(text);
    if (url) return "";
    EXPECT_EQ(url.error().code, Errc::invalid_field);
    return url.error().detail;
}

TEST(RedisUrl, ReadsOneServer) {
    const auto plain = RedisUrl::parse("redis://localhost").value();
    EXPECT_EQ(plain.hosts, (std::vector<Endpoint>{{"localhost", 6379}}));
    EXPECT_EQ(plain.database, 0u);
    EXPECT_EQ(plain.tls, RedisUrl::Tls::off);
    const auto full =
        RedisUrl::parse("rediss://hub:p%40ss%3A%2F@redis.example:7000/3?ca=/etc/ca.pem&server_name=r")
            .value();
    EXPECT_EQ(full.hosts, (std::vector<Endpoint>{{"redis.example", 7000}}));
    EXPECT_EQ(full.user, "hub");
    EXPECT_EQ(full.password, "p@ss:/");
    EXPECT_EQ(full.database, 3u);
    EXPECT_EQ(full.tls, RedisUrl::Tls::on);
    EXPECT_EQ(full.ca_file, "/etc/ca.pem");
    EXPECT_EQ(full.server_name, "r");
    EXPECT_EQ(full.verify, RedisUrl::Verify::chain_and_name);
}

TEST(RedisUrl, ReadsAddressesAndPasswordsAlone) {
    EXPECT_EQ(RedisUrl::parse("redis://[::1]").value().hosts[0].address(), "[::1]:6379");
    EXPECT_EQ(RedisUrl::parse("redis://[fe80::2]:1/").value().hosts[0], (Endpoint{"fe80::2", 1}));
    EXPECT_EQ(RedisUrl::parse("redis://127.0.0.1:80").value().hosts[0].address(), "127.0.0.1:80");
    const auto alone = RedisUrl::parse("redis://:secret@h").value();
    EXPECT_EQ(alone.user, "");
    EXPECT_EQ(alone.password, "secret");
    EXPECT_EQ(RedisUrl::parse("redis://:a@b@h").value().password, "a@b");
}

TEST(RedisUrl, ReadsSentinels) {
    const auto url =
        RedisUrl::parse(
            "redis+sentinel://u:p@a,b:1,[::1]:2/mymaster/5?sentinel_user=s&sentinel_password=q&tls=yes"
            "&verify=no&cert=c&key=k")
            .value();
    EXPECT_EQ(url.topology, RedisUrl::Topology::sentinel);
    EXPECT_EQ(url.hosts, (std::vector<Endpoint>{{"a", 26379}, {"b", 1}, {"::1", 2}}));
    EXPECT_EQ(url.master, "mymaster");
    EXPECT_EQ(url.database, 5u);
    EXPECT_EQ(url.user, "u");
    EXPECT_EQ(url.password, "p");
    EXPECT_EQ(url.sentinel_user, "s");
    EXPECT_EQ(url.sentinel_password, "q");
    EXPECT_EQ(url.tls, RedisUrl::Tls::on);
    EXPECT_EQ(url.verify, RedisUrl::Verify::nothing);
    EXPECT_EQ(RedisUrl::parse("redis+sentinel://a/m").value().database, 0u);
}

TEST(RedisUrl, SaysWhatWouldBeRight) {
    struct Row {
        std::string_view text, says;
    };
    const Row rows[] = {
        {"", "there is no scheme; a Redis URL is redis://"},
        {"localhost:6379", "there is no scheme"},
        {"http://h", "the scheme is redis, rediss or redis+sentinel"},
        {"reddis://h", "did you mean 'redis'?"},
        {"redis+cluster://h", "Cluster is not supported"},
        {"redis://", "there is no host"},
        {"redis://:1", "there is no host"},
        {"redis://a b", "no blanks"},
        {"redis://a/b?x#y", "'#' is written %23"},
        {"redis://a,b", "several hosts are for redis+sentinel"},
        {"redis://a:0", "from 1 to 65535"},
        {"redis://a:65536", "from 1 to 65535"},
        {"redis://a:", "from 1 to 65535"},
        {"redis://a:x", "from 1 to 65535"},
        {"redis://::1", "in brackets"},
        {"redis://[::1", "IPv6"},
        {"redis://[x]", "IPv6"},
        {"redis://[::1]1", "after the bracket"},
        {"redis://a!b", "a host is"},
        {"redis://h/x", "the database is a number"},
        {"redis://h/1/2", "the database is a number"},
        {"redis://h/-1", "the database is a number"},
        {"redis://secret@h", "a password alone is written ':PASSWORD@'"},
        {"redis://u:%zz@h", "'%' itself is %25"},
        {"redis://u:%00@h", "'%' itself is %25"},
        {"redis://u:%4@h", "'%' itself is %25"},
        {"redis://u:a/b@h", "'/' in a password is written %2F"},
        {"redis+sentinel://a", "the name of the master is missing"},
        {"redis+sentinel://a,/m", "there is no host"},
        {"redis+sentinel://a/m?sentinel_user=x", "no sentinel_password"},
        {"redis+sentinel://a/m?ca=x", "add tls=yes"},
        {"redis://h?ca=x", "use rediss://"},
        {"redis://h?sentinel_user=x", "are for redis+sentinel"},
        {"rediss://h?cert=x", "cert and key go together"},
        {"rediss://h?verfy=no", "did you mean 'verify'?"},
        {"rediss://h?quatsch=1", "the options are ca, cert"},
        {"rediss://h?verify=maybe", "verify is yes or no"},
        {"rediss://h?ca=", "ca has no value"},
        {"rediss://h?ca=%x", "hexadecimal"},
        {"rediss://h?", ""},
    };
    for (const auto& row : rows) {
        const auto says = failure(row.text);
        EXPECT_EQ(says.empty(), row.says.empty()) << row.text;
        EXPECT_THAT(says, HasSubstr(std::string{row.says})) << row.text;
    }
    EXPECT_NE(failure("redis://" + std::string(9000, 'a')), "");
    std::string many = "redis+sentinel://a";
    for (int i = 0; i < 70; ++i) many += ",a";
    EXPECT_THAT(failure(many + "/m"), HasSubstr("at most 64"));
}

TEST(RedisUrl, NeverShowsAPassword) {
    for (const char* text :
         {"redis://u:geheim@h:1/2", "redis://:geheim@h", "rediss://u:geheim@h?ca=c&verify=no",
          "redis+sentinel://u:geheim@a,b/m/1?sentinel_password=geheim&sentinel_user=x"}) {
        const auto redacted = RedisUrl::parse(text).value().redacted();
        EXPECT_THAT(redacted, Not(HasSubstr("geheim"))) << text;
        EXPECT_THAT(redacted, HasSubstr("***"));
    }
    EXPECT_EQ(RedisUrl::parse("redis://u:geheim@h/2").value().redacted(), "redis://u:***@h:6379/2");
    EXPECT_EQ(RedisUrl::parse("redis+sentinel://a/m?tls=yes").value().redacted(),
              "redis+sentinel://a:26379/m?tls=yes");
    for (const char* text :
         {"redis://u:geheim@h:x", "redis://geheim@h", "redis://u:geheim%@h", "redis://u:geheim/@h",
          "redis://u:geheim/x", "redis://u:geheim@h/d?pasword=geheim", "rediss://h?verify=geheim",
          "redis://u:ge#heim@h"}) {
        EXPECT_THAT(failure(text), Not(HasSubstr("geheim"))) << text;
    }
}

}  // namespace
}  // namespace tidings::redis
