#pragma once
// The body of a publish: one JSON object, an array of them, or one a line.

#include "base/json.hpp"

#include <tidings/event.hpp>
#include <tidings/limits.hpp>
#include <tidings/registry.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidings {

// What one object asks for: the draft, once for each audience. `draft.audience` is the first of them.
struct PublishItem {
    EventDraft draft;
    std::vector<Audience> audiences;  // never empty; several only with user_ids; none twice
};

// Reads one object: `type`, exactly one of `user_id`, `user_ids`, `topic` and `broadcast: true`, `data`
// (default {}), `occurred_at`, `key`, `idempotency_key`. The data is minified and checked against the
// registry. Fails with invalid_json, invalid_field, missing_field, unknown_field, unknown_type,
// reserved_name, ambiguous_audience, event_too_large.
// `reader` has taken the same limits.
Result<PublishItem> parse_publish_item(JsonReader& reader, std::string_view json, const Registry& registry,
                                       const Limits& limits);
// The same with a reader of its own.
Result<PublishItem> parse_publish_item(std::string_view json, const Registry& registry, const Limits& limits);

// The elements of a JSON array as minified texts. Fails with invalid_json, invalid_field (not an array) or
// request_too_large (more than Limits::batch_items).
Result<std::vector<std::string>> split_array(std::string_view json, const Limits& limits);

// Splits a stream of NDJSON into lines. Holds one line and what was fed last: a line above the bound is
// forgotten up to its end and answered with one error. Blank lines are passed over; a CR before the LF
// belongs to the line's end.
class NdjsonSplitter {
public:
    struct Line {
        std::size_t number = 0;         // from 1, blank lines counted
        Result<std::string_view> text;  // good until more is fed; or Errc::event_too_large
    };

    explicit NdjsonSplitter(std::size_t line_bytes_max) : line_bytes_max_{line_bytes_max} {}

    // Take every line with next() before more is fed.
    void feed(std::string_view bytes);
    // No more will come: a last line without an end counts too.
    void finish() noexcept { finished_ = true; }
    std::optional<Line> next();

private:
    std::optional<Line> line(std::string_view text);

    std::size_t line_bytes_max_;
    std::string buffer_;
    std::size_t read_ = 0;      // of buffer_, what was given out
    std::size_t searched_ = 0;  // of buffer_, where no LF was found
    std::size_t number_ = 0;
    bool skipping_ = false;  // within a line that was too long
    bool finished_ = false;
};

}  // namespace tidings
