#include <tidings/result.hpp>

namespace tidings {

std::string_view name_of(Errc code) noexcept {
    switch (code) {
        case Errc::invalid_json: return "invalid-json";
        case Errc::invalid_field: return "invalid-field";
        case Errc::missing_field: return "missing-field";
        case Errc::unknown_field: return "unknown-field";
        case Errc::unknown_type: return "unknown-type";
        case Errc::unknown_category: return "unknown-category";
        case Errc::unknown_parameter: return "unknown-parameter";
        case Errc::reserved_name: return "reserved-name";
        case Errc::ambiguous_audience: return "ambiguous-audience";
        case Errc::event_too_large: return "event-too-large";
        case Errc::request_too_large: return "request-too-large";
        case Errc::head_too_large: return "head-too-large";
        case Errc::malformed_request: return "malformed-request";
        case Errc::unauthorized: return "unauthorized";
        case Errc::invalid_token: return "invalid-token";
        case Errc::forbidden: return "forbidden";
        case Errc::not_found: return "not-found";
        case Errc::method_not_allowed: return "method-not-allowed";
        case Errc::not_acceptable: return "not-acceptable";
        case Errc::topic_closed: return "topic-closed";
        case Errc::idempotency_conflict: return "idempotency-conflict";
        case Errc::too_many_requests: return "too-many-requests";
        case Errc::overloaded: return "overloaded";
        case Errc::draining: return "draining";
        case Errc::store_unavailable: return "store-unavailable";
        case Errc::outcome_unknown: return "outcome-unknown";
        case Errc::store_full: return "store-full";
        case Errc::store_corrupt: return "store-corrupt";
        case Errc::timed_out: return "timed-out";
        case Errc::connection_failed: return "connection-failed";
        case Errc::cancelled: return "cancelled";
        case Errc::internal: return "internal";
    }
    return "internal";
}

std::string Error::message() const {
    std::string text{name_of(code)};
    if (!detail.empty()) text.append(": ").append(detail);
    return text;
}

}  // namespace tidings
