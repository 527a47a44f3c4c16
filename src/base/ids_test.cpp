#include <tidings/event.hpp>
#include <tidings/ids.hpp>

#include <gtest/gtest.h>

namespace tidings {
namespace {

constexpr auto canonical = "0192f1c4-7d2a-7b3c-8d4e-5f60718293a4";

TEST(Uuid, ReadsEverySpellingThatPythonReads) {
    for (const auto* spelling :
         {"0192f1c4-7d2a-7b3c-8d4e-5f60718293a4", "0192F1C4-7D2A-7B3C-8D4E-5F60718293A4",
          "0192f1c47d2a7b3c8d4e5f60718293a4", "{0192f1c4-7d2a-7b3c-8d4e-5f60718293a4}",
          "urn:uuid:0192f1c4-7d2a-7b3c-8d4e-5f60718293a4"}) {
        ASSERT_TRUE(Uuid::parse_any(spelling)) << spelling;
        EXPECT_EQ(Uuid::parse_any(spelling)->text(), canonical);
    }
}

TEST(Uuid, RefusesWhatIsNone) {
    for (const auto* text : {"", "None", "0192f1c4", "0192f1c4-7d2a-7b3c-8d4e-5f60718293a",
                             "g192f1c47d2a7b3c8d4e5f60718293a4", "0192f1c4-7d2a-7b3c-8d4e-5f60718293a45"}) {
        EXPECT_FALSE(Uuid::parse_any(text)) << text;
    }
    EXPECT_FALSE(Uuid::parse("0192f1c47d2a7b3c8d4e5f60718293a4"));
    EXPECT_FALSE(Uuid::parse("0192f1c47-d2a-7b3c-8d4e-5f60718293a4"));
}

TEST(UserId, IsCanonicalForAHyphenatedUuidAndLiteralOtherwise) {
    EXPECT_EQ(UserId::parse("0192F1C4-7D2A-7B3C-8D4E-5F60718293A4")->text(), canonical);
    // Two users must never merge: 32 digits are a name of their own.
    EXPECT_EQ(UserId::parse("0192F1C47D2A7B3C8D4E5F60718293A4")->text(), "0192F1C47D2A7B3C8D4E5F60718293A4");
    EXPECT_EQ(UserId::parse("alice")->text(), "alice");
    EXPECT_EQ(UserId::parse("web!alice")->text(), "web!alice");
}

TEST(UserId, RefusesOtherCharactersAndLengths) {
    for (const auto* text : {"", "a b", "a\nb", "a:b", "ä", "!a", "a!", "a!b!c"})
        EXPECT_FALSE(UserId::parse(text)) << text;
    EXPECT_TRUE(UserId::parse(std::string(128, 'a')));
    EXPECT_FALSE(UserId::parse(std::string(129, 'a')));
}

TEST(Audience, ReadsWhatItWrites) {
    for (const auto* text : {"broadcast", "user:alice", "topic:chat/42"}) {
        ASSERT_TRUE(Audience::parse(text)) << text;
        EXPECT_EQ(Audience::parse(text)->text(), text);
    }
    for (const auto* text : {"", "user:", "topic:", "topic:a b", "everybody"})
        EXPECT_FALSE(Audience::parse(text)) << text;
}

}  // namespace
}  // namespace tidings
