#include "redis/reply_error.hpp"

#include <iterator>

namespace tidings::redis {
namespace {

using Kind = ReplyError::Kind;
using Link = ReplyError::Link;
using Retry = ReplyError::Retry;

constexpr std::size_t text_bytes_max = 300;

struct Meaning {
    Kind kind;
    Errc errc;
    Link link;
    Retry retry;
    std::string_view advice;
};

constexpr Meaning meanings[] = {
    {Kind::authentication_needed, Errc::store_unavailable, Link::break_it, Retry::later,
     "this Redis wants a password: put it into the URL, as in redis://USER:PASSWORD@HOST"},
    {Kind::wrong_password, Errc::store_unavailable, Link::break_it, Retry::later,
     "check the user and the password in the URL"},
    {Kind::no_permission, Errc::store_unavailable, Link::keep, Retry::later, ""},
    {Kind::loading, Errc::store_unavailable, Link::keep, Retry::soon,
     "Redis reads its data after a start; this passes by itself"},
    {Kind::disk_error, Errc::store_unavailable, Link::keep, Retry::later,
     "Redis cannot save to its disk and refuses writes: see its log and the space on its disk"},
    {Kind::out_of_memory, Errc::store_full, Link::keep, Retry::later,
     "Redis has reached maxmemory: raise it, or retain less"},
    {Kind::read_only, Errc::store_unavailable, Link::break_it, Retry::soon,
     "this server is a replica now: name the master, or use redis+sentinel:// to follow it"},
    {Kind::no_script, Errc::store_unavailable, Link::keep, Retry::soon, ""},
    {Kind::wrong_type, Errc::store_corrupt, Link::keep, Retry::no,
     "another program uses a key of ours for something else: use another prefix or database"},
    {Kind::master_down, Errc::store_unavailable, Link::break_it, Retry::soon,
     "this server is a replica that has lost its master"},
    {Kind::cluster, Errc::store_unavailable, Link::break_it, Retry::later,
     "this server belongs to a Redis Cluster, which this version does not support"},
    {Kind::busy, Errc::store_unavailable, Link::keep, Retry::soon,
     "a script runs for too long in Redis: SCRIPT KILL ends it if it has written nothing"},
    {Kind::transaction_aborted, Errc::store_unavailable, Link::keep, Retry::soon, ""},
    {Kind::bad_database, Errc::store_unavailable, Link::break_it, Retry::later,
     "there is no such database: change the number at the end of the URL, or `databases` in redis.conf"},
    {Kind::too_few_replicas, Errc::store_unavailable, Link::keep, Retry::soon,
     "fewer replicas follow than min-replicas-to-write asks for"},
    {Kind::too_many_clients, Errc::store_unavailable, Link::break_it, Retry::later,
     "Redis has as many clients as maxclients allows"},
    {Kind::protected_mode, Errc::store_unavailable, Link::break_it, Retry::later,
     "give Redis a password, or let it listen where only the hubs are"},
    {Kind::unknown_command, Errc::store_unavailable, Link::keep, Retry::later,
     "the command was renamed or removed, or this Redis is too old"},
    {Kind::no_such_key, Errc::not_found, Link::keep, Retry::no, ""},
    {Kind::id_too_small, Errc::store_unavailable, Link::keep, Retry::soon, ""},
    {Kind::other, Errc::store_unavailable, Link::keep, Retry::no, ""},
};

struct Word {
    std::string_view code;
    Kind kind;
};

constexpr Word codes[] = {
    {"NOAUTH", Kind::authentication_needed},
    {"WRONGPASS", Kind::wrong_password},
    {"NOPERM", Kind::no_permission},
    {"LOADING", Kind::loading},
    {"MISCONF", Kind::disk_error},
    {"OOM", Kind::out_of_memory},
    {"READONLY", Kind::read_only},
    {"NOSCRIPT", Kind::no_script},
    {"WRONGTYPE", Kind::wrong_type},
    {"MASTERDOWN", Kind::master_down},
    {"CLUSTERDOWN", Kind::cluster},
    {"MOVED", Kind::cluster},
    {"ASK", Kind::cluster},
    {"CROSSSLOT", Kind::cluster},
    {"TRYAGAIN", Kind::cluster},
    {"BUSY", Kind::busy},
    {"EXECABORT", Kind::transaction_aborted},
    {"NOREPLICAS", Kind::too_few_replicas},
    {"DENIED", Kind::protected_mode},
};

// Texts that begin with ERR, or with nothing when a script passed them on.
constexpr Word phrases[] = {
    {"ACL failure in script", Kind::no_permission},
    {"The user executing the script", Kind::no_permission},
    {"DB index is out of range", Kind::bad_database},
    {"invalid DB index", Kind::bad_database},
    {"max number of clients", Kind::too_many_clients},
    {"unknown command", Kind::unknown_command},
    {"Unknown Redis command", Kind::unknown_command},
    {"unknown subcommand", Kind::unknown_command},
    {"Unknown subcommand", Kind::unknown_command},
    {"no such key", Kind::no_such_key},
    {"equal or smaller than the target stream top item", Kind::id_too_small},
    {"without any password configured", Kind::wrong_password},
    {"invalid password", Kind::wrong_password},
    {"operation not permitted", Kind::authentication_needed},
    {"Not enough good replicas", Kind::too_few_replicas},
    {"used memory > 'maxmemory'", Kind::out_of_memory},
    {"against a read only replica", Kind::read_only},
};

std::string_view first_word(std::string_view text) { return text.substr(0, text.find_first_of(" \r\n")); }

const Word* code_in(std::string_view word) {
    for (const auto& one : codes) {
        if (one.code == word) return &one;
    }
    return nullptr;
}

// What a script's own call was answered, if `text` tells of one: behind "@user_script:12: -" (Redis 6.2).
// Redis 7 puts that text in front itself.
std::string_view inner_text(std::string_view text) {
    const auto script = text.rfind("@user_script");
    if (script == std::string_view::npos || !text.starts_with("ERR ")) return text;
    const auto inner = text.find(": -", script);
    return inner == std::string_view::npos ? text : text.substr(inner + 3);
}

Kind kind_of(std::string_view text) {
    if (const auto* word = code_in(first_word(text))) return word->kind;
    for (const auto& phrase : phrases) {
        if (text.find(phrase.code) != std::string_view::npos) return phrase.kind;
    }
    return Kind::other;
}

std::string printable(std::string_view text) {
    std::string line;
    for (const char c : text.substr(0, text_bytes_max)) {
        const auto byte = static_cast<unsigned char>(c);
        line += byte < 32 || byte > 126 ? '?' : c;
    }
    return line + (text.size() > text_bytes_max ? "..." : "");
}

std::string permission_advice(std::string_view text) {
    const std::string whom = "; see ACL SETUSER in the documentation of Redis";
    if (text.find("channel") != std::string_view::npos) {
        return "let the user of the URL use our channels, as in &sse:*" + whom;
    }
    if (text.find("keys") != std::string_view::npos || text.find(" a key") != std::string_view::npos) {
        return "let the user of the URL use our keys, as in ~sse:*" + whom;
    }
    const auto from = text.find('\'');
    const auto to = from == std::string_view::npos ? from : text.find('\'', from + 1);
    if (to == std::string_view::npos) return "let the user of the URL do this" + whom;
    return "let the user of the URL run it: +" + printable(text.substr(from + 1, to - from - 1)) + whom;
}

}  // namespace

Error ReplyError::error() const {
    return {errc, "Redis answered: " + text + (advice.empty() ? "" : "; " + advice)};
}

ReplyError classify(std::string_view reply) {
    const auto text = inner_text(reply);
    const auto kind = kind_of(text);
    const Meaning* meaning = &meanings[std::size(meanings) - 1];
    for (const auto& one : meanings) {
        if (one.kind == kind) meaning = &one;
    }
    return {.kind = kind,
            .errc = meaning->errc,
            .link = meaning->link,
            .retry = meaning->retry,
            .text = printable(text),
            .advice = kind == Kind::no_permission ? permission_advice(text) : std::string{meaning->advice}};
}

}  // namespace tidings::redis
