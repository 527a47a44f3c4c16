// What others may put on a shared Redis: messages, entries of streams, and replies of every form. Whatever
// comes is a value or an error, and what is read keeps the order that streams rely on. The first byte of the
// input chooses what it is.

#include "base/assert.hpp"
#include "byte_source.hpp"
#include "redis/log_reads.hpp"
#include "redis/term_text.hpp"
#include "redis/wire_entry.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace tidings;
using namespace tidings::redis;

namespace {

const Audience user{Audience::Kind::user, "11111111-2222-7333-8444-555555555555"};
const Audience topic{Audience::Kind::topic, "room"};
constexpr Position bound{2, 1'768'876'201'000, 5};

const Registry& registry() {
    static const auto parsed = Registry::parse_toml(
        "categories = [\"things\"]\n[[event]]\ntype = \"thing.happened\"\ncategory = \"things\"\n"
        "description = \"A thing.\"\n",
        "fuzz.toml");
    TIDINGS_ASSERT(parsed.has_value());
    return *parsed;
}
const TermTable& terms() {
    static const TermTable table = *parse_terms("1:11:1000:2000:5:s", {2, 22}, 1'768'876'200'000);
    return table;
}

// Words that the readers look for, so that the fuzzer need not find them.
const std::string_view words[] = {"event_id",
                                  "event_type",
                                  "data",
                                  "occurred_at",
                                  "tidings",
                                  "length",
                                  "first-entry",
                                  "last-entry",
                                  "entries-added",
                                  "ok",
                                  "2",
                                  "22",
                                  "1768876200000-7",
                                  "1768876200001-0",
                                  "18446744073709551615-18446744073709551615",
                                  "281474976710655-0",
                                  "019bd93c-d040-7007-8000-000580008000",
                                  "0199a2b4-0000-7abc-8def-0123456789ab",
                                  "thing.happened",
                                  "2026-01-20T02:30:00+00:00",
                                  "{\"n\":1}",
                                  "{\"v\": 1, \"prev\": \"2-1768876200000-0\", \"category\": \"things\"}",
                                  "{\"v\": 1, \"at\": \"2-1-1\", \"retained\": false}",
                                  "1768876300000 x 2-1768876200000-9"};

std::string text_of(ByteSource& source) {
    const std::size_t size = source.below(32);
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(source.byte());
    return text;
}

Value value_of(ByteSource& source, std::size_t depth) {
    if (source.empty()) return {};
    const std::size_t kind = source.below(depth == 0 ? 5 : 8);
    if (kind == 0) return {};
    if (kind == 1) return Value::of_integer(source.byte());
    if (kind == 2) return Value::of_text(text_of(source));
    if (kind == 3) return Value::of_text(std::string{words[source.below(std::size(words))]});
    if (kind == 4) return Value::of_error(source.byte() % 2 == 0 ? "ERR no such key" : text_of(source));
    std::vector<Value> items(source.below(14));
    for (auto& item : items) item = value_of(source, depth - 1);
    return Value::of_array(std::move(items));
}

void check(const Entry& entry) {
    if (entry.foreign || !entry.retained) return;
    TIDINGS_ASSERT(entry.previous < entry.position);
    TIDINGS_ASSERT(EventId::from(entry.id()) && EventId::from(entry.id())->position == entry.position);
}

void message(std::string_view text) {
    WireReader reader{Limits{}};
    for (const auto& audience : {user, topic}) {
        const auto found = reader.message(text, audience, terms(), registry());
        if (found) check(found->entry);
    }
}

void entry(const Value& value) {
    WireReader reader{Limits{}};
    const auto position = WireReader::position_of(value, terms());
    const auto found = reader.entry(value, user, terms(), registry(), {});
    if (!found) return;
    TIDINGS_ASSERT(position == found->entry.position);
    check(found->entry);
}

void replies(const Value& value) {
    if (const auto reply = parse_append_reply(value)) TIDINGS_ASSERT(reply->term.number > 0);
    if (const auto reply = parse_bound_reply(value)) {
        TIDINGS_ASSERT(reply->position.term == reply->facts.table.running().name.number);
    }
    if (const auto reply = parse_state_reply(value)) TIDINGS_ASSERT(!reply->facts.table.terms.empty());
}

void table(std::string_view text) {
    const auto found = parse_terms(text, {60'000, 1}, 5);
    if (!found) return;
    TIDINGS_ASSERT(
        std::ranges::is_sorted(found->terms, {}, [](const Term& term) { return term.name.number; }));
    TIDINGS_ASSERT(found->running().running);
    const auto position = parse_position(text);
    if (position) TIDINGS_ASSERT(parse_position(position_text(*position)) == position);
}

// The transaction is right in its outer form, so that the fuzzer gets to the logs.
void pages(ByteSource& source) {
    const Names names;
    TermFacts facts;
    facts.table = terms();
    const RetentionPolicy retention;
    ReadContext context{names, facts, retention, registry()};
    context.event_bytes = 1000;
    context.reply_bytes = 1'000'000;
    context.evicts = source.byte() % 2 == 1;
    ReadRequest request;
    request.bound = bound;
    request.logs = {{user, {2, 1'768'876'200'000, source.byte()}}, {topic, {}}};
    request.repeat_foreign = std::chrono::milliseconds{source.byte() % 2};
    const std::size_t page_events = 1 + source.below(4);
    std::vector<Value> parts{Value::of_array({Value::of_text("2"), Value::of_text("22")})};
    const std::size_t inside = request.repeat_foreign.count() > 0 ? 7 : 5;
    for (std::size_t i = 0; i < inside; ++i) parts.push_back(value_of(source, 4));
    parts.push_back(Value::of_array({Value::of_integer(1'768'876'201), Value::of_integer(0)}));
    WireReader reader{Limits{}};
    const auto found = read_pages(Value::of_array(std::move(parts)), request, page_events, context, reader);
    if (!found) return;
    TIDINGS_ASSERT(found->pages.size() == 2);
    for (const auto& page : found->pages) {
        TIDINGS_ASSERT(page.entries.size() <= page_events);
        TIDINGS_ASSERT(!page.full || !page.entries.empty());
        TIDINGS_ASSERT(!page.closed || *page.closed <= bound);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view rest{reinterpret_cast<const char*>(data) + 1, size - 1};
    ByteSource source{data + 1, size - 1};
    switch (data[0] % 5) {
        case 0: message(rest); break;
        case 1: entry(value_of(source, 3)); break;
        case 2: replies(value_of(source, 3)); break;
        case 3: table(rest); break;
        default: pages(source); break;
    }
    return 0;
}
