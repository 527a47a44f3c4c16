#pragma once
// Responses as bytes for HTTP/1.1 and HTTP/1.0 clients (RFC 9110, RFC 9112).

#include "http/request.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace tidings::http {

struct Response {
    int status = 200;
    Fields fields{};     // without Date, Connection, Content-Length and Transfer-Encoding, which serialise()
                         // decides
    std::string body{};  // all of it
};

// Whom a response answers. A value.
struct Reply {
    Version version = Version::http_1_1;
    Connection connection = Connection::keep_alive;  // close also where the client wanted to keep it
    Method method = Method::get;                     // HEAD gets the head alone
    std::chrono::sys_seconds now{};                  // for Date

    static Reply to(const Request& request, std::chrono::sys_seconds now) {
        return {request.version, request.connection, request.method, now};
    }
};

// "OK" for 200; "Unknown" for a code that is never sent.
std::string_view reason_of(int status) noexcept;

// RFC 9110 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT".
std::string date_text(std::chrono::sys_seconds time);

// Head and body. Control bytes in a field's value become spaces, so that no value can add a field.
std::string serialise(const Response& response, const Reply& reply);

// The head of a 200 whose length is not known: chunked on HTTP/1.1, ended by the connection on HTTP/1.0.
std::string unsized_head(const Reply& reply, const Fields& fields);

// The head of an event stream: exactly text/event-stream, never stored, never transformed, never buffered,
// without a length. On HTTP/1.1 the body is chunked, on HTTP/1.0 it ends with the connection. `more`: fields
// beside these.
std::string stream_head(const Reply& reply, const Fields& more = {});

// "HTTP/1.1 100 Continue", for a request whose Expectation says so, before its body is read.
std::string_view continue_head() noexcept;

}  // namespace tidings::http
