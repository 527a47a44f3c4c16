#include "http/routes.hpp"

#include "http/query.hpp"

#include <array>
#include <optional>

namespace tidings::http {
namespace {

struct Row {
    Listener listener;
    std::string_view path;  // below the base path on the API's listener; "*" is one segment
    Method method;
    Endpoint endpoint;
};

constexpr std::array rows{
    Row{Listener::api, "/events", Method::get, Endpoint::events_stream},
    Row{Listener::api, "/events", Method::post, Endpoint::events_publish},
    Row{Listener::api, "/domain-events", Method::post, Endpoint::domain_events},
    Row{Listener::api, "/topics/*/close", Method::post, Endpoint::topic_close},
    Row{Listener::api, "/event-types", Method::get, Endpoint::event_types},
    Row{Listener::operations, "/livez", Method::get, Endpoint::livez},
    Row{Listener::operations, "/readyz", Method::get, Endpoint::readyz},
    Row{Listener::operations, "/metrics", Method::get, Endpoint::metrics},
};

// What stands for the row's '*', or an empty text where it has none; none: the path is another.
std::optional<std::string_view> matches(std::string_view pattern, std::string_view path) noexcept {
    const auto star = pattern.find('*');
    if (star == std::string_view::npos) {
        return pattern == path ? std::optional{std::string_view{}} : std::nullopt;
    }
    const auto before = pattern.substr(0, star);
    const auto after = pattern.substr(star + 1);
    if (path.size() <= before.size() + after.size()) return std::nullopt;
    if (!path.starts_with(before) || !path.ends_with(after)) return std::nullopt;
    const auto segment = path.substr(before.size(), path.size() - before.size() - after.size());
    if (segment.find('/') != std::string_view::npos) return std::nullopt;
    return segment;
}

}  // namespace

Routes::Routes(std::string_view base_path) : base_path_{base_path} {
    while (!base_path_.empty() && base_path_.back() == '/') base_path_.pop_back();
}

Route Routes::match(Listener listener, Method method, std::string_view path) const {
    if (path == "*" && method == Method::options) {
        const bool api = listener == Listener::api;
        return {.kind = RouteKind::options, .allow = api ? "GET, HEAD, POST, OPTIONS" : "GET, HEAD, OPTIONS"};
    }
    if (listener == Listener::api) {
        if (!path.starts_with(base_path_)) return {};
        path.remove_prefix(base_path_.size());
    }
    const auto wanted = method == Method::head ? Method::get : method;
    Route route;
    for (const auto& row : rows) {
        if (row.listener != listener) continue;
        const auto segment = matches(row.path, path);
        if (!segment) continue;
        auto name = percent_decoded(*segment, PlusSign::is_plus);
        if (!name) return {};
        if (route.kind == RouteKind::not_found) route.kind = RouteKind::method_not_allowed;
        route.allow.append(row.method == Method::get ? "GET, HEAD, " : "POST, ");
        if (row.method == wanted) {
            route.kind = RouteKind::endpoint;
            route.endpoint = row.endpoint;
            route.topic = std::move(*name);
        }
    }
    if (route.kind == RouteKind::not_found) return route;
    if (method == Method::options) route.kind = RouteKind::options;
    route.allow.append("OPTIONS");
    return route;
}

}  // namespace tidings::http
