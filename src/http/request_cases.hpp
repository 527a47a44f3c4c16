#pragma once
// Heads for the tests and the fuzz target's seeds: what must be refused, and why two readers could disagree
// on it.

#include <array>
#include <string_view>

namespace tidings::http {

struct RefusedHead {
    std::string_view what;
    std::string_view bytes;
    int status = 400;
};

using namespace std::string_view_literals;

// C-52. Each is the shortest that shows one fault.
inline constexpr std::array refused_heads{
    RefusedHead{"no Host", "GET / HTTP/1.1\r\n\r\n"sv},
    RefusedHead{"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"sv},
    RefusedHead{"two Hosts on 1.0", "GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n"sv},
    RefusedHead{"a list in Host", "GET / HTTP/1.1\r\nHost: a, b/c\r\n\r\n"sv},
    RefusedHead{"user information in Host", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"sv},
    RefusedHead{"CL and TE",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"sv},
    RefusedHead{"TE and CL",
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"sv},
    RefusedHead{"two CL", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n"sv},
    RefusedHead{"two equal CL",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n"sv},
    RefusedHead{"a list of CL", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n"sv},
    RefusedHead{"negative CL", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"sv},
    RefusedHead{"signed CL", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n"sv},
    RefusedHead{"hexadecimal CL", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n"sv},
    RefusedHead{"empty CL", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n"sv},
    RefusedHead{"CL with a space inside", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 2\r\n\r\n"sv},
    RefusedHead{"CL beyond 64 bits",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\n"sv},
    RefusedHead{"TE xchunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n"sv},
    RefusedHead{"TE gzip, chunked",
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"sv},
    RefusedHead{"TE identity", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n"sv},
    RefusedHead{"two TE",
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n"sv},
    RefusedHead{"chunked on 1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"sv},
    RefusedHead{"bare line feeds", "GET / HTTP/1.1\nHost: a\n\n"sv},
    RefusedHead{"one bare line feed", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"sv},
    RefusedHead{"a bare carriage return", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"sv},
    RefusedHead{"CR CR LF", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"sv},
    RefusedHead{"NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"sv},
    RefusedHead{"NUL in a target", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"sv},
    RefusedHead{"a control byte", "GET / HTTP/1.1\r\nHost: a\r\nX: a\x01\r\n\r\n"sv},
    RefusedHead{"obs-fold", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n"sv},
    RefusedHead{"a fold of the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"sv},
    RefusedHead{"space before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n"sv},
    RefusedHead{"tab before the colon", "GET / HTTP/1.1\r\nHost: a\r\nX\t: a\r\n\r\n"sv},
    RefusedHead{"no colon", "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n"sv},
    RefusedHead{"an empty name", "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"sv},
    RefusedHead{"a name that is no token", "GET / HTTP/1.1\r\nHost: a\r\nX(y): b\r\n\r\n"sv},
    RefusedHead{"a name beyond ASCII", "GET / HTTP/1.1\r\nHost: a\r\n\xc3\xa9: b\r\n\r\n"sv},
    RefusedHead{"a lower-case version", "GET / http/1.1\r\nHost: a\r\n\r\n"sv},
    RefusedHead{"a version of one number", "GET / HTTP/1\r\nHost: a\r\n\r\n"sv},
    RefusedHead{"a version of two digits", "GET / HTTP/1.10\r\nHost: a\r\n\r\n"sv},
    RefusedHead{"HTTP/0.9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n"sv, 505},
    RefusedHead{"HTTP/2 in a request line", "PRI * HTTP/2.0\r\n\r\n"sv, 505},
    RefusedHead{"no version", "GET /\r\nHost: a\r\n\r\n"sv},
    RefusedHead{"a method that is no token", "G@T / HTTP/1.1\r\nHost: a\r\n\r\n"sv},
    RefusedHead{"a space before the method", " GET / HTTP/1.1\r\nHost: a\r\n\r\n"sv},
    RefusedHead{"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"sv},
    RefusedHead{"a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"sv},
    RefusedHead{"a tab instead of a space", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"sv},
    RefusedHead{"a space at the end", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"sv},
    RefusedHead{"a target without a slash", "GET events HTTP/1.1\r\nHost: a\r\n\r\n"sv},
    RefusedHead{"a fragment", "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n"sv},
    RefusedHead{"a target beyond ASCII", "GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n"sv},
    RefusedHead{"an asterisk that is not OPTIONS", "GET * HTTP/1.1\r\nHost: a\r\n\r\n"sv},
    RefusedHead{"CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"sv},
    RefusedHead{"a target with user information", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"sv},
    RefusedHead{"another scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"sv},
    RefusedHead{"another expectation", "GET / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n"sv, 417},
    RefusedHead{"two credentials",
                "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n"sv},
};

inline constexpr std::array accepted_requests{
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n"sv,
    "GET /api/v1/events?categories=a,b&topics=x HTTP/1.1\r\nhost: a.example:8080\r\n"
    "Accept: text/event-stream\r\n\r\n"sv,
    "GET / HTTP/1.0\r\n\r\n"sv,
    "\r\nGET /%7Ea HTTP/1.1\r\nHost: [::1]:80\r\nX-Empty:\r\nX:\t v \t\r\n\r\n"sv,
    "GET http://b/c?d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"sv,
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"sv,
    "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello"sv,
    "POST /x HTTP/1.0\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi"sv,
    "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
    "5\r\nhello\r\nA;x=\"y\"\r\n0123456789\r\n0\r\n\r\n"sv,
    "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n000\r\nTrailer: t\r\n\r\n"sv,
    "DELETE /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"sv,
};

}  // namespace tidings::http
