#include "client/url.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace tidings {
namespace {

Error not_allowed(std::string_view why) {
    return {Errc::invalid_field, std::string{why} + "; a hub's URL is http://HOST[:PORT][/BASE]"};
}

bool names_a_host(boost::urls::host_type type, std::string_view host) {
    constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    switch (type) {
        case boost::urls::host_type::ipv4:
        case boost::urls::host_type::ipv6: return true;
        case boost::urls::host_type::name: return host.find_first_not_of(allowed) == std::string_view::npos;
        default: return false;  // no such address family is in use
    }
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
    const auto parsed = boost::urls::parse_uri(text);
    if (!parsed) return not_allowed("this is not a URL");
    const boost::urls::url_view& url = *parsed;
    if (url.scheme() == "https") return not_allowed("https is not supported by this version");
    if (url.scheme() != "http") return not_allowed("the scheme is not http");
    if (url.has_userinfo()) return not_allowed("user names and passwords are not used; give a token");
    if (url.has_query() || url.has_fragment()) return not_allowed("a query or fragment has no place here");
    const std::string host = url.host_address();
    if (host.empty()) return not_allowed("there is no host");
    // A host that was percent-encoded could end the line of the request that names it.
    if (!names_a_host(url.host_type(), host)) {
        return not_allowed("the host is a name of letters, digits, '-', '.', '_' and '~', or an address");
    }
    const std::string port = url.has_port() ? std::string{url.port()} : "80";
    if (port.empty() || port.size() > 5 || std::stoul(port) == 0 || std::stoul(port) > 65'535) {
        return not_allowed("the port is a number from 1 to 65535");
    }
    std::string base{url.encoded_path()};
    // Boost.URL takes "[::1]280" for a host and a path.
    if (!base.empty() && base.front() != '/')
        return not_allowed("the port begins with ':', the base with '/'");
    while (!base.empty() && base.back() == '/') base.pop_back();
    return Url{host, port, base.empty() ? "/api/v1" : base};
}

std::string Url::authority() const {
    return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + port;
}

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view unreserved =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    constexpr std::string_view hex = "0123456789ABCDEF";
    std::string encoded;
    for (const char character : text) {
        if (unreserved.find(character) != std::string_view::npos) {
            encoded += character;
        } else {
            const auto byte = static_cast<unsigned char>(character);
            encoded += '%';
            encoded += hex[byte >> 4];
            encoded += hex[byte & 15];
        }
    }
    return encoded;
}

}  // namespace tidings
