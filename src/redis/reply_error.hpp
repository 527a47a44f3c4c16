#pragma once
// What an error reply of Redis means for us and for whoever operates it.

#include <tidings/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace tidings::redis {

// One error reply, classified. An error that a script passed on counts as itself.
struct ReplyError {
    enum class Kind : std::uint8_t {
        authentication_needed,  // NOAUTH
        wrong_password,         // WRONGPASS, and AUTH where no password is set
        no_permission,          // NOPERM: an access list forbids the command, a key or a channel
        loading,                // LOADING: it reads its file after a start
        disk_error,             // MISCONF: it cannot save, so it refuses writes
        out_of_memory,          // OOM: maxmemory is reached
        read_only,              // READONLY: this server is a replica now
        no_script,              // NOSCRIPT: send the script itself
        wrong_type,             // WRONGTYPE: the key is something else
        master_down,            // MASTERDOWN: a replica without its master
        cluster,                // CLUSTERDOWN, MOVED, ASK, CROSSSLOT, TRYAGAIN
        busy,                   // BUSY: a script runs for too long
        transaction_aborted,    // EXECABORT
        bad_database,           // SELECT of a database that does not exist
        too_few_replicas,       // NOREPLICAS
        too_many_clients,       // maxclients
        protected_mode,         // DENIED
        unknown_command,        // renamed away, or an older server
        no_such_key,            // XINFO of nothing
        id_too_small,           // XADD with an id that is not above the last
        other
    };
    enum class Link : std::uint8_t { keep, break_it };  // break_it: nothing sensible follows on this link
    enum class Retry : std::uint8_t {
        no,    // the same again gives the same
        soon,  // it passes by itself
        later  // a person has to do something; ask again now and then
    };

    Kind kind = Kind::other;
    Errc errc = Errc::store_unavailable;
    Link link = Link::keep;
    Retry retry = Retry::no;
    std::string text{};    // as Redis said it, on one line, shortened
    std::string advice{};  // a sentence for the operator; may be empty

    // "text; advice"
    Error error() const;
};

ReplyError classify(std::string_view reply);

}  // namespace tidings::redis
