#pragma once
// The events of one call as the one argument that the script reads.

#include "redis/last_entries.hpp"
#include "redis/names.hpp"
#include "redis/script_calls.hpp"

#include <span>
#include <string>

namespace tidings::redis {

// What several events have in common is in it once: their audience, and their shape, which is what is said of
// a kind, type, category and key. Their data is not in it. The form stands beside the script
// (lua_append.hpp). `term` is what the call names as the newest that is known.
std::string append_pack(const Names& names, const LastEntries& last, TermName term,
                        std::span<const AppendCall> items);

}  // namespace tidings::redis
