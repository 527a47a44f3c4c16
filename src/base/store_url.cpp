#include "base/store_url.hpp"

#include <algorithm>
#include <array>

namespace tidings {
namespace {

constexpr std::array<std::string_view, 3> schemes{"redis://", "rediss://", "redis+sentinel://"};

// Behind the last @: a password may hold anything.
std::string_view hosts_of(std::string_view rest) noexcept {
    const auto at = rest.rfind('@');
    if (at != std::string_view::npos) rest.remove_prefix(at + 1);
    return rest.substr(0, rest.find_first_of("/?#"));
}

bool names_hosts(std::string_view list) noexcept {
    for (;;) {
        const auto comma = list.find(',');
        const auto host = list.substr(0, comma);
        if (host.empty() || host.front() == ':' || host.find(' ') != std::string_view::npos) return false;
        if (comma == std::string_view::npos) return true;
        list.remove_prefix(comma + 1);
    }
}

}  // namespace

bool is_redis_url(std::string_view url) noexcept {
    return std::ranges::any_of(schemes, [url](std::string_view scheme) {
        return url.starts_with(scheme) && names_hosts(hosts_of(url.substr(scheme.size())));
    });
}

std::string without_password(std::string_view url) {
    const auto slashes = url.find("//");
    const auto at = url.rfind('@');
    if (slashes == std::string_view::npos || at == std::string_view::npos || at < slashes + 2)
        return std::string{url};
    const auto begin = slashes + 2;
    const auto colon = url.find(':', begin);
    // A single word may be a password that lacks its colon.
    const auto kept = colon < at ? colon + 1 : begin;
    return std::string{url.substr(0, kept)}.append("***").append(url.substr(at));
}

}  // namespace tidings
