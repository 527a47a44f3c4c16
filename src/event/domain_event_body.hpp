#pragma once
// A domain event as it comes over HTTP: plain JSON, or CloudEvents 1.0 structured, batched or binary.

#include <tidings/event.hpp>
#include <tidings/limits.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidings {

struct DomainEventItem {
    std::string name;
    std::string data = "{}";  // minified
    std::optional<Timestamp> occurred_at{};
    std::string idempotency_key{};  // of CloudEvents: source, a space, id

    // What the event says of itself goes before what its data says. For drafts made by Registry::map_named().
    void complete(EventDraft& draft) const;
};

// {"name": "AccountSyncSucceeded", "data": {...}}; `data` defaults to {}; `occurred_at` and `idempotency_key`
// may stand beside it. Fails with invalid_json, invalid_field, missing_field, unknown_field.
Result<DomainEventItem> parse_domain_event(std::string_view json, const Limits& limits);

// CloudEvents 1.0 in JSON: `specversion` "1.0", `id`, `source` and `type` are required; extensions are
// ignored.
Result<DomainEventItem> parse_cloud_event(std::string_view json, const Limits& limits);

using HeaderFields = std::span<const std::pair<std::string, std::string>>;

// CloudEvents 1.0 binary: the attributes are the fields `ce-...` (any case, percent-encoded), the body is the
// data.
Result<DomainEventItem> parse_binary_cloud_event(HeaderFields headers, std::string_view body,
                                                 const Limits& limits);

// Which of them a request is: by its content type, and `ce-specversion`.
enum class DomainEventForm : std::uint8_t { plain, structured, batch, binary };
DomainEventForm domain_event_form(HeaderFields headers) noexcept;

// A whole request in any form: one result per domain event, in order; only a batch has several. An error of
// the whole request (not JSON, not an array) is the outer one.
Result<std::vector<Result<DomainEventItem>>> parse_domain_event_request(HeaderFields headers,
                                                                        std::string_view body,
                                                                        const Limits& limits);

}  // namespace tidings
