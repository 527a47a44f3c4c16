#include "event/failure_text.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace tidings {
namespace {

TEST(FailureText, NamesTypeAndMessage) {
    const auto text = failure_text(std::make_exception_ptr(std::runtime_error{"boom"}));
    EXPECT_EQ(text.type, "std::runtime_error");
    EXPECT_EQ(text.message, "boom");
}

TEST(FailureText, TakesWhateverWasThrown) {
    EXPECT_EQ(failure_text(std::make_exception_ptr(42)).type, "unknown");
    EXPECT_EQ(failure_text(nullptr).type, "none");
}

}  // namespace
}  // namespace tidings
