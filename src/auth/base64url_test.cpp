#include "auth/base64url.hpp"

#include <gtest/gtest.h>

namespace tidings::auth {
namespace {

TEST(Base64Url, EncodesTheVectorsOfRfc4648WithoutPadding) {
    const std::pair<const char*, const char*> rows[] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xff\xfe", "__4"},
        {"\xfb\xef", "--8"}};
    for (const auto& [bytes, text] : rows) {
        EXPECT_EQ(base64url(bytes), text);
        EXPECT_EQ(base64url_decoded(text), bytes);
    }
}

TEST(Base64Url, C46_OneValueHasOneSpelling) {
    for (const auto* text : {"Zg==", "Zg=", "Zm9v ", " Zm9v", "Zm9v\n", "Zm+v", "Zm/v", "Z", "Zm9vY", "Zh",
                             "Zm9", "Zm9v.", "Z\xc3\xa9"}) {
        EXPECT_FALSE(base64url_decoded(text)) << text;
    }
    std::size_t good = 0;
    for (int c = 0; c < 256; ++c) good += base64url_decoded(std::string{"Z"} + static_cast<char>(c)) ? 1 : 0;
    EXPECT_EQ(good, 4U);  // 'A', 'Q', 'g', 'w' leave no bits over
}

TEST(Base64Url, RoundTripsEveryByte) {
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte) {
        bytes.push_back(static_cast<char>(byte));
        EXPECT_EQ(base64url_decoded(base64url(bytes)), bytes);
    }
}

}  // namespace
}  // namespace tidings::auth
