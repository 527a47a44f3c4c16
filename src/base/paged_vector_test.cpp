#include "base/paged_vector.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace tidings {
namespace {

TEST(PagedVector, NeverMovesWhatIsInIt) {
    PagedVector<std::uint32_t> numbers;
    numbers.push_back(7);
    const std::uint32_t* first = &numbers[0];
    for (std::uint32_t i = 1; i < 3 * numbers.page_items; ++i) numbers.push_back(i);
    EXPECT_EQ(&numbers[0], first);
    EXPECT_EQ(numbers[0], 7U);
    EXPECT_EQ(numbers.back(), 3 * numbers.page_items - 1);
    EXPECT_EQ(numbers.size(), 3 * numbers.page_items);
}

TEST(PagedVector, GivesEmptyPagesBackButForOne) {
    PagedVector<std::uint64_t> numbers;
    numbers.grow_to(3 * numbers.page_items);
    const std::size_t three = numbers.memory_bytes();
    while (numbers.size() > numbers.page_items) numbers.pop_back();
    const std::size_t two = numbers.memory_bytes();
    EXPECT_EQ(three - two, numbers.page_items * sizeof(std::uint64_t));
    while (!numbers.empty()) numbers.pop_back();
    EXPECT_EQ(two - numbers.memory_bytes(), numbers.page_items * sizeof(std::uint64_t));
    EXPECT_EQ(numbers.emplace_back(), 0U);
}

}  // namespace
}  // namespace tidings
