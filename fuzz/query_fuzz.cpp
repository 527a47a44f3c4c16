// The query and the fields of GET /events, its cursor, and the target as the log shows it. The input is a
// query and, after the first line feed, a Last-Event-ID, and after the second an Accept.

#include "base/terms.hpp"
#include "http/redact.hpp"
#include "http/routes.hpp"
#include "http/stream_request.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace tidings;
using namespace tidings::http;

std::string_view cut(std::string_view& text) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

void check(const StreamRequest& request, const Limits& limits) {
    if (request.cursor && (request.cursor->empty() || request.cursor->size() > 128)) std::abort();
    if (request.cursor.has_value() != (request.from == StreamFrom::id)) std::abort();
    if (request.topics.size() > limits.topics_per_stream) std::abort();
    if (request.categories &&
        (request.categories->empty() || request.categories->size() > limits.categories_per_stream)) {
        std::abort();
    }
    if (request.heartbeat && (request.heartbeat->count() < 1 || request.heartbeat->count() > 60))
        std::abort();
    if (!request.cursor) return;
    const TermTable terms{{{{1, 0xa}, {1, 100, 0}, {}, true, false}}};
    const auto meaning = interpret(*request.cursor, terms, {1, 200, 0});
    if (meaning.kind == CursorKind::ours && meaning.after > Position{1, 200, 0}) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest{reinterpret_cast<const char*>(data), size};
    const Limits limits;
    Request request;
    request.query = cut(rest);
    request.fields.add("Last-Event-ID", std::string{cut(rest)});
    if (!rest.empty()) request.fields.add("Accept", std::string{rest});
    const auto parsed = parse_stream_request(request, limits);
    if (parsed) {
        check(*parsed, limits);
    } else if (parsed.error().detail.empty()) {
        std::abort();
    }
    const auto target = redacted_target("/events?" + request.query);
    if (!std::all_of(target.begin(), target.end(), [](char c) { return c > 0x20 && c < 0x7f; })) std::abort();
    if (target.find("eyJ") != std::string::npos) std::abort();
    static const Routes routes{"/api"};
    const auto route = routes.match(Listener::api, Method::post, request.query);
    if (route.kind == RouteKind::method_not_allowed && route.allow.empty()) std::abort();
    return 0;
}
