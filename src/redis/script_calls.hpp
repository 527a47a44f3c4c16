#pragma once
// Calls of the scripts as commands, and their replies as values. What the arguments mean stands beside the
// scripts (lua_*.hpp).

#include "base/position.hpp"
#include "base/terms.hpp"
#include "redis/last_entries.hpp"
#include "redis/names.hpp"
#include "redis/resp.hpp"
#include "redis/scripts.hpp"

#include <tidings/config.hpp>
#include <tidings/event.hpp>
#include <tidings/ids.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidings::redis {

// What a call says of its connection and its hub, the same for every script.
struct CallHead {
    std::string run_id{};
    std::string instance;
    TermName known{};  // the newest term that the hub knows; zero: none
    std::uint32_t fresh_tag = 0;
    std::string server;
    bool durable = false;   // the server syncs every write before it answers
    bool promoted = false;  // the server was a replica
    RetentionPolicy retention{};
    std::optional<Milliseconds> wall{};  // instead of the server's clock
    bool foreign = false;                // others append to the logs too
    bool evicts = false;                 // the server may evict keys
};

// One event of a call, as text that the script puts together.
struct AppendCall {
    enum class Kind : std::uint8_t { retained, unretained, closes };
    Kind kind = Kind::retained;
    Audience audience;
    std::string type;
    std::string data;
    std::string occurred_at;
    std::string category;
    std::string key;
    std::string idempotency_key{};   // digests in hexadecimal; empty: none
    std::string idempotency_body{};  //
    Uuid passing_id{};               // of an unretained event, for those who need one
};

enum class ScriptForm : std::uint8_t { by_sha, by_source };

// How a log's length is bounded: exactly where it is short, by whole nodes of about a hundred entries where
// it is long.
std::string cap_text(std::size_t events);

// `last`: what the caller knows of the items' logs.
std::string append_command(const Scripts& scripts, ScriptForm form, const Names& names, const CallHead& head,
                           std::uint64_t serial, std::span<const AppendCall> items,
                           const LastEntries& last = {});
std::string bound_command(const Scripts& scripts, ScriptForm form, const Names& names, const CallHead& head,
                          std::uint64_t serial, std::optional<Position> at_least);

// What a writer says of a term: the highest positions there that it acknowledged, and that it has seen.
struct TermReport {
    TermName term;
    std::optional<Position> acknowledged{};
    std::optional<Position> seen{};
};

struct StateCall {
    enum class Part : std::uint8_t {
        writer,   // takes and renews a lease
        leaving,  // gives it up
        reader    // writes nothing, so nobody has to count on it
    } part = Part::writer;
    std::uint64_t seen_version = 0;  // of the membership
    std::vector<TermReport> reports{};
    std::vector<std::pair<std::string, std::uint64_t>> joins{};  // instance, version
    std::uint64_t joins_forgotten_to = 0;
};
std::string state_command(const Scripts& scripts, ScriptForm form, const Names& names, const CallHead& head,
                          const StateCall& call);

// What became of one event.
struct AppendResult {
    enum class Kind : std::uint8_t { appended, duplicate, unretained, closed, conflict, failed };
    Kind kind = Kind::failed;
    Uuid id{};
    Position position{};
    std::string why{};  // where it failed
};

// The replies. None: not of that form.
struct AppendReply {
    TermName term;
    bool no_lease = false;
    bool repeated = false;  // it was answered before, perhaps in another term
    std::vector<AppendResult> results;
};
std::optional<AppendReply> parse_append_reply(const Value& value);

struct TermFacts {
    TermTable table;
    bool pending = false;  // the last ended term waits for reports
    std::array<Milliseconds, 3> ages_changed{};
};
struct BoundReply {
    Position position;
    TermFacts facts;
};
std::optional<BoundReply> parse_bound_reply(const Value& value);

struct StateReply {
    TermFacts facts;
    std::uint64_t version = 0;  // of the membership
    bool ready = false;         // every member that must know of this hub does
    std::vector<std::pair<std::string, std::uint64_t>> members;
    std::uint64_t own_version = 0;
};
std::optional<StateReply> parse_state_reply(const Value& value);

}  // namespace tidings::redis
