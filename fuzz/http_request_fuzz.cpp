// Requests: cut at any place they must read the same as whole, and what we accept Beast must read alike. The
// first two bytes of the input choose the cuts and the limits.

#include "http/request_parser.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace tidings;
using namespace tidings::http;

struct Reading {
    Outcome outcome = Outcome::need_more;
    Request request;
    std::string body;
    int status = 0;
    std::string detail;
    std::size_t consumed = 0;
    bool operator==(const Reading&) const = default;
};

Reading read(std::string_view bytes, std::size_t piece, const Limits& limits) {
    RequestParser parser{limits};
    Reading reading;
    bool head = true;
    std::size_t end = std::min(piece, bytes.size());
    while (true) {
        const auto given = bytes.substr(reading.consumed, end - reading.consumed);
        const auto progress = head ? parser.parse_head(given) : parser.parse_body(given, reading.body);
        if (progress.consumed > given.size()) std::abort();
        reading.consumed += progress.consumed;
        reading.outcome = progress.outcome;
        if (progress.outcome == Outcome::refused) {
            reading.status = parser.refusal().status;
            reading.detail = parser.refusal().error.detail;
            if (reading.status < 400 || reading.detail.empty()) std::abort();
            return reading;
        }
        if (progress.outcome == Outcome::complete) {
            if (!head) return reading;
            head = false;
            reading.request = parser.request();
            continue;
        }
        if (end == bytes.size()) return reading;
        end = std::min(end + piece, bytes.size());
    }
}

// A version above 1.1, a Connection that is no list, and an empty line first are fine with us and not with
// Beast.
void compare_with_beast(std::string_view bytes, const Reading& ours) {
    bytes = bytes.substr(0, ours.consumed);
    while (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
    boost::beast::http::request_parser<boost::beast::http::string_body> parser;
    parser.eager(true);
    while (!bytes.empty() && !parser.is_done()) {
        boost::beast::error_code ec;
        const auto used = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), ec);
        if (ec || used == 0) return;
        bytes.remove_prefix(used);
    }
    if (!parser.is_done()) return;
    const auto& theirs = parser.get();
    if (theirs.target() != ours.request.target || theirs.body() != ours.body || !bytes.empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    Limits limits;
    if ((data[1] & 1) != 0) limits.target_bytes = 32;
    if ((data[1] & 2) != 0) limits.header_bytes = 128;
    if ((data[1] & 4) != 0) limits.headers = 3;
    if ((data[1] & 8) != 0) limits.request_bytes = 16;
    const std::string_view bytes{reinterpret_cast<const char*>(data) + 2, size - 2};
    const auto whole = read(bytes, bytes.size(), limits);
    if (read(bytes, 1, limits) != whole) std::abort();
    if (read(bytes, std::size_t{data[0]} + 1, limits) != whole) std::abort();
    if (whole.outcome == Outcome::complete) compare_with_beast(bytes, whole);
    return 0;
}
