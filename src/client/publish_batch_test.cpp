#include "client/publish_batch.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

TEST(PublishBatch, WritesEveryMemberThatTheDraftHas) {
    EventDraft draft{"a.b", Audience::broadcast(), R"({"n": 1.50})"};
    EXPECT_EQ(publish_object(draft).value(), R"({"type":"a.b","broadcast":true,"data":{"n": 1.50}})");
    draft.audience = Audience::topic("job:1").value();
    draft.key = "k\"";
    draft.idempotency_key = "once";
    draft.occurred_at = Timestamp{std::chrono::seconds{0}};
    EXPECT_EQ(publish_object(draft).value(),
              R"({"type":"a.b","topic":"job:1","occurred_at":"1970-01-01T00:00:00+00:00","key":"k\"",)"
              R"("idempotency_key":"once","data":{"n": 1.50}})");
    draft.audience = Audience::user(UserId::parse("ann").value());
    EXPECT_NE(publish_object(draft).value().find(R"("user_id":"ann")"), std::string::npos);
}

TEST(PublishBatch, D29_RefusesDataThatIsNotJson) {
    for (const char* data : {"", "{", "NaN", "{} {}", "{\"a\":\"\xff\"}"}) {
        const auto object = publish_object({"a", Audience::broadcast(), data});
        ASSERT_FALSE(object) << data;
        EXPECT_EQ(object.error().code, Errc::invalid_json);
    }
}

TEST(PublishBatch, KnowsWhichAnswersAreWorthRepeating) {
    for (const unsigned status : {200u, 201u, 202u}) EXPECT_EQ(fate_of(status), Fate::sent) << status;
    for (const unsigned status : {401u, 408u, 429u, 500u, 502u, 503u, 504u, 507u}) {
        EXPECT_EQ(fate_of(status), Fate::again) << status;
    }
    for (const unsigned status : {301u, 400u, 403u, 404u, 409u, 413u, 422u, 501u}) {
        EXPECT_EQ(fate_of(status), Fate::refused) << status;
    }
}

TEST(PublishBatch, ReadsOneResultForEachItem) {
    const auto answers = read_batch_answer(
        R"([{"status":201,"id":"x"},{"status":403,"problem":{"title":"Forbidden","detail":"no grant"}}])", 2);
    ASSERT_TRUE(answers);
    EXPECT_EQ((*answers)[0].id, "x");
    EXPECT_EQ((*answers)[1].status, 403u);
    EXPECT_EQ((*answers)[1].detail, "no grant");
    for (const char* body : {"", "[]", "{}", "[1]", R"([{"status":"201"}])", "not json"}) {
        EXPECT_FALSE(read_batch_answer(body, 1)) << body;
    }
}

TEST(PublishBatch, FindsTheSentenceOfAProblem) {
    EXPECT_EQ(problem_text(R"({"title":"T","detail":"D"})"), "D");
    EXPECT_EQ(problem_text(R"({"title":"T"})"), "T");
    EXPECT_EQ(problem_text("Bad Gateway\nmore"), "Bad Gateway");
    EXPECT_EQ(problem_text(std::string(1000, 'x')).size(), 200u);
}

}  // namespace
}  // namespace tidings
