#include "http/routes.hpp"

#include <gtest/gtest.h>

namespace tidings::http {
namespace {

TEST(Routes, LeadToTheirEndpoints) {
    const Routes routes{"/api/v1"};
    const auto endpoint = [&](Listener listener, Method method, std::string_view path) {
        const auto route = routes.match(listener, method, path);
        EXPECT_EQ(route.kind, RouteKind::endpoint) << path;
        return route.endpoint;
    };
    EXPECT_EQ(endpoint(Listener::api, Method::get, "/api/v1/events"), Endpoint::events_stream);
    EXPECT_EQ(endpoint(Listener::api, Method::head, "/api/v1/events"), Endpoint::events_stream);
    EXPECT_EQ(endpoint(Listener::api, Method::post, "/api/v1/events"), Endpoint::events_publish);
    EXPECT_EQ(endpoint(Listener::api, Method::post, "/api/v1/domain-events"), Endpoint::domain_events);
    EXPECT_EQ(endpoint(Listener::api, Method::get, "/api/v1/event-types"), Endpoint::event_types);
    EXPECT_EQ(endpoint(Listener::operations, Method::get, "/livez"), Endpoint::livez);
    EXPECT_EQ(endpoint(Listener::operations, Method::head, "/readyz"), Endpoint::readyz);
    EXPECT_EQ(endpoint(Listener::operations, Method::get, "/metrics"), Endpoint::metrics);
}

TEST(Routes, DecodeATopicsName) {
    const Routes routes{"/"};
    EXPECT_EQ(routes.base_path(), "");
    const auto route = routes.match(Listener::api, Method::post, "/topics/job%2F1+a/close");
    EXPECT_EQ(route.endpoint, Endpoint::topic_close);
    EXPECT_EQ(route.topic, "job/1+a");
    for (const auto* path : {"/topics//close", "/topics/close", "/topics/a/b/close", "/topics/%zz/close",
                             "/topics/a/close/", "/topics/a"}) {
        EXPECT_EQ(routes.match(Listener::api, Method::post, path).kind, RouteKind::not_found) << path;
    }
}

TEST(Routes, C4_AnswerOtherMethodsWithAllow) {
    const Routes routes{"/api/v1/"};
    const auto events = routes.match(Listener::api, Method::delete_, "/api/v1/events");
    EXPECT_EQ(events.kind, RouteKind::method_not_allowed);
    EXPECT_EQ(events.allow, "GET, HEAD, POST, OPTIONS");
    const auto close = routes.match(Listener::api, Method::get, "/api/v1/topics/a/close");
    EXPECT_EQ(close.kind, RouteKind::method_not_allowed);
    EXPECT_EQ(close.allow, "POST, OPTIONS");
    EXPECT_EQ(routes.match(Listener::api, Method::other, "/api/v1/event-types").allow, "GET, HEAD, OPTIONS");
}

TEST(Routes, C4_AnswerOptionsWithAllow) {
    const Routes routes{"/api/v1"};
    const auto events = routes.match(Listener::api, Method::options, "/api/v1/events");
    EXPECT_EQ(events.kind, RouteKind::options);
    EXPECT_EQ(events.allow, "GET, HEAD, POST, OPTIONS");
    EXPECT_EQ(routes.match(Listener::api, Method::options, "*").kind, RouteKind::options);
    EXPECT_EQ(routes.match(Listener::operations, Method::options, "*").allow, "GET, HEAD, OPTIONS");
    EXPECT_EQ(routes.match(Listener::api, Method::options, "/nowhere").kind, RouteKind::not_found);
}

TEST(Routes, ResolveNothingThatTwoServersMayResolveDifferently) {
    const Routes routes{"/api/v1"};
    for (const auto* path : {"/", "/events", "/api/v1", "/api/v1/", "/api/v1/events/", "/api/v1//events",
                             "/api/v1/./events", "/api/v1/../v1/events", "/api/v1/%65vents", "/API/v1/events",
                             "/api/v1events", "/api/v1/livez", "/livez"}) {
        EXPECT_EQ(routes.match(Listener::api, Method::get, path).kind, RouteKind::not_found) << path;
    }
    EXPECT_EQ(routes.match(Listener::operations, Method::get, "/api/v1/events").kind, RouteKind::not_found);
}

}  // namespace
}  // namespace tidings::http
