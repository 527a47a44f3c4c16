#include "event/type_name.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace tidings {
namespace {

using namespace std::string_literals;

TEST(TypeName, TakesWhatClientsCanListenTo) {
    for (const auto* name :
         {"sync.accounts.started", "a", "órder.créé", "system.maintenance", "Message", "tidingsx"}) {
        EXPECT_TRUE(check_type_name(name, Limits{})) << name;
    }
    EXPECT_TRUE(check_type_name(std::string(128, 'x'), Limits{}));
}

TEST(TypeName, C13_RefusesReservedNames) {
    for (const auto* name : {"error", "open", "message", "tidings.gap", "tidings.", "tidings"}) {
        const auto checked = check_type_name(name, Limits{});
        ASSERT_FALSE(checked) << name;
        EXPECT_EQ(checked.error().code, Errc::reserved_name) << name;
    }
}

TEST(TypeName, C11_RefusesControlAndFormatCharacters) {
    const std::vector<std::string> names{"",
                                         "a\nb",
                                         "a\rb",
                                         "a\0b"s,
                                         "a\x7f",
                                         "a\xc2\x85",
                                         "a\xe2\x80\xae",
                                         "a\xe2\x80\x8b",
                                         "\xef\xbb\xbf"
                                         "a",
                                         "a\xe2\x80\xa8",
                                         "a\xe2\x81\xa6",
                                         std::string(129, 'x')};
    for (const auto& name : names) {
        const auto checked = check_type_name(name, Limits{});
        ASSERT_FALSE(checked) << name;
        EXPECT_EQ(checked.error().code, Errc::invalid_field) << name;
    }
}

TEST(TypeName, C12_RefusesWhatIsNotUtf8) {
    for (const auto& name :
         {"a\xff"s, "\xc0\x80"s, "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s, "\xe2\x82"s, "\x80"s}) {
        EXPECT_FALSE(check_type_name(name, Limits{}));
    }
}

TEST(TypeName, CategoriesFitIntoACommaList) {
    EXPECT_TRUE(check_category_name("data_sync"));
    EXPECT_TRUE(check_category_name("A-1.b"));
    EXPECT_FALSE(check_category_name(""));
    EXPECT_FALSE(check_category_name("a,b"));
    EXPECT_FALSE(check_category_name("a b"));
    EXPECT_FALSE(check_category_name(std::string(65, 'a')));
}

TEST(TypeName, ShowsNamesSafely) {
    EXPECT_EQ(shown("a.b"), "'a.b'");
    EXPECT_EQ(shown("a\nb\xff"), "'a?b?'");
    EXPECT_LT(shown(std::string(1000, 'x')).size(), 80U);
}

TEST(TypeName, PlainTextNamesTheThing) {
    const auto checked = check_plain_text("", 10, "the name");
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().detail, "the name is empty");
    EXPECT_FALSE(check_plain_text("12345678901", 10, "the name"));
    EXPECT_TRUE(check_plain_text("a b", 10, "the name"));
}

}  // namespace
}  // namespace tidings
