#pragma once
// Which endpoint a method and a path mean.

#include "http/request.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace tidings::http {

enum class Endpoint : std::uint8_t {
    events_stream,   // GET, HEAD <base>/events
    events_publish,  // POST <base>/events
    domain_events,   // POST <base>/domain-events
    topic_close,     // POST <base>/topics/{name}/close
    event_types,     // GET, HEAD <base>/event-types
    livez,           // GET, HEAD on the operations listener; so are the next
    readyz,
    metrics
};

enum class Listener : std::uint8_t { api, operations };

enum class RouteKind : std::uint8_t {
    endpoint,
    options,            // 204 with Allow
    not_found,          // 404
    method_not_allowed  // 405 with Allow
};

struct Route {
    RouteKind kind = RouteKind::not_found;
    Endpoint endpoint = Endpoint::events_stream;  // for RouteKind::endpoint
    std::string topic{};                          // for topic_close: decoded; its form is not yet checked
    std::string allow{};                          // "GET, HEAD, POST, OPTIONS", except for not_found
};

// The table of resources under a base path. Immutable, so all shards share it. Paths are compared as they
// are: no dot segments, doubled or trailing slashes are resolved, since two servers in a row could resolve
// them differently.
class Routes {
public:
    // `base_path`: "/api/v1"; "" and "/" are the root, a trailing slash is ignored.
    explicit Routes(std::string_view base_path);

    // `path` is percent-encoded, as Request has it. HEAD is allowed wherever GET is.
    Route match(Listener listener, Method method, std::string_view path) const;
    const std::string& base_path() const noexcept { return base_path_; }

private:
    std::string base_path_;
};

}  // namespace tidings::http
