#pragma once
// Bytes of a connection to requests (RFC 9112), as strict as a server behind unknown proxies must be:
// whatever two parsers could read differently is refused, so that nobody smuggles a request past us.

#include "http/body_parser.hpp"
#include "http/line_reader.hpp"
#include "http/request.hpp"

#include <tidings/limits.hpp>
#include <tidings/result.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tidings::http {

// Why a request is not read any further. The connection must be closed after the answer: where the next
// request would begin is unknown.
struct Refusal {
    int status = 400;
    Error error;
};

enum class Outcome : std::uint8_t { need_more, complete, refused };

struct Progress {
    Outcome outcome = Outcome::need_more;
    std::size_t consumed = 0;  // of the bytes given; the rest belongs to what comes next
};

// Reads one connection's requests, one after the other: parse_head until it completes, then parse_body until
// it completes (also when there is none), then next(). Result and errors do not depend on how the bytes are
// cut. Owned by a connection, used by its shard alone. It holds one head (Limits::header_bytes) and never a
// body.
class RequestParser {
public:
    // `limits` is borrowed and outlives the parser.
    explicit RequestParser(const Limits& limits) : limits_{limits}, body_limit_{limits.request_bytes} {}

    Progress parse_head(std::string_view bytes);
    // Appends decoded body bytes to `body`; complete at the body's end, with its last byte consumed.
    Progress parse_body(std::string_view bytes, std::string& body);

    // Valid once parse_head has completed, until next().
    const Request& request() const noexcept { return request_; }
    // Valid once something was refused.
    const Refusal& refusal() const noexcept { return refusal_; }
    // Whether a byte of the next request has come: a connection is idle until then.
    bool begun() const noexcept { return head_bytes_ > 0; }

    // The longest body from now on, in decoded bytes; an endpoint that reads a stream may raise it.
    void limit_body(std::uint64_t bytes) noexcept { body_limit_ = bytes; }
    // Makes ready for the request that follows on the same connection. A request without a body may be
    // answered from its head alone: then parse_body need not have been called.
    void next();

private:
    enum class Place : std::uint8_t { request_line, fields, body, done, refused };

    Outcome take_line();
    Outcome request_line(std::string_view line);
    Outcome target(std::string_view text);
    Outcome field_line(std::string_view line);
    Outcome end_of_head();
    Outcome framing();
    Outcome too_long();
    std::size_t room() const noexcept;
    std::size_t request_line_bytes_max() const noexcept;
    Outcome refuse(int status, Errc code, std::string_view detail);

    const Limits& limits_;
    Request request_;
    Refusal refusal_;
    LineReader line_;
    BodyParser body_;
    std::uint64_t body_limit_;
    std::size_t head_bytes_ = 0;
    Place place_ = Place::request_line;
};

// What stands in a field line: token, ':', value without the white space around it. Fails with
// malformed_request.
Result<Field> parse_field_line(std::string_view line);

}  // namespace tidings::http
