// Domain events in all four forms, and messages of the shared Redis. The input is header fields ("name:
// value", a line each), an empty line, a body. Whatever it is: items or errors; what is accepted is whole,
// and what was read is read the same after it was written.

#include "base/assert.hpp"
#include "base/json.hpp"
#include "event/domain_event_body.hpp"
#include "event/wire_json.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace tidings;

namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

const Registry& registry() {
    static const Registry made = [] {
        Registry registry;
        TIDINGS_ASSERT(registry.add_category("c"));
        TIDINGS_ASSERT(registry.add_type({"a.b", "c", "", {}, SlowReader::resume, true}));
        return registry;
    }();
    return made;
}

Headers take_headers(std::string_view& input) {
    Headers headers;
    while (!input.empty()) {
        const auto line = input.substr(0, input.find('\n'));
        input.remove_prefix(std::min(input.size(), line.size() + 1));
        if (line.empty()) break;
        const auto colon = line.find(": ");
        if (colon == std::string_view::npos) continue;
        headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    }
    return headers;
}

void check_item(const Result<DomainEventItem>& item) {
    if (!item) {
        TIDINGS_ASSERT(!item.error().detail.empty());
        return;
    }
    TIDINGS_ASSERT(!item->name.empty());
    const auto again = minified(item->data, Limits{});
    TIDINGS_ASSERT(again && *again == item->data);
    EventDraft draft;
    item->complete(draft);
    TIDINGS_ASSERT(draft.idempotency_key == item->idempotency_key);
}

bool same(const Result<DomainEventItem>& a, const Result<DomainEventItem>& b) {
    if (!a || !b) return a.has_value() == b.has_value();
    return a->name == b->name && a->data == b->data && a->occurred_at == b->occurred_at &&
           a->idempotency_key == b->idempotency_key;
}

void requests(const Headers& headers, std::string_view body) {
    const auto items = parse_domain_event_request(headers, body, Limits{});
    if (items) {
        for (const auto& item : *items) check_item(item);
    } else {
        TIDINGS_ASSERT(!items.error().detail.empty());
    }
    check_item(parse_domain_event(body, Limits{}));
    check_item(parse_binary_cloud_event(headers, body, Limits{}));
    // One event is the same in a batch of one.
    const auto alone = parse_cloud_event(body, Limits{});
    check_item(alone);
    const Headers batch{{"Content-Type", "application/cloudevents-batch+json"}};
    const auto several = parse_domain_event_request(batch, "[" + std::string{body} + "]", Limits{});
    if (alone) TIDINGS_ASSERT(several && several->size() == 1 && same(alone, several->front()));
}

void wire(const Headers& fields, std::string_view body) {
    const auto check = [](const Result<WireEvent>& read) {
        if (!read) {
            TIDINGS_ASSERT(!read.error().detail.empty());
            return;
        }
        const Event event{
            read->id,          read->type, read->category, Audience::user(read->user_id), read->data,
            read->occurred_at, {}};
        const auto message = parse_wire_json(wire_json(event), registry(), Limits{});
        TIDINGS_ASSERT(message && *message == *read);
        const auto entry = parse_wire_fields(wire_fields(event), read->user_id, registry(), Limits{});
        TIDINGS_ASSERT(entry && *entry == *read);
    };
    check(parse_wire_json(body, registry(), Limits{}));
    check(parse_wire_fields(fields, *UserId::parse("u1"), registry(), Limits{}));
    const ChannelKeys keys;
    if (const auto user = keys.user_of(body)) {
        const auto again = keys.user_of(keys.user_channel(*user));
        TIDINGS_ASSERT(again && *again == *user && !keys.is_broadcast(body));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view body{reinterpret_cast<const char*>(data), size};
    const auto headers = take_headers(body);
    requests(headers, body);
    wire(headers, body);
    return 0;
}
