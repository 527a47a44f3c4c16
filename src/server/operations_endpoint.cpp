#include "server/operations_endpoint.hpp"

#include "http/problem.hpp"
#include "net/loop.hpp"

namespace tidings {
namespace {

constexpr std::chrono::milliseconds deep_wait{2'000};

http::Response text_response(int status, std::string type, std::string body) {
    http::Response response;
    response.status = status;
    response.fields.add("Content-Type", std::move(type));
    response.fields.add("Cache-Control", "no-store");
    response.body = std::move(body);
    return response;
}

http::Response health(int status, std::string_view text) {
    return text_response(status, "text/plain; charset=utf-8", std::string{text} + "\n");
}

// Asked of the store with `?deep`; the first answer, the store's or the clock's, counts.
struct DeepCheck {
    AnswerCallback answer;
    void settle(http::Response response) {
        if (auto once = std::exchange(answer, nullptr)) once(std::move(response));
    }
};

}  // namespace

http::Response answer_unrouted(const http::Route& route, const http::Request& request) {
    http::ProblemContext problem;
    problem.instance = request.path;
    problem.allow = route.allow;
    switch (route.kind) {
        case http::RouteKind::options: {
            http::Response response;
            response.status = 204;
            response.fields.add("Allow", route.allow);
            return response;
        }
        case http::RouteKind::method_not_allowed:
            return http::problem_response({Errc::method_not_allowed, "this resource has no such method"},
                                          problem);
        case http::RouteKind::endpoint:
        case http::RouteKind::not_found: break;
    }
    return http::problem_response({Errc::not_found, "there is no such resource"}, problem);
}

http::Response event_types(ConnectionHost& host, const Settings& settings, const http::Request& request) {
    std::optional<Credential> credential;
    if (const auto refused = authorise(host, settings, request, credential)) {
        return http::problem_response(*refused, {.instance = request.path});
    }
    return text_response(200, "application/json", host.context().registry.take()->json());
}

http::Response livez() { return health(200, "alive"); }

void readyz(ConnectionHost& host, const http::Request& request, AnswerCallback answer) {
    auto& context = host.context();
    if (context.draining) return answer(health(503, "draining"));
    if (const auto stuck = host.stuck_shards(); stuck > 0) {
        return answer(health(503, std::to_string(stuck) + " shards do not pass events on"));
    }
    if (request.query != "deep" && !request.query.starts_with("deep=") &&
        !request.query.starts_with("deep&")) {
        return answer(health(200, "ready"));
    }
    // Shared between the store's answer and the clock's.
    auto check = std::make_shared<DeepCheck>(DeepCheck{std::move(answer)});
    Loop& loop = host.connection_loop();
    loop.later(deep_wait, [check] { check->settle(health(503, "the store does not answer")); });
    context.store.bound([check, &loop](const Result<Bound>& bound) {
        const std::string text =
            bound ? "ready, and so is the store" : "the store: " + bound.error().message();
        const int status = bound ? 200 : 503;
        loop.post([check, status, text] { check->settle(health(status, text)); });
    });
}

void metrics(ConnectionHost& host, AnswerCallback answer) {
    host.collect_all([answer = std::move(answer)](std::string text) {
        answer(text_response(200, "text/plain; version=0.0.4; charset=utf-8", std::move(text)));
    });
}

}  // namespace tidings
