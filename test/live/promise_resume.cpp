// P-1 and P-2: order and resume.

#include <gtest/gtest.h>

#include "live/eventually.hpp"
#include "live/live_client.hpp"
#include "live/live_hub.hpp"

namespace tidings::test {
namespace {

TEST(Promise, P2_TheIdOfCaughtUpResumesBeforeTheFirstEvent) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    std::string cursor;
    {
        LiveStream stream{hub.port(), {hub.reader("ann"), "", ""}};
        ASSERT_TRUE(stream.read_until_live());
        cursor = stream.last_id();
        ASSERT_FALSE(cursor.empty());
    }
    HttpClient publisher{hub.port(), hub.publisher()};
    const std::string id = publisher.publish(item_json(type_alpha, to_user("ann"), 1));
    ASSERT_FALSE(id.empty()) << publisher.last().body;
    LiveStream stream{hub.port(), {hub.reader("ann"), "", cursor}};
    ASSERT_TRUE(stream.read_until_live());
    ASSERT_EQ(stream.events().size(), 2U) << stream.text();
    EXPECT_EQ(stream.events()[0].id, id);
    EXPECT_EQ(stream.count("tidings.gap"), 0U);
    EXPECT_EQ(hub.terminate(), 0);
    EXPECT_EQ(stream.read_to_end(), StreamFinish::fin);
}

}  // namespace
}  // namespace tidings::test
