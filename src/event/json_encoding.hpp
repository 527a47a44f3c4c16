#pragma once
// The encodings of JSON text on a shared Redis.

#include <tidings/result.hpp>

#include <string>
#include <string_view>

namespace tidings {

// The same text in UTF-8 and without a byte order mark. UTF-8 in any length, UTF-16 and UTF-32 in both byte
// orders are told apart by the mark or, since JSON begins with ASCII, by where the zeros stand: as Python's
// json.loads does with bytes, which the original reads messages with. Plain UTF-8 is returned as it is and
// not looked at further; what had to be rewritten lies in `room`, which has to outlive the view. Fails with
// invalid_json: half a code unit, a lone surrogate, a code point that is none.
Result<std::string_view> json_utf8(std::string_view text, std::string& room);

}  // namespace tidings
