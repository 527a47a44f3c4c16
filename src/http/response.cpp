#include "http/response.hpp"

#include <array>
#include <cstdio>

namespace tidings::http {
namespace {

void append_field(std::string& text, std::string_view name, std::string_view value) {
    text.append(name).append(": ");
    const auto begin = text.size();
    text.append(value);
    for (auto at = begin; at < text.size(); ++at) {
        const auto code = static_cast<unsigned char>(text[at]);
        if (code < 0x20 || code == 0x7f) text[at] = ' ';
    }
    text.append("\r\n");
}

// We speak HTTP/1.1 also to an HTTP/1.0 client (RFC 9110 section 6.2), but use nothing that it does not know.
void append_start(std::string& text, int status, const Reply& reply) {
    text.append("HTTP/1.1 ")
        .append(std::to_string(status))
        .append(" ")
        .append(reason_of(status))
        .append("\r\n");
    append_field(text, "Date", date_text(reply.now));
}

void append_connection(std::string& text, const Reply& reply) {
    if (reply.connection == Connection::close) {
        append_field(text, "Connection", "close");
    } else if (reply.version == Version::http_1_0) {
        append_field(text, "Connection", "keep-alive");
    }
}

// `known`: field lines as they are written.
std::string unsized(const Reply& reply, std::string_view known, const Fields& fields) {
    std::string text;
    text.reserve(384);
    append_start(text, 200, reply);
    text.append(known);
    for (const auto& field : fields) append_field(text, field.name, field.value);
    if (reply.version == Version::http_1_1) append_field(text, "Transfer-Encoding", "chunked");
    auto how = reply;
    // Only the end of the connection ends a body without a length.
    if (reply.version == Version::http_1_0) how.connection = Connection::close;
    append_connection(text, how);
    text.append("\r\n");
    return text;
}

}  // namespace

std::string_view reason_of(int status) noexcept {
    switch (status) {
        case 100: return "Continue";
        case 200: return "OK";
        case 201: return "Created";
        case 202: return "Accepted";
        case 204: return "No Content";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 406: return "Not Acceptable";
        case 408: return "Request Timeout";
        case 409: return "Conflict";
        case 413: return "Content Too Large";
        case 414: return "URI Too Long";
        case 415: return "Unsupported Media Type";
        case 417: return "Expectation Failed";
        case 422: return "Unprocessable Content";
        case 429: return "Too Many Requests";
        case 431: return "Request Header Fields Too Large";
        case 500: return "Internal Server Error";
        case 503: return "Service Unavailable";
        case 505: return "HTTP Version Not Supported";
        case 507: return "Insufficient Storage";
        default: return "Unknown";
    }
}

std::string date_text(std::chrono::sys_seconds time) {
    // Not strftime: its names follow the process' locale.
    constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{time - day};
    std::array<char, 64> text{};
    const int size =
        std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT",
                      days[std::chrono::weekday{day}.c_encoding()], static_cast<unsigned>(date.day()),
                      months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                      static_cast<int>(clock.seconds().count()));
    return {text.data(), static_cast<std::size_t>(size)};
}

std::string serialise(const Response& response, const Reply& reply) {
    std::string text;
    text.reserve(512 + response.body.size());
    append_start(text, response.status, reply);
    for (const auto& field : response.fields) append_field(text, field.name, field.value);
    // RFC 9110 8.6: a 204 has no Content-Length; every other answer has one, so that the connection can be
    // kept.
    const bool has_body = response.status != 204 && response.status >= 200;
    if (has_body) append_field(text, "Content-Length", std::to_string(response.body.size()));
    append_connection(text, reply);
    text.append("\r\n");
    if (has_body && reply.method != Method::head) text.append(response.body);
    return text;
}

std::string unsized_head(const Reply& reply, const Fields& fields) { return unsized(reply, {}, fields); }

std::string stream_head(const Reply& reply, const Fields& more) {
    return unsized(reply,
                   "Content-Type: text/event-stream\r\n"
                   "Cache-Control: no-store, no-transform\r\n"
                   "X-Accel-Buffering: no\r\n"
                   "X-Content-Type-Options: nosniff\r\n",
                   more);
}

std::string_view continue_head() noexcept { return "HTTP/1.1 100 Continue\r\n\r\n"; }

}  // namespace tidings::http
