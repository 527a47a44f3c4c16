#include "http/problem.hpp"

#include <gtest/gtest.h>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

namespace tidings::http {
namespace {

using namespace std::chrono_literals;

constexpr int errc_last = static_cast<int>(Errc::internal);

TEST(Problem, C39_HasAStatusATitleAndATypeForEveryError) {
    std::set<std::string> types;
    for (int code = 1; code <= errc_last; ++code) {
        const auto errc = static_cast<Errc>(code);
        EXPECT_GE(status_of(errc), 400);
        EXPECT_NE(reason_of(status_of(errc)), "Unknown") << name_of(errc);
        EXPECT_FALSE(title_of(errc).empty());
        types.insert(problem_type(errc));
    }
    EXPECT_EQ(types.size(), static_cast<std::size_t>(errc_last));
    EXPECT_EQ(problem_type(Errc::topic_closed), "urn:tidings:problem:topic-closed");
}

TEST(Problem, C39_IsADocumentOfRfc9457) {
    EXPECT_EQ(problem_json({Errc::topic_closed, "no \"more\"\n"}, {.instance = "/api/v1/events"}),
              R"({"type":"urn:tidings:problem:topic-closed","title":"The topic is closed","status":409,)"
              R"("detail":"no \"more\"\n","instance":"/api/v1/events"})");
    EXPECT_EQ(problem_json(Errc::not_found),
              R"({"type":"urn:tidings:problem:not-found","title":"There is no such resource","status":404})");
}

TEST(Problem, C39_IsJsonWhateverTheDetailHolds) {
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
    for (const auto& detail :
         {all, std::string{"\xed\xa0\x80"}, std::string{"\xf4\x90\x80\x80"}, std::string{"\xc0\xaf"},
          std::string{"\xe2\x82"}, std::string{"\xf0\x9f\x98\x80 é"}}) {
        boost::system::error_code ec;
        const auto value = boost::json::parse(problem_json({Errc::invalid_field, detail}), ec);
        EXPECT_FALSE(ec) << ec.message();
        EXPECT_TRUE(value.is_object());
    }
    EXPECT_NE(problem_json({Errc::internal, "\xf0\x9f\x98\x80"}).find("\xf0\x9f\x98\x80"), std::string::npos);
}

TEST(Problem, C39_CarriesTheFieldsOfItsStatus) {
    const auto field = [](const Error& error, std::string_view name, const ProblemContext& context = {}) {
        const auto response = problem_response(error, context);
        const auto* value = response.fields.find(name);
        return value == nullptr ? std::string{"none"} : *value;
    };
    EXPECT_EQ(field(Errc::not_found, "Content-Type"), "application/problem+json");
    EXPECT_EQ(field(Errc::not_found, "Cache-Control"), "no-store");
    EXPECT_EQ(field(Errc::method_not_allowed, "Allow", {.allow = "GET, HEAD"}), "GET, HEAD");
    EXPECT_EQ(field(Errc::too_many_requests, "Retry-After"), "5");
    EXPECT_EQ(field(Errc::store_unavailable, "Retry-After", {.retry_after = 30s}), "30");
    EXPECT_EQ(field(Errc::not_found, "Retry-After"), "none");
    EXPECT_EQ(field(Errc::not_found, "WWW-Authenticate"), "none");
}

TEST(Problem, C40_ChallengesAsRfc6750Says) {
    const auto challenge = [](Errc code) { return *problem_response(code).fields.find("WWW-Authenticate"); };
    EXPECT_EQ(challenge(Errc::unauthorized), R"(Bearer realm="tidings")");
    EXPECT_EQ(challenge(Errc::invalid_token), R"(Bearer realm="tidings", error="invalid_token")");
    EXPECT_EQ(challenge(Errc::forbidden), R"(Bearer realm="tidings", error="insufficient_scope")");
    EXPECT_EQ(problem_response(Errc::forbidden).status, 403);
}

// The document for users cannot fall behind the table.
TEST(Problem, C39_IsListedInTheDocument) {
    const auto* source = std::getenv("TIDINGS_SOURCE_DIR");
    if (source == nullptr) GTEST_SKIP() << "TIDINGS_SOURCE_DIR is not set";
    std::ifstream file{std::string{source} + "/docs/problems.md"};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    for (int code = 1; code <= errc_last; ++code) {
        const auto errc = static_cast<Errc>(code);
        const auto row = "| `" + std::string{name_of(errc)} + "` | " + std::to_string(status_of(errc)) + " |";
        EXPECT_NE(text.find(row), std::string::npos) << row;
    }
}

TEST(Problem, TakesTheStatusOfARefusal) {
    const auto response = problem_response({Errc::head_too_large, "x"}, {.status = 414});
    EXPECT_EQ(response.status, 414);
    EXPECT_NE(response.body.find(R"("status":414)"), std::string::npos);
}

}  // namespace
}  // namespace tidings::http
