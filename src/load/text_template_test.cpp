#include "load/text_template.hpp"

#include <gtest/gtest.h>

namespace tidings::load {
namespace {

const Slots slots{
    .user = "ann", .token = "jwt", .id = "i-1", .payload = "{\"a\":1}", .stamp = "~1", .pad = "xx", .n = 7};

TEST(LoadTemplate, FillsEverySlot) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"{user}", "ann"},
        {"Bearer {token}", "Bearer jwt"},
        {"{id}{n}{user}", "i-17ann"},
        {R"({"user_id":"{user}","data":{payload}})", R"({"user_id":"ann","data":{"a":1}})"},
        {R"({"reason":"{stamp}{pad}"})", R"({"reason":"~1xx"})"}};
    for (const auto& [text, filled] : cases) EXPECT_EQ(TextTemplate{text}.text(slots), filled);
}

TEST(LoadTemplate, LeavesOtherBracesAlone) {
    for (const std::string_view text :
         {"{", "}", "{}", "{{", "{other}", "{\"a\":{\"b\":{}}}", "{user", "{ user }", "a{"})
        EXPECT_EQ(TextTemplate{text}.text(slots), text);
    EXPECT_EQ(TextTemplate{"{{user}}"}.text(slots), "{ann}");
}

TEST(LoadTemplate, KnowsWhatItHas) {
    const TextTemplate with{"a {id} b"};
    EXPECT_TRUE(with.has("id"));
    EXPECT_FALSE(with.has("user"));
    EXPECT_FALSE(with.has("a"));
}

}  // namespace
}  // namespace tidings::load
