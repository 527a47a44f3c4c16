#pragma once
// Messages and stream entries on Redis as entries of a log: ours by their member `tidings`, others' by the
// original's contract.

#include "base/json.hpp"
#include "base/terms.hpp"
#include "event/log_page.hpp"
#include "redis/resp.hpp"

#include <tidings/limits.hpp>
#include <tidings/registry.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace tidings::redis {

enum class Origin : std::uint8_t {
    ours,        // of a term that is known
    other_term,  // ours, of a term that is not known here: a newer one began, or it is none of this partition
    foreign      // the original's or another producer's
};

struct WireEntry {
    Origin origin = Origin::foreign;
    Entry entry;
};

// Reads both forms. Total: whatever comes is an entry or an error, never more (D5). One per thread; its JSON
// reader keeps its buffers.
class WireReader {
public:
    explicit WireReader(const Limits& limits) : limits_{limits}, json_{deeper(limits)} {}

    // A message of the audience's channel. A foreign one has no position: it is not known to be in a log.
    // Fails with invalid_json, invalid_field, missing_field, unknown_type.
    Result<WireEntry> message(std::string_view text, const Audience& audience, const TermTable& terms,
                              const Registry& registry);
    // An entry of the audience's log: `[id, [name, value, …]]`. `previous` of a foreign one is `before`.
    Result<WireEntry> entry(const Value& value, const Audience& audience, const TermTable& terms,
                            const Registry& registry, Position before);
    // The position of an entry of the log, whether it can be read or not; none: its id is none, or lies
    // beyond any time (others may choose ids freely).
    static std::optional<Position> position_of(const Value& value, const TermTable& terms);
    // The same entry's `event_id`, as it stands there.
    static std::string_view event_id_of(const Value& value) noexcept;

private:
    static Limits deeper(Limits limits);
    Result<Entry> of_message(const std::vector<JsonMember>& members, const Audience& audience,
                             const EventId& id, std::string_view meta);
    // The audience that it names, if it does.
    Result<std::string> take_meta(Entry& entry, std::string_view meta) const;

    Limits limits_;
    JsonReader json_;
};

}  // namespace tidings::redis
