#pragma once
// Where Redis is, as one text.

#include <tidings/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidings::redis {

struct Endpoint {
    std::string host{};  // without brackets
    std::uint16_t port = 6379;

    std::string address() const;  // "127.0.0.1:6379", "[::1]:6379"
    bool operator==(const Endpoint&) const = default;
};

// redis://[USER[:PASSWORD]@]HOST[:PORT][/DB]             one server
// rediss://...                                            the same over TLS
// redis+sentinel://[USER:PASSWORD@]HOST[:PORT],.../MASTER[/DB]  found by asking Sentinels
// with options: ?ca=FILE&cert=FILE&key=FILE&verify=no&server_name=NAME&tls=yes&sentinel_user=NAME
// &sentinel_password=TEXT. ":secret@" is a password without a user; a user without a password is refused,
// since it is most likely a password that lacks its colon.
struct RedisUrl {
    enum class Topology : std::uint8_t { single, sentinel };
    enum class Tls : std::uint8_t { off, on };
    enum class Verify : std::uint8_t { chain_and_name, nothing };

    Topology topology = Topology::single;
    std::vector<Endpoint> hosts{};  // the server, or the Sentinels; never empty
    std::string master{};           // the name that the Sentinels know; only with them
    std::string user{};             // empty: "default"
    std::string password{};         // empty: none is sent
    std::uint32_t database = 0;
    Tls tls = Tls::off;  // of the links to Redis and to the Sentinels
    Verify verify = Verify::chain_and_name;
    std::string ca_file{};  // PEM; empty: the system's
    std::string certificate_file{};
    std::string key_file{};
    std::string server_name{};  // in the certificate; empty: the host
    std::string sentinel_user{};
    std::string sentinel_password{};

    // Fails with Errc::invalid_field; the detail says what would be right and never holds a password.
    static Result<RedisUrl> parse(std::string_view text);
    // For logs: with everything but the passwords, which are "***".
    std::string redacted() const;
    bool operator==(const RedisUrl&) const = default;
};

}  // namespace tidings::redis
