#include "redis/redis_url.hpp"

#include "base/nearest.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace tidings::redis {
namespace {

constexpr std::uint16_t redis_port = 6379;
constexpr std::uint16_t sentinel_port = 26379;
constexpr std::size_t hosts_max = 64;
constexpr std::size_t url_bytes_max = 8192;
constexpr std::string_view form = "; a Redis URL is redis://[USER:PASSWORD@]HOST[:PORT][/DB]";
constexpr std::string_view sentinel_form =
    "; a Sentinel URL is redis+sentinel://[USER:PASSWORD@]HOST[:PORT],HOST[:PORT]/MASTER[/DB]";

Error wrong(std::string why, std::string_view what_is_right = form) {
    return {Errc::invalid_field, std::move(why) + std::string{what_is_right}};
}

bool is_text(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) > 32 && c != 127; });
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            plain += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0) return std::nullopt;
        plain += static_cast<char>(high * 16 + low);
        i += 2;
    }
    if (plain.find('\0') != std::string::npos) return std::nullopt;
    return plain;
}

// The text in front of the first separator, which is removed from `rest` with it.
std::string_view cut(std::string_view& rest, char separator) {
    const auto at = rest.find(separator);
    const auto first = rest.substr(0, at);
    rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
    return first;
}

bool may_be_a_host(std::string_view host) {
    constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
    return !host.empty() && host.size() <= 255 && host.find_first_not_of(allowed) == std::string_view::npos;
}

bool may_be_an_ipv6(std::string_view host) {
    constexpr std::string_view allowed = "0123456789abcdefABCDEF:.";
    return host.size() >= 2 && host.size() <= 45 &&
           host.find_first_not_of(allowed) == std::string_view::npos &&
           host.find(':') != std::string_view::npos;
}

Result<Endpoint> parse_endpoint(std::string_view text, std::uint16_t port) {
    Endpoint endpoint{.port = port};
    std::string_view rest = text;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        const auto host = text.substr(1, end == std::string_view::npos ? end : end - 1);
        if (end == std::string_view::npos || !may_be_an_ipv6(host)) {
            return wrong("'" + std::string{text} + "' is not an IPv6 address in brackets, as in [::1]:6379");
        }
        endpoint.host = host;
        rest.remove_prefix(end + 1);
        if (!rest.empty() && rest.front() != ':') return wrong("after the bracket comes ':' and the port");
    } else {
        endpoint.host = text.substr(0, text.find(':'));
        rest.remove_prefix(endpoint.host.size());
        if (rest.find(':', 1) != std::string_view::npos)
            return wrong("an IPv6 address stands in brackets: [::1]:6379");
        if (endpoint.host.empty()) return wrong("there is no host");
        if (!may_be_a_host(endpoint.host)) {
            return wrong("a host is a name of letters, digits, '-', '.' and '_', or an address");
        }
    }
    if (rest.empty()) return endpoint;
    rest.remove_prefix(1);
    const auto [stopped, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), endpoint.port);
    if (ec != std::errc{} || stopped != rest.data() + rest.size() || endpoint.port == 0) {
        return wrong("the port is a number from 1 to 65535");
    }
    return endpoint;
}

Result<void> read_user(RedisUrl& url, std::string_view text) {
    const auto user = percent_decoded(cut(text, ':'));
    const auto password = percent_decoded(text);
    if (!user || !password) {
        return wrong("'%' in the user or password begins two hexadecimal digits; '%' itself is %25");
    }
    url.user = *user;
    url.password = *password;
    if (!url.user.empty() && url.password.empty()) {
        return wrong("there is a user and no password; a password alone is written ':PASSWORD@'");
    }
    return {};
}

Result<void> read_hosts(RedisUrl& url, std::string_view text) {
    const bool single = url.topology == RedisUrl::Topology::single;
    if (single && text.find(',') != std::string_view::npos) {
        return wrong("several hosts are for redis+sentinel://");
    }
    while (true) {
        const bool last = text.find(',') == std::string_view::npos;
        auto endpoint = parse_endpoint(cut(text, ','), single ? redis_port : sentinel_port);
        if (!endpoint) return endpoint.error();
        url.hosts.push_back(std::move(*endpoint));
        if (url.hosts.size() > hosts_max) return wrong("at most 64 Sentinels", sentinel_form);
        if (last) return {};
    }
}

Result<void> read_path(RedisUrl& url, std::string_view text) {
    if (url.topology == RedisUrl::Topology::sentinel) {
        const auto master = percent_decoded(cut(text, '/'));
        if (!master || master->empty() || !is_text(*master)) {
            return wrong("the name of the master is missing", sentinel_form);
        }
        url.master = *master;
    }
    if (text.empty()) return {};
    const auto [stopped, ec] = std::from_chars(text.data(), text.data() + text.size(), url.database);
    if (ec != std::errc{} || stopped != text.data() + text.size() || url.database > 65'535) {
        return wrong("the database is a number such as 0");
    }
    return {};
}

Result<void> read_switch(RedisUrl& url, std::string_view name, std::string_view value) {
    if (value != "yes" && value != "no") return wrong(std::string{name} + " is yes or no");
    if (name == "verify") {
        url.verify = value == "yes" ? RedisUrl::Verify::chain_and_name : RedisUrl::Verify::nothing;
    } else {
        url.tls = value == "yes" ? RedisUrl::Tls::on : RedisUrl::Tls::off;
    }
    return {};
}

Result<void> read_option(RedisUrl& url, std::string_view text) {
    const std::string name{cut(text, '=')};
    const auto value = percent_decoded(text);
    struct Option {
        std::string_view name;
        std::string RedisUrl::* member;
    };
    constexpr Option options[] = {
        {"ca", &RedisUrl::ca_file},
        {"cert", &RedisUrl::certificate_file},
        {"key", &RedisUrl::key_file},
        {"server_name", &RedisUrl::server_name},
        {"sentinel_user", &RedisUrl::sentinel_user},
        {"sentinel_password", &RedisUrl::sentinel_password},
    };
    if (!value)
        return wrong("the option " + name + " holds a '%' that is not followed by two hexadecimal digits");
    if (name == "verify" || name == "tls") return read_switch(url, name, *value);
    for (const auto& option : options) {
        if (option.name != name) continue;
        if (value->empty()) return wrong("the option " + name + " has no value");
        url.*option.member = *value;
        return {};
    }
    const std::vector<std::string> names{"ca",          "cert", "key",           "verify",
                                         "server_name", "tls",  "sentinel_user", "sentinel_password"};
    const auto hint = nearest_hint(name, names);
    return wrong("there is no option '" + name + "'" + (hint.empty() ? "" : "; " + hint),
                 "; the options are " + joined(names));
}

Result<void> check(const RedisUrl& url) {
    const bool sentinel = url.topology == RedisUrl::Topology::sentinel;
    if (!sentinel && !(url.sentinel_user.empty() && url.sentinel_password.empty())) {
        return wrong("sentinel_user and sentinel_password are for redis+sentinel://");
    }
    if (!url.sentinel_user.empty() && url.sentinel_password.empty()) {
        return wrong("there is a sentinel_user and no sentinel_password", "");
    }
    if (url.certificate_file.empty() != url.key_file.empty()) {
        return wrong("cert and key go together", ": the client's certificate and its private key, both PEM");
    }
    const bool about_tls = !url.ca_file.empty() || !url.certificate_file.empty() ||
                           !url.server_name.empty() || url.verify == RedisUrl::Verify::nothing;
    if (about_tls && url.tls == RedisUrl::Tls::off) {
        return wrong("ca, cert, key, verify and server_name are for TLS",
                     sentinel ? "; add tls=yes" : "; use rediss://");
    }
    return {};
}

Result<void> read_scheme(RedisUrl& url, std::string_view scheme) {
    if (scheme == "redis+sentinel") {
        url.topology = RedisUrl::Topology::sentinel;
    } else if (scheme == "rediss") {
        url.tls = RedisUrl::Tls::on;
    } else if (scheme == "redis+cluster") {
        return wrong("Redis Cluster is not supported by this version", "; name one server, or Sentinels");
    } else if (scheme != "redis") {
        const auto hint = nearest_hint(scheme, {"redis", "rediss", "redis+sentinel"});
        return wrong("the scheme is redis, rediss or redis+sentinel" + (hint.empty() ? "" : "; " + hint), "");
    }
    return {};
}

}  // namespace

std::string Endpoint::address() const {
    return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

Result<RedisUrl> RedisUrl::parse(std::string_view text) {
    if (text.size() > url_bytes_max) return wrong("the URL is longer than 8192 bytes");
    if (!is_text(text)) return wrong("a URL holds no blanks and no control characters; write them as %XX");
    const auto scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos) return wrong("there is no scheme");
    RedisUrl url;
    if (auto read = read_scheme(url, text.substr(0, scheme_end)); !read) return read.error();
    text.remove_prefix(scheme_end + 3);
    if (text.find('#') != std::string_view::npos) return wrong("'#' is written %23 in a URL");
    std::string_view options = text;
    std::string_view path = cut(options, '?');
    std::string_view authority = cut(path, '/');
    const auto at = authority.rfind('@');
    if (at != std::string_view::npos) {
        if (auto read = read_user(url, authority.substr(0, at)); !read) return read.error();
        authority.remove_prefix(at + 1);
    } else if (path.find('@') != std::string_view::npos) {
        return wrong("'/' in a password is written %2F");
    }
    if (auto read = read_hosts(url, authority); !read) return read.error();
    if (auto read = read_path(url, path); !read) return read.error();
    while (!options.empty()) {
        if (auto read = read_option(url, cut(options, '&')); !read) return read.error();
    }
    if (auto checked = check(url); !checked) return checked.error();
    return url;
}

std::string RedisUrl::redacted() const {
    const bool sentinel = topology == Topology::sentinel;
    std::string text = sentinel ? "redis+sentinel://" : tls == Tls::on ? "rediss://" : "redis://";
    if (!password.empty()) text += user + ":***@";
    std::vector<std::string> addresses;
    for (const auto& host : hosts) addresses.push_back(host.address());
    text += joined(addresses, ",");
    if (sentinel) text += "/" + master;
    if (database != 0) text += "/" + std::to_string(database);
    std::vector<std::string> options;
    if (sentinel && tls == Tls::on) options.emplace_back("tls=yes");
    if (verify == Verify::nothing) options.emplace_back("verify=no");
    if (!ca_file.empty()) options.push_back("ca=" + ca_file);
    if (!certificate_file.empty()) options.push_back("cert=" + certificate_file);
    if (!key_file.empty()) options.push_back("key=" + key_file);
    if (!server_name.empty()) options.push_back("server_name=" + server_name);
    if (!sentinel_user.empty()) options.push_back("sentinel_user=" + sentinel_user);
    if (!sentinel_password.empty()) options.emplace_back("sentinel_password=***");
    return text + (options.empty() ? "" : "?") + joined(options, "&");
}

}  // namespace tidings::redis
