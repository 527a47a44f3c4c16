#pragma once
// What a hub has to be allowed on Redis.

#include <string>
#include <string_view>

namespace tidings::redis {

// The rules of ACL SETUSER that a hub with these names needs, all of them: Redis does not name what it denies
// inside a script.
std::string rights_needed(std::string_view prefix);

}  // namespace tidings::redis
