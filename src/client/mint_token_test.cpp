#include "client/mint_token.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace tidings {
namespace {

using namespace std::chrono_literals;

AuthConfig one_key() {
    AuthConfig auth;
    auth.issuer = "tests";
    auth.audience = "web";
    auth.keys.push_back({"HS256", "0123456789abcdef0123456789abcdef", "", "", "first", "", ""});
    return auth;
}

const Timestamp now{1'800'000'000s};

TEST(MintToken, SaysForWhatAndForHowLong) {
    const auto token = mint_token(one_key(), {"ann", {"job:*"}, {"broadcast"}, true, "s1", 60s}, now);
    ASSERT_TRUE(token) << token.error().message();
    EXPECT_EQ(std::count(token->begin(), token->end(), '.'), 2);
}

TEST(MintToken, RefusesWhatNoHubWouldTake) {
    EXPECT_FALSE(mint_token({}, {"ann"}, now)) << "no key";
    EXPECT_FALSE(mint_token(one_key(), {""}, now)) << "no user";
    EXPECT_FALSE(mint_token(one_key(), {"ann", {}, {"everything"}}, now)) << "no such grant";
    auto missing = one_key();
    missing.keys[0].secret.clear();
    missing.keys[0].secret_file = "/nowhere/secret";
    EXPECT_NE(mint_token(missing, {"ann"}, now).error().detail.find("/nowhere/secret"), std::string::npos);
    auto only_public = one_key();
    only_public.keys[0] = {"RS256", "", "", "key.pem", "", "", ""};
    EXPECT_NE(mint_token(only_public, {"ann"}, now).error().detail.find("can sign"), std::string::npos);
}

TEST(MintToken, OneLineEndOfASecretFileIsNotPartOfTheSecret) {
    const auto path =
        std::filesystem::temp_directory_path() / ("tidings-secret-" + std::to_string(::getpid()));
    std::ofstream{path} << one_key().keys[0].secret << "\n";
    auto from_file = one_key();
    from_file.keys[0].secret.clear();
    from_file.keys[0].secret_file = path.string();
    EXPECT_EQ(mint_token(from_file, {"ann"}, now).value(), mint_token(one_key(), {"ann"}, now).value());
    std::filesystem::remove(path);
}

}  // namespace
}  // namespace tidings
