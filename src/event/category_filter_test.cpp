#include <tidings/registry.hpp>

#include "event/finance_test_events.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

using Names = std::vector<std::string>;

Event of_category(std::string category) {
    Event event;
    event.category = std::move(category);
    return event;
}

TEST(CategoryFilter, S6_NoneIsEverything) {
    const auto filter = CategoryFilter::parse(std::nullopt, finance::registry());
    ASSERT_TRUE(filter);
    EXPECT_TRUE(filter->everything());
    EXPECT_TRUE(filter->matches(of_category("ai")));
    EXPECT_TRUE(filter->matches("declared elsewhere"));
    EXPECT_EQ(filter->mask(), ~CategoryMask{0});
    EXPECT_TRUE(filter->names().empty());
}

TEST(CategoryFilter, S6_MatchesTheCategoriesListed) {
    const auto filter = CategoryFilter::parse(Names{"security", "data_sync"}, finance::registry());
    ASSERT_TRUE(filter);
    EXPECT_TRUE(filter->matches(of_category("security")));
    EXPECT_TRUE(filter->matches("data_sync"));
    EXPECT_FALSE(filter->matches("provider"));
    EXPECT_FALSE(filter->matches(""));
    EXPECT_EQ(filter->mask(), (CategoryMask{1} << 5) | 1U);
}

TEST(CategoryFilter, S6_AnEmptyListMatchesNothing) {
    const auto filter = CategoryFilter::parse(Names{}, finance::registry());
    ASSERT_TRUE(filter);
    EXPECT_FALSE(filter->everything());
    for (const auto* category : {"data_sync", "provider", "ai", ""}) EXPECT_FALSE(filter->matches(category));
    EXPECT_EQ(filter->mask(), 0U);
}

TEST(CategoryFilter, S7_KeepsOrderAndDuplicates) {
    const Names names{"provider", "ai", "provider"};
    const auto filter = CategoryFilter::parse(names, finance::registry());
    ASSERT_TRUE(filter);
    EXPECT_EQ(filter->names(), names);
}

TEST(CategoryFilter, S7_AnUnknownNameIsToldInTheOriginalsWords) {
    for (const auto* name : {"xyz", "Provider", " provider", "", "data_sync,provider"}) {
        const auto filter = CategoryFilter::parse(Names{"ai", name, "also_unknown"}, finance::registry());
        ASSERT_FALSE(filter);
        EXPECT_EQ(filter.error().code, Errc::unknown_category);
        EXPECT_EQ(filter.error().detail, "Invalid category '" + std::string{name} +
                                             "'. Valid categories: ['data_sync', 'provider', 'ai', 'import', "
                                             "'portfolio', 'security']");
    }
}

TEST(CategoryFilter, WithACursorUnknownNamesAreLeftOutAndNoneLeftMatchesNothing) {
    const auto some = CategoryFilter::parse_known({"gone", "ai"}, finance::registry());
    EXPECT_EQ(some.ignored, Names{"gone"});
    EXPECT_TRUE(some.filter.matches("ai"));
    EXPECT_FALSE(some.filter.matches("security"));
    const auto none = CategoryFilter::parse_known({"gone"}, finance::registry());
    EXPECT_FALSE(none.filter.everything());
    EXPECT_EQ(none.filter.mask(), 0U);
}

}  // namespace
}  // namespace tidings
