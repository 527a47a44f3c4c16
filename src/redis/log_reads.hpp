#pragma once
// Pages of logs as one transaction of commands, and its replies as pages.

#include "redis/names.hpp"
#include "redis/script_calls.hpp"
#include "redis/wire_entry.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace tidings::redis {

// What a read needs to know beside the request.
struct ReadContext {
    const Names& names;
    const TermFacts& facts;
    const RetentionPolicy& retention;
    const Registry& registry;
    std::size_t event_bytes = 0;         // of one event at most
    std::size_t reply_bytes = 0;         // of the whole reply at most
    std::optional<Milliseconds> wall{};  // instead of the server's clock
    bool evicts = false;                 // the server may evict keys: an absent log is unknown
};

// One transaction, so that no log is trimmed between its page and its floor; `replies` commands are answered.
struct ReadCommands {
    std::string bytes;
    std::size_t replies = 0;
    std::size_t page_events = 0;  // entries of one log at most
};
ReadCommands read_commands(const ReadRequest& request, const ReadContext& context);

// Whether the replies are of the term that `facts` say is running.
bool same_term(const Value& exec, const TermFacts& facts);

// Entries that cannot be read are passed over and counted (S16). Fails where another term has begun
// (store_unavailable), or the server refused (as classify() says, with the name of the log).
struct ReadPages {
    std::vector<LogPage> pages;
    std::size_t unreadable = 0;
    std::string first_fault{};  // why the first of them could not be read
    // Logs (by their place in the request) whose page held nothing readable and more follows: where to go on.
    std::vector<std::pair<std::size_t, Position>> unread_to{};
};
Result<ReadPages> read_pages(const Value& exec, const ReadRequest& request, std::size_t page_events,
                             const ReadContext& context, WireReader& reader);

}  // namespace tidings::redis
