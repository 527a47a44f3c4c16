#include "fanout/control_events.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

const Uuid id = EventId{{1, 0x0192f1c47d2a, 5}, 7, 0}.uuid();

TEST(ControlEvents, SayWhatHappenedAndFromWhereToResume) {
    EXPECT_EQ(
        control::caught_up(3, {"old\"one"}, id)->text(),
        "id: " + id.text() +
            "\nevent: tidings.caught_up\ndata: {\"replayed\":3,\"ignored_categories\":[\"old\\\"one\"]}\n\n");
    EXPECT_EQ(control::checkpoint(id)->text(),
              "id: " + id.text() + "\nevent: tidings.checkpoint\ndata: {}\n\n");
}

TEST(ControlEvents, P3_GapNamesItsReasonCountAndOldest) {
    const Timestamp oldest{std::chrono::milliseconds{1'700'000'000'999}};
    EXPECT_EQ(control::gap({GapReason::overflow, 12, {}}, id)->text(),
              "id: " + id.text() + "\nevent: tidings.gap\ndata: {\"reason\":\"overflow\",\"count\":12}\n\n");
    EXPECT_EQ(
        control::gap({GapReason::trimmed, {}, oldest}, id)->text(),
        "id: " + id.text() +
            "\nevent: tidings.gap\ndata: {\"reason\":\"trimmed\",\"oldest\":\"2023-11-14T22:13:20Z\"}\n\n");
    EXPECT_EQ(name_of(GapReason::store_reset), "store_reset");
    EXPECT_EQ(name_of(GapReason::unknown_id), "unknown_id");
}

TEST(ControlEvents, OfAnEndCarryNoId) {
    EXPECT_EQ(control::topic_closed("chat/1")->text(),
              "event: tidings.closed\ndata: {\"topic\":\"chat/1\"}\n\n");
    EXPECT_EQ(control::expiring(Timestamp{std::chrono::seconds{0}})->text(),
              "event: tidings.expiring\ndata: {\"expires_at\":\"1970-01-01T00:00:00Z\"}\n\n");
}

}  // namespace
}  // namespace tidings
