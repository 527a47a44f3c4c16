#include "load/sample_event.hpp"

#include <gtest/gtest.h>

namespace tidings::load {
namespace {

constexpr std::string_view registry = R"({"categories":["a"],"event_types":[
    {"type":"drop.any","data":{},"slow_reader":"drop"},
    {"type":"no.text","data":{"n":"integer","at":"datetime"},"slow_reader":"resume"},
    {"type":"some.text","slow_reader":"resume",
     "data":{"id":"uuid","n":"integer?","why":"string","more":"string"}},
    {"type":"any","data":{},"slow_reader":"resume"}]})";

TEST(LoadSample, TakesTheFirstTypeThatCarriesAStamp) {
    const auto event = sample_event(registry, "");
    ASSERT_TRUE(event) << event.error().message();
    EXPECT_EQ(event->type, "some.text");
    EXPECT_EQ(event->data,
              R"({"id":"00000000-0000-7000-8000-000000000000","n":null,"why":"{stamp}{pad}","more":""})");
}

TEST(LoadSample, TakesATypeByName) {
    EXPECT_EQ(sample_event(registry, "any")->data, "{payload}");
    EXPECT_EQ(sample_event(registry, "drop.any")->type, "drop.any");
}

TEST(LoadSample, SaysWhyThereIsNone) {
    EXPECT_NE(sample_event(registry, "no.text").error().detail.find("kind string"), std::string::npos);
    EXPECT_NE(sample_event(registry, "nope").error().detail.find("'nope'"), std::string::npos);
    EXPECT_EQ(sample_event(R"({"event_types":[]})", "").error().code, Errc::unknown_type);
    EXPECT_EQ(sample_event("{}", "").error().code, Errc::invalid_json);
    EXPECT_EQ(sample_event("<html>", "").error().code, Errc::invalid_json);
}

}  // namespace
}  // namespace tidings::load
