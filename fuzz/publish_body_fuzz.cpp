// A publish or a domain event of any bytes is an item or an error, never a crash; what is accepted is fit to
// be stored.

#include "base/assert.hpp"
#include "base/json.hpp"
#include "event/domain_event_body.hpp"
#include "event/publish_body.hpp"
#include "event/type_name.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace tidings;

namespace {

const Registry& registry() {
    static const Registry made = [] {
        Registry registry;
        TIDINGS_ASSERT(registry.add_category("c"));
        TIDINGS_ASSERT(registry.add_type({"a.b", "c", "", {}, SlowReader::resume, true}));
        std::vector<DataField> fields;
        for (int type = 0; type <= static_cast<int>(FieldType::array); ++type) {
            fields.push_back({"f" + std::to_string(type), static_cast<FieldType>(type), type % 2 == 0});
        }
        std::vector<Mapping::Take> takes;
        for (const auto& field : fields) takes.push_back({field.name, "/" + field.name});
        TIDINGS_ASSERT(registry.add_type({"a.c", "c", "", fields, SlowReader::resume, true}));
        TIDINGS_ASSERT(registry.add_mapping({"Named", "a.c", "/user_id", "", false, takes}));
        return registry;
    }();
    return made;
}

void check_data(const EventDraft& draft) {
    const auto again = minified(draft.data, Limits{});
    TIDINGS_ASSERT(again && *again == draft.data);
    TIDINGS_ASSERT(draft.data.find_first_of("\r\n") == std::string::npos);
    TIDINGS_ASSERT(registry().check_data(draft.type, draft.data).has_value());
}

void publish(std::string_view text) {
    const auto item = parse_publish_item(text, registry(), Limits{});
    if (!item) return;
    TIDINGS_ASSERT(!item->audiences.empty() && item->draft.audience == item->audiences.front());
    TIDINGS_ASSERT(check_type_name(item->draft.type, Limits{}).has_value());
    for (const auto& audience : item->audiences) {
        const auto same = Audience::parse(audience.text());
        TIDINGS_ASSERT(same && *same == audience);
    }
    check_data(item->draft);
}

void domain_events(std::string_view text) {
    using Headers = std::vector<std::pair<std::string, std::string>>;
    static const std::vector<Headers> forms{
        {},
        {{"Content-Type", "application/cloudevents+json"}},
        {{"Content-Type", "application/cloudevents-batch+json"}},
        {{"ce-specversion", "1.0"}, {"ce-id", "1"}, {"ce-source", "s"}, {"ce-type", "Named"}}};
    for (const auto& headers : forms) {
        const auto items = parse_domain_event_request(headers, text, Limits{});
        if (!items) continue;
        for (const auto& item : *items) {
            if (!item) continue;
            const auto mapped = registry().map_named(item->name, item->data);
            if (mapped && std::holds_alternative<EventDraft>(*mapped))
                check_data(std::get<EventDraft>(*mapped));
        }
    }
}

// The lines are the same however the bytes come.
void lines(std::string_view text) {
    constexpr std::size_t line_bytes_max = 64;
    const auto split = [&](std::size_t piece) {
        NdjsonSplitter splitter{line_bytes_max};
        std::vector<std::string> found;
        const auto drain = [&] {
            while (const auto line = splitter.next()) {
                found.push_back(std::to_string(line->number) +
                                (line->text ? ":" + std::string{*line->text} : "!"));
            }
        };
        for (std::size_t at = 0; at < text.size(); at += piece) {
            splitter.feed(text.substr(at, piece));
            drain();
        }
        splitter.finish();
        drain();
        return found;
    };
    TIDINGS_ASSERT(split(1) == split(std::max<std::size_t>(text.size(), 1)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    publish(text);
    domain_events(text);
    lines(text);
    static_cast<void>(split_array(text, Limits{}));
    return 0;
}
