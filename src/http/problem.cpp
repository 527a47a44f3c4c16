#include "http/problem.hpp"

#include "base/assert.hpp"
#include "base/json.hpp"

#include <array>

namespace tidings::http {
namespace {

struct Row {
    Errc code;
    int status;
    std::string_view title;
};

// In the order of Errc; a test checks that none is missing.
constexpr std::array rows{
    Row{Errc::invalid_json, 400, "The JSON is invalid"},
    Row{Errc::invalid_field, 400, "A value is invalid"},
    Row{Errc::missing_field, 400, "A required value is missing"},
    Row{Errc::unknown_field, 400, "A member is unknown"},
    Row{Errc::unknown_type, 400, "The event type is unknown"},
    Row{Errc::unknown_category, 400, "The category is unknown"},
    Row{Errc::unknown_parameter, 400, "The query parameter is unknown"},
    Row{Errc::reserved_name, 400, "The name is reserved"},
    Row{Errc::ambiguous_audience, 400, "The audience is ambiguous"},
    Row{Errc::event_too_large, 413, "The event is too large"},
    Row{Errc::request_too_large, 413, "The request is too large"},
    Row{Errc::head_too_large, 431, "The request's head is too large"},
    Row{Errc::malformed_request, 400, "The request is malformed"},
    Row{Errc::unauthorized, 401, "A credential is required"},
    Row{Errc::invalid_token, 401, "The credential is invalid"},
    Row{Errc::forbidden, 403, "The credential does not allow this"},
    Row{Errc::not_found, 404, "There is no such resource"},
    Row{Errc::method_not_allowed, 405, "The method is not allowed"},
    Row{Errc::not_acceptable, 406, "Nothing acceptable is available"},
    Row{Errc::topic_closed, 409, "The topic is closed"},
    Row{Errc::idempotency_conflict, 422, "The idempotency key was used for something else"},
    Row{Errc::too_many_requests, 429, "There are too many requests"},
    Row{Errc::overloaded, 503, "The server is overloaded"},
    Row{Errc::draining, 503, "The server is about to end"},
    Row{Errc::store_unavailable, 503, "The store is unavailable"},
    Row{Errc::outcome_unknown, 503, "The outcome is unknown"},
    Row{Errc::store_full, 507, "The store is full"},
    Row{Errc::store_corrupt, 500, "The store is damaged"},
    Row{Errc::timed_out, 408, "The request took too long"},
    Row{Errc::connection_failed, 503, "A connection failed"},
    Row{Errc::cancelled, 503, "The request was cancelled"},
    Row{Errc::internal, 500, "The server failed"},
};

constexpr bool in_order() {
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (static_cast<std::size_t>(rows[i].code) != i + 1) return false;
    }
    return rows.back().code == Errc::internal;
}
static_assert(in_order(), "one row for each Errc, in its order");

const Row& row_of(Errc code) noexcept {
    const auto index = static_cast<std::size_t>(code) - 1;
    TIDINGS_ASSERT(index < rows.size());
    return rows[index];
}

constexpr std::chrono::seconds retry_after_default{5};

std::string_view challenge_of(Errc code) noexcept {
    switch (code) {
        // RFC 6750 3.1: who sent no credential is told no error code.
        case Errc::unauthorized: return R"(Bearer realm="tidings")";
        case Errc::invalid_token: return R"(Bearer realm="tidings", error="invalid_token")";
        case Errc::forbidden: return R"(Bearer realm="tidings", error="insufficient_scope")";
        default: return {};
    }
}

}  // namespace

int status_of(Errc code) noexcept { return row_of(code).status; }
std::string_view title_of(Errc code) noexcept { return row_of(code).title; }

std::string problem_type(Errc code) { return "urn:tidings:problem:" + std::string{name_of(code)}; }

std::string problem_json(const Error& error, const ProblemContext& context) {
    std::string json = R"({"type":)" + quoted(problem_type(error.code));
    json.append(R"(,"title":)").append(quoted(title_of(error.code)));
    json.append(R"(,"status":)").append(std::to_string(context.status.value_or(status_of(error.code))));
    // A detail may quote what a client sent: quoted() makes UTF-8 of anything.
    if (!error.detail.empty()) json.append(R"(,"detail":)").append(quoted(error.detail));
    if (!context.instance.empty()) json.append(R"(,"instance":)").append(quoted(context.instance));
    json.push_back('}');
    return json;
}

Response problem_response(const Error& error, const ProblemContext& context) {
    Response response;
    response.status = context.status.value_or(status_of(error.code));
    response.fields.add("Content-Type", "application/problem+json");
    response.fields.add("Cache-Control", "no-store");
    response.fields.add("X-Content-Type-Options", "nosniff");
    if (const auto challenge = challenge_of(error.code); !challenge.empty()) {
        response.fields.add("WWW-Authenticate", std::string{challenge});
    }
    if (response.status == 405) response.fields.add("Allow", context.allow);
    if (response.status == 429 || response.status == 503) {
        const auto seconds = context.retry_after.value_or(retry_after_default);
        response.fields.add("Retry-After", std::to_string(seconds.count()));
    }
    response.body = problem_json(error, context);
    response.body.push_back('\n');
    return response;
}

}  // namespace tidings::http
