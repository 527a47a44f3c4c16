#pragma once
// The digests by which a store knows a repeated publish (delivery: "Retention").

#include "store/store.hpp"

#include <string_view>

namespace tidings {

// SHA-256 of (subject, audience, key) and of (type, data, key, time where it was given). Subjects never share
// keys.
Idempotency idempotency_of(std::string_view subject, const AppendItem& item, std::string_view key,
                           std::string_view given_time);

}  // namespace tidings
