#pragma once
// GET /events: from a request to the plan of a stream, and what overload does to it.

#include "http/request.hpp"
#include "http/response.hpp"
#include "server/context.hpp"
#include "server/stream_plan.hpp"

#include <cstdint>
#include <optional>

namespace tidings {

// Authenticates, reads the parameters, checks the grants. Fails with unauthorized, invalid_token, forbidden,
// unknown_parameter, unknown_category, invalid_field, missing_field, not_acceptable.
Result<StreamPlan> plan_stream(ConnectionHost& host, const Settings& settings, const http::Request& request);

Framing framing_of(const http::Request& request) noexcept;
// Accept: application/json asks whether this credential may open this stream (C-5).
bool accepts_probe(const http::Request& request);
http::Response probe_answer();

// Why no new stream is taken just now; none: they are.
std::optional<Refused> overload_of(const HubContext& context);
void note_overload(HubContext& context, std::uint64_t now_ms);
// `drawn` doubled with each minute of overload, up to 120 s.
std::uint32_t overload_retry(const HubContext& context, std::uint32_t drawn, std::uint64_t now_ms);
Error refusal_error(Refused why);

}  // namespace tidings
