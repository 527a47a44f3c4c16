#pragma once
// What store.url says by its beginning, and how it is shown.

#include <string>
#include <string_view>

namespace tidings {

// redis://, rediss:// or redis+sentinel://, followed by at least one host.
bool is_redis_url(std::string_view url) noexcept;
// For people and logs: what stands between the user's name and the host is "***".
std::string without_password(std::string_view url);

}  // namespace tidings
