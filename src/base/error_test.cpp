#include <tidings/result.hpp>

#include <gtest/gtest.h>

#include <set>

namespace tidings {
namespace {

TEST(Errc, HasAStableNameOfItsOwnForEachCode) {
    std::set<std::string_view> names;
    for (int code = 1; code <= static_cast<int>(Errc::internal); ++code)
        names.insert(name_of(static_cast<Errc>(code)));
    EXPECT_EQ(names.size(), static_cast<std::size_t>(Errc::internal));
}

TEST(Error, SaysItsNameAndDetail) {
    EXPECT_EQ((Error{Errc::invalid_field, "type holds a line feed"}.message()),
              "invalid-field: type holds a line feed");
    EXPECT_EQ(Error{Errc::cancelled}.message(), "cancelled");
}

}  // namespace
}  // namespace tidings
