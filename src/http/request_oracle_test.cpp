// Boost.Beast's parser as a second opinion on ours: whatever we accept it must accept and read alike. Where
// it accepts what we refuse stands in the last test, the reason why the product does not use it
// (docs/decisions/0010).

#include "http/request_cases.hpp"
#include "http/request_parser.hpp"

#include <gtest/gtest.h>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <limits>
#include <random>

namespace tidings::http {
namespace {

namespace beast = boost::beast::http;

struct Opinion {
    bool accepted = false;
    std::string target;
    std::string body;
    std::size_t fields = 0;
    bool operator==(const Opinion&) const = default;
};

Opinion ours(std::string_view bytes) {
    const Limits limits;
    RequestParser parser{limits};
    const auto head = parser.parse_head(bytes);
    if (head.outcome != Outcome::complete) return {};
    Opinion opinion{false, parser.request().target, "", parser.request().fields.size()};
    const auto body = parser.parse_body(bytes.substr(head.consumed), opinion.body);
    opinion.accepted = body.outcome == Outcome::complete;
    return opinion.accepted ? opinion : Opinion{};
}

Opinion theirs(std::string_view bytes) {
    beast::request_parser<beast::string_body> parser;
    Opinion opinion;
    // Beast does not know that RFC 9112 2.2 lets a server ignore empty lines before a request.
    while (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
    while (!bytes.empty() && !parser.is_done()) {
        boost::beast::error_code ec;
        const auto used = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), ec);
        if (ec || used == 0) return {};
        bytes.remove_prefix(used);
        if (!parser.is_header_done() || parser.eager()) continue;
        // Counted here, because Beast adds the trailers to the fields.
        opinion.fields = static_cast<std::size_t>(std::distance(parser.get().begin(), parser.get().end()));
        parser.eager(true);
    }
    if (!parser.is_done()) return {};
    opinion.accepted = true;
    opinion.target = std::string{parser.get().target()};
    opinion.body = parser.get().body();
    return opinion;
}

TEST(RequestOracle, C52_BeastReadsWhatWeAcceptAsWeDo) {
    for (const auto& request : accepted_requests) EXPECT_EQ(ours(request), theirs(request)) << request;
}

TEST(RequestOracle, C52_BeastReadsMutationsThatWeAcceptAsWeDo) {
    constexpr unsigned seed = 20240607;
    RecordProperty("seed", static_cast<int>(seed));
    std::mt19937 random{seed};
    constexpr std::string_view bytes = " \t\r\n:;,/?%0159afGPHT.-\x7f\x80";
    std::size_t accepted = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string request{accepted_requests[random() % accepted_requests.size()]};
        for (auto edits = random() % 3; edits > 0; --edits) {
            const auto place = random() % request.size();
            switch (random() % 3) {
                case 0: request[place] = bytes[random() % bytes.size()]; break;
                case 1: request.insert(place, 1, bytes[random() % bytes.size()]); break;
                default: request.erase(place, 1); break;
            }
        }
        const auto opinion = ours(request);
        if (!opinion.accepted) continue;
        ++accepted;
        const auto second = theirs(request);
        // Beast refuses a version above 1.1 and a Connection that is no list of tokens; neither changes the
        // framing.
        const bool known = request.find(" HTTP/1.0\r") != std::string::npos ||
                           request.find(" HTTP/1.1\r") != std::string::npos;
        if (!second.accepted && (!known || request.find("\nConnection") != std::string::npos)) continue;
        ASSERT_EQ(opinion, second) << "seed " << seed << ", round " << round << ": " << request;
    }
    EXPECT_GT(accepted, 5'000U);
}

// The smuggling vectors among them are the reason; if Beast refuses them one day, the decision may be taken
// again.
TEST(RequestOracle, C52_BeastAcceptsMuchOfWhatMustBeRefused) {
    std::size_t accepted = 0;
    for (const auto& head : refused_heads) {
        beast::request_parser<beast::empty_body> parser;
        boost::beast::error_code ec;
        parser.put(boost::asio::buffer(head.bytes.data(), head.bytes.size()), ec);
        if (ec || !parser.is_header_done()) continue;
        ++accepted;
        RecordProperty("accepts_" + std::to_string(accepted), std::string{head.what});
        std::printf("Beast accepts: %.*s\n", static_cast<int>(head.what.size()), head.what.data());
    }
    EXPECT_GT(accepted, 0U);
}

}  // namespace
}  // namespace tidings::http
