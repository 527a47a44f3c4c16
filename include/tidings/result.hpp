#pragma once
// Result<T>: a value or an Error. Errors are expected at run time; a bug is an assertion instead. And what is
// wrong with a person's file: Diagnostics.

#include <boost/system/result.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidings {

// One list of everything that can go wrong at run time. The HTTP status of each stands in one table
// (http/problem).
enum class Errc {
    invalid_json = 1,      // not JSON, not UTF-8, NaN, too deep
    invalid_field,         // a field of the wrong kind, a name that may not be used, a control character
    missing_field,         // a required field is absent
    unknown_field,         // a member that is not in the schema
    unknown_type,          // an event type that the registry does not have
    unknown_category,      // a category that the registry does not have
    unknown_parameter,     // a query parameter that is not in the interface
    reserved_name,         // a name under "tidings.", or "open", "error", "message"
    ambiguous_audience,    // none or several of user_id, user_ids, topic, broadcast
    event_too_large,       // above Limits::event_bytes
    request_too_large,     // a body above Limits::request_bytes
    head_too_large,        // a head above Limits::header_bytes (431) or a target too long (414)
    malformed_request,     // HTTP that is not RFC 9112
    unauthorized,          // no credential
    invalid_token,         // a credential that does not verify
    forbidden,             // a credential without the grant
    not_found,             // no such resource
    method_not_allowed,    //
    not_acceptable,        // Accept excludes what there is
    topic_closed,          // a publish to a finished topic
    idempotency_conflict,  // the same idempotency key with another body
    too_many_requests,     // a limit per user or address
    overloaded,            // a limit of the process
    draining,              // the process is about to end
    store_unavailable,     // nothing was stored
    outcome_unknown,       // sent to the store and not answered: repeat with the same idempotency key
    store_full,            // no room
    store_corrupt,         // a torn or foreign file
    timed_out,             //
    connection_failed,     // no connection, or it broke
    cancelled,             // ended by its owner
    internal               // none of the above
};

// The stable name of a code, as in problem types and logs: "invalid-json". Never empty.
std::string_view name_of(Errc code) noexcept;

// What went wrong. `detail` is a sentence for a person; it never holds a token or another caller's data.
struct Error {
    Errc code = Errc::internal;
    std::string detail;

    Error() = default;
    Error(Errc error_code) : code{error_code} {}  // implicit: `return Errc::not_found;`
    Error(Errc error_code, std::string text) : code{error_code}, detail{std::move(text)} {}

    // "invalid-field: type holds a line feed"
    std::string message() const;
    bool operator==(Errc other) const noexcept { return code == other; }
};

[[noreturn]] inline void throw_exception_from_error(const Error& error, const boost::source_location&) {
    throw std::runtime_error(error.message());
}

template <class T>
using Result = boost::system::result<T, Error>;

// What is wrong with a person's file, where, and what would be right.
struct Diagnostic {
    std::string file;
    std::size_t line = 0;    // from 1; 0: the file as a whole
    std::size_t column = 0;  // from 1
    std::string what;        // "unknown key 'heartbeet' in [delivery]"
    std::string hint{};      // "did you mean 'heartbeat'?"; may be empty

    // "tidings.toml:12:3: unknown key 'heartbeet' in [delivery]; did you mean 'heartbeat'?"
    std::string text() const;
};

using Diagnostics = std::vector<Diagnostic>;

}  // namespace tidings
