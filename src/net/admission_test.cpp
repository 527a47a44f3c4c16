#include "net/admission.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

Limits small() {
    Limits limits;
    limits.streams = 3;
    limits.streams_per_user = 2;
    limits.streams_per_address = 2;
    return limits;
}

TEST(Admission, C41_CountsStreamsOfTheProcessOfAUserAndOfAnAddress) {
    Admission admission{small()};
    EXPECT_EQ(admission.enter(1, 10), Admitted::yes);
    EXPECT_EQ(admission.enter(1, 11), Admitted::yes);
    EXPECT_EQ(admission.enter(1, 12), Admitted::user_full);
    EXPECT_EQ(admission.enter(2, 10), Admitted::yes);
    EXPECT_EQ(admission.enter(3, 13), Admitted::process_full);
    admission.leave(1, 11);
    EXPECT_EQ(admission.enter(3, 10), Admitted::address_full);
    EXPECT_EQ(admission.enter(3, 13), Admitted::yes);
}

TEST(Admission, C37_ASeatThatIsNotKeptIsGivenBack) {
    Admission admission{small()};
    for (int i = 0; i < 10; ++i) {
        ASSERT_EQ(admission.enter(1, 10), Admitted::yes);
        const Seat seat{admission, 1, 10};
    }
    EXPECT_EQ(admission.streams(), 0U);
    ASSERT_EQ(admission.enter(1, 10), Admitted::yes);
    {
        Seat seat{admission, 1, 10};
        seat.keep();
    }
    EXPECT_EQ(admission.streams(), 1U);
    admission.leave(1, 10);
    EXPECT_EQ(admission.streams(), 0U);
}

TEST(Admission, C74_ANewLimitHoldsForThoseWhoComeNext) {
    Admission admission{small()};
    EXPECT_EQ(admission.enter(1, 10), Admitted::yes);
    EXPECT_EQ(admission.enter(2, 11), Admitted::yes);
    Limits limits = small();
    limits.streams = 2;
    admission.reconfigure(limits);
    EXPECT_EQ(admission.enter(3, 12), Admitted::process_full);
    EXPECT_EQ(admission.streams(), 2U);
}

}  // namespace
}  // namespace tidings
