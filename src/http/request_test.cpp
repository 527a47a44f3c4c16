#include "http/request.hpp"

#include <gtest/gtest.h>

namespace tidings::http {
namespace {

TEST(HttpFields, AreFoundWithoutRegardToCaseAndKeepTheirOrder) {
    Fields fields;
    fields.add("Accept", "a");
    fields.add("Host", "h");
    fields.add("ACCEPT", "b");
    ASSERT_NE(fields.find("accept"), nullptr);
    EXPECT_EQ(*fields.find("accept"), "a");
    EXPECT_EQ(fields.count("aCCept"), 2U);
    EXPECT_EQ(fields.joined("accept"), "a, b");
    EXPECT_EQ(fields.find("Accept-Encoding"), nullptr);
    EXPECT_EQ(fields.begin()->name, "Accept");
}

TEST(HttpFields, CompareAsciiOnly) {
    EXPECT_TRUE(same_token("Last-Event-ID", "last-event-id"));
    EXPECT_FALSE(same_token("[", "{"));
    EXPECT_FALSE(same_token("a", "ab"));
}

}  // namespace
}  // namespace tidings::http
