// Short texts that come from outside: cursors in every spelling, addresses, URLs, durations, sizes. The first
// four bytes of the input make the terms that a cursor is read against.

#include "base/assert.hpp"
#include "base/terms.hpp"
#include "byte_source.hpp"
#include "client/url.hpp"
#include "net/listener.hpp"

#include <tidings/config.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace tidings;

namespace {

// One to three terms; those before the last have ended, sealed or open.
TermTable table_from(ByteSource& source) {
    TermTable table;
    const auto count = 1 + source.below(3);
    const auto sealed = source.byte();
    for (std::size_t i = 0; i < count; ++i) {
        const auto number = static_cast<std::uint16_t>(i + 1);
        const auto tag = std::uint32_t{0xab} + number;
        Term term{{number, tag}, {number, 1000 * i, 0}, {number, 1000 * i + 999, 0}, false, false};
        term.running = i + 1 == count;
        term.sealed = !term.running && (sealed >> i & 1) != 0;
        table.terms.push_back(term);
    }
    return table;
}

void check_meaning(std::string_view text, const TermTable& terms, Position last) {
    const auto meaning = interpret(text, terms, last);
    const auto uuid = Uuid::parse_any(text);
    const auto id = uuid ? EventId::from(*uuid) : std::nullopt;
    TIDINGS_ASSERT((meaning.kind == CursorKind::none) == text.empty());
    if (!text.empty()) TIDINGS_ASSERT((meaning.kind == CursorKind::unknown_id) == !id.has_value());
    if (uuid) TIDINGS_ASSERT(interpret(uuid->text(), terms, last).kind == meaning.kind);
    if (meaning.kind != CursorKind::ours) return;
    TIDINGS_ASSERT(meaning.after == id->position && meaning.after <= last);
    const auto* term = terms.find(id->term());
    TIDINGS_ASSERT(term != nullptr && (term->running || (term->sealed && meaning.after <= term->end)));
}

void check_uuid(std::string_view text) {
    const auto strict = Uuid::parse(text);
    const auto any = Uuid::parse_any(text);
    if (strict) TIDINGS_ASSERT(any == strict);
    if (!any) return;
    const auto canonical = any->text();
    TIDINGS_ASSERT(canonical.size() == 36 && Uuid::parse(canonical) == any);
    for (const auto& spelling : {"{" + canonical + "}", "urn:uuid:" + canonical}) {
        TIDINGS_ASSERT(Uuid::parse_any(spelling) == any);
    }
    if (const auto id = EventId::from(*any)) TIDINGS_ASSERT(id->uuid() == *any);
}

// Any position that we could have minted is its id.
void check_minted(ByteSource source, const TermTable& terms) {
    EventId id;
    for (int i = 0; i < 6; ++i) id.position.milliseconds = id.position.milliseconds << 8 | source.byte();
    id.position.sequence = (std::uint64_t{source.byte()} << 8 | source.byte()) & Position::sequence_max;
    id.position.term = static_cast<std::uint16_t>(source.byte() % 5);
    id.tag = 0xabU + id.position.term + static_cast<std::uint32_t>(source.below(8) / 7);
    id.partition = static_cast<std::uint16_t>(source.byte());
    TIDINGS_ASSERT(EventId::from(id.uuid()) == id);
    TIDINGS_ASSERT(id.position.next() > id.position && id.position.before() <= id.position);
    const auto last = Position{static_cast<std::uint16_t>(source.byte() % 5), source.byte() * 20U, 0};
    check_meaning(id.uuid().text(), terms, last);
    id.position.milliseconds %= 4000;
    check_meaning(id.uuid().text(), terms, last);
}

bool printable(std::string_view text) {
    return std::ranges::all_of(text, [](char character) { return character > ' ' && character < 0x7f; });
}

void check_addresses(std::string_view text) {
    if (const auto address = ListenAddress::parse(text)) {
        const bool v6 = address->host.find(':') != std::string::npos;
        const auto again = ListenAddress::parse((v6 ? "[" + address->host + "]" : address->host) + ":" +
                                                std::to_string(address->port));
        TIDINGS_ASSERT(again && again->host == address->host && again->port == address->port);
    } else {
        TIDINGS_ASSERT(!address.error().detail.empty());
    }
    if (const auto url = Url::parse(text)) {
        // What goes into a request's head cannot end its line.
        TIDINGS_ASSERT(printable(url->authority()) && printable(url->base));
        const auto again = Url::parse("http://" + url->authority() + url->base);
        TIDINGS_ASSERT(again && again->authority() == url->authority() && again->base == url->base);
    } else {
        TIDINGS_ASSERT(!url.error().detail.empty());
    }
    TIDINGS_ASSERT(printable(percent_encoded(text)));
}

void check_amounts(std::string_view text) {
    if (const auto duration = parse_duration(text)) {
        TIDINGS_ASSERT(duration->count() >= 0);
        const auto again = parse_duration(duration_text(*duration));
        TIDINGS_ASSERT(again && *again == *duration);
    }
    if (const auto size = parse_size(text)) {
        const auto again = parse_size(size_text(*size));
        TIDINGS_ASSERT(again && *again == *size);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteSource source{data, size};
    const auto terms = table_from(source);
    const Position last{static_cast<std::uint16_t>(1 + source.below(3)), source.byte() * 20U, 0};
    check_minted(source, terms);
    if (size < 4) return 0;
    const std::string_view text{reinterpret_cast<const char*>(data) + 4, size - 4};
    check_meaning(text, terms, last);
    check_uuid(text);
    check_addresses(text);
    check_amounts(text);
    return 0;
}
