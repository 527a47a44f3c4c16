#include "server/stream_endpoint.hpp"

#include "http/accept.hpp"
#include "http/stream_request.hpp"
#include "server/publish_endpoint.hpp"

#include <tidings/registry.hpp>

#include <algorithm>

namespace tidings {
namespace {

constexpr std::uint64_t minute_ms = 60'000;
constexpr std::uint32_t retry_most_ms = 120'000;

// Sets the categories; an unknown name is an error, but for a reader that returns with a cursor.
Result<void> choose_categories(StreamPlan& plan, const http::StreamRequest& wanted,
                               const Registry& registry) {
    if (!wanted.categories) return {};
    if (wanted.cursor) {
        auto known = CategoryFilter::parse_known(*wanted.categories, registry);
        plan.catch_up.categories = known.filter.mask();
        plan.catch_up.ignored_categories = std::move(known.ignored);
        return {};
    }
    auto filter = CategoryFilter::parse(wanted.categories, registry);
    if (!filter) return filter.error();
    plan.catch_up.categories = filter->mask();
    return {};
}

Result<void> choose_audiences(StreamPlan& plan, const http::StreamRequest& wanted,
                              const Credential& credential) {
    if (wanted.audiences == http::StreamAudiences::all) {
        plan.catch_up.audiences.push_back(Audience::user(credential.user));
        plan.catch_up.audiences.push_back(Audience::broadcast());
    }
    for (const auto& name : wanted.topics) {
        auto topic = Audience::topic(name);
        if (!topic) return topic.error();
        if (!credential.grants.allows_subscribe(name)) {
            return Error{Errc::forbidden, "the credential may not read one of the topics"};
        }
        plan.catch_up.audiences.push_back(std::move(*topic));
    }
    return {};
}

CatchUpFrom from_of(const http::StreamRequest& wanted) {
    if (wanted.cursor) return {CatchUpFrom::Kind::cursor, *wanted.cursor, {}};
    if (wanted.from == http::StreamFrom::earliest) return {CatchUpFrom::Kind::earliest, {}, {}};
    return {};
}

}  // namespace

Result<StreamPlan> plan_stream(ConnectionHost& host, const Settings& settings, const http::Request& request) {
    const auto& context = host.context();
    std::optional<Credential> credential;
    if (auto refused = authorise(host, settings, request, credential)) return *std::move(refused);
    auto wanted = http::parse_stream_request(request, settings.config.limits);
    if (!wanted) return wanted.error();
    StreamPlan plan;
    const auto registry = context.registry.take();
    if (auto chosen = choose_categories(plan, *wanted, *registry); !chosen) return chosen.error();
    if (auto chosen = choose_audiences(plan, *wanted, *credential); !chosen) return chosen.error();
    plan.catch_up.on_gap = wanted->on_gap == http::OnGap::replay ? OnGap::replay : OnGap::live;
    plan.catch_up.from = from_of(*wanted);
    plan.framing = framing_of(request);
    plan.heartbeat = settings.config.delivery.heartbeat;
    if (wanted->heartbeat) plan.heartbeat = *wanted->heartbeat;
    plan.subject = credential->user_hash;
    plan.session = credential->session_hash;
    plan.token = credential->jti_hash;
    if (credential->ends_at) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*credential->ends_at - context.now());
        plan.expires_in = std::max(left, std::chrono::milliseconds{0});
    }
    plan.probes_topics = wanted->cursor && wanted->audiences == http::StreamAudiences::topics_only;
    return plan;
}

Framing framing_of(const http::Request& request) noexcept {
    return request.version == http::Version::http_1_1 ? Framing::chunked : Framing::close_delimited;
}

bool accepts_probe(const http::Request& request) {
    return http::negotiate(request.fields.joined("Accept")) == http::StreamAnswer::probe;
}

http::Response probe_answer() {
    http::Response response;
    response.fields.add("Content-Type", "application/json");
    response.fields.add("Cache-Control", "no-store");
    response.body = "{\"allowed\":true}";
    return response;
}

std::optional<Refused> overload_of(const HubContext& context) {
    if (context.draining) return Refused::draining;
    if (context.admission.streams() >= context.settings.take()->config.limits.streams)
        return Refused::process_full;
    return std::nullopt;
}

void note_overload(HubContext& context, std::uint64_t now_ms) {
    std::uint64_t none = 0;
    context.overloaded_since_ms.compare_exchange_strong(none, now_ms);
}

std::uint32_t overload_retry(const HubContext& context, std::uint32_t drawn, std::uint64_t now_ms) {
    const std::uint64_t since = context.overloaded_since_ms;
    std::uint64_t retry = drawn;
    const std::uint64_t minutes = since == 0 || now_ms < since ? 0 : (now_ms - since) / minute_ms;
    for (std::uint64_t i = 0; i < minutes && retry < retry_most_ms; ++i) retry *= 2;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(retry, retry_most_ms));
}

Error refusal_error(Refused why) {
    switch (why) {
        case Refused::process_full: return {Errc::overloaded, "the server holds as many streams as it may"};
        case Refused::user_full:
            return {Errc::too_many_requests, "this user holds as many streams as one may"};
        case Refused::address_full:
            return {Errc::too_many_requests, "this address holds as many streams as one may"};
        case Refused::draining: return {Errc::draining, "the server is about to end"};
        case Refused::connections:
            return {Errc::overloaded, "the server holds as many connections as it may"};
    }
    return Errc::overloaded;
}

}  // namespace tidings
