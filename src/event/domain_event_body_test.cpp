#include "event/domain_event_body.hpp"

#include <gtest/gtest.h>

namespace tidings {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

const std::string attributes = R"("specversion":"1.0","id":"e1","source":"/bank","type":"AccountSyncFailed")";

TEST(DomainEventBody, ReadsThePlainForm) {
    const auto item = parse_domain_event(R"({"name":"AccountSyncFailed","data":{ "a" : 1.50 }})", Limits{});
    ASSERT_TRUE(item);
    EXPECT_EQ(item->name, "AccountSyncFailed");
    EXPECT_EQ(item->data, R"({"a":1.50})");
    EXPECT_EQ(item->idempotency_key, "");
    EXPECT_EQ(parse_domain_event(R"({"name":"A"})", Limits{})->data, "{}");
    EXPECT_EQ(parse_domain_event(R"({"name":"A","data":null})", Limits{})->data, "{}");
    const auto full = parse_domain_event(
        R"({"name":"A","occurred_at":"2026-01-20T02:30:00Z","idempotency_key":"k"})", Limits{});
    ASSERT_TRUE(full);
    EXPECT_TRUE(full->occurred_at.has_value());
    EXPECT_EQ(full->idempotency_key, "k");
}

TEST(DomainEventBody, RefusesABadPlainForm) {
    const auto code = [](std::string_view json) { return parse_domain_event(json, Limits{}).error().code; };
    EXPECT_EQ(code("nonsense"), Errc::invalid_json);
    EXPECT_EQ(code(std::string(100'000, '[')), Errc::invalid_json);
    EXPECT_EQ(code("[]"), Errc::invalid_field);
    EXPECT_EQ(code("{}"), Errc::missing_field);
    EXPECT_EQ(code(R"({"name":"A","date":{}})"), Errc::unknown_field);
    EXPECT_EQ(code(R"({"name":"A","data":[]})"), Errc::invalid_field);
    EXPECT_EQ(code(R"({"name":"A\n"})"), Errc::invalid_field);
    EXPECT_EQ(code(R"({"name":5})"), Errc::invalid_field);
    EXPECT_EQ(code(R"({"name":"A","occurred_at":"soon"})"), Errc::invalid_field);
    EXPECT_EQ(code(R"({"name":"A","idempotency_key":""})"), Errc::invalid_field);
}

TEST(CloudEvents, D10_StructuredCarriesIdAndTime) {
    const auto item =
        parse_cloud_event("{" + attributes +
                              R"(,"time":"2026-01-20T02:30:00Z","subject":"s","ext":1,)"
                              R"("datacontenttype":"application/json; charset=utf-8","data":{"a":1}})",
                          Limits{});
    ASSERT_TRUE(item) << item.error().message();
    EXPECT_EQ(item->name, "AccountSyncFailed");
    EXPECT_EQ(item->data, R"({"a":1})");
    EXPECT_EQ(item->idempotency_key, "/bank e1");
    EXPECT_EQ(item->occurred_at, Timestamp{std::chrono::seconds{1'768'876'200}});
    EventDraft draft;
    draft.idempotency_key = "from the data";
    item->complete(draft);
    EXPECT_EQ(draft.idempotency_key, "/bank e1");
    EXPECT_EQ(draft.occurred_at, item->occurred_at);
    DomainEventItem{}.complete(draft);
    EXPECT_EQ(draft.idempotency_key, "/bank e1");
}

TEST(CloudEvents, RequiresItsAttributes) {
    for (const auto* missing : {"specversion", "id", "source", "type"}) {
        std::string json = "{" + attributes + "}";
        json.replace(json.find(missing), std::string_view{missing}.size(), "other");
        const auto item = parse_cloud_event(json, Limits{});
        ASSERT_FALSE(item) << missing;
        EXPECT_EQ(item.error().code, Errc::missing_field);
        EXPECT_NE(item.error().detail.find(missing), std::string::npos);
    }
    const auto code = [](const std::string& json) { return parse_cloud_event(json, Limits{}).error().code; };
    EXPECT_EQ(code(R"({"specversion":"0.3","id":"e1","source":"/b","type":"A"})"), Errc::invalid_field);
    EXPECT_EQ(code(R"({"specversion":"1.0","id":"","source":"/b","type":"A"})"), Errc::invalid_field);
    EXPECT_EQ(code(R"({"specversion":"1.0","id":"e","source":"/b","type":"A\n"})"), Errc::invalid_field);
    EXPECT_EQ(code("{" + attributes + R"(,"time":"soon"})"), Errc::invalid_field);
    EXPECT_EQ(code("{" + attributes + R"(,"data":5})"), Errc::invalid_field);
    EXPECT_EQ(code("{" + attributes + R"(,"data_base64":"e30="})"), Errc::invalid_field);
    EXPECT_EQ(code("{" + attributes + R"(,"datacontenttype":"text/xml","data":{}})"), Errc::invalid_field);
}

TEST(CloudEvents, BinaryTakesAttributesFromTheHead) {
    const Headers headers{{"CE-SpecVersion", "1.0"},           {"ce-id", "e%201%E2%82%AC%2"},
                          {"Ce-Source", "\"/bank\""},          {"ce-type", "A"},
                          {"ce-time", "2026-01-20T02:30:00Z"}, {"Content-Type", "application/json"}};
    const auto item = parse_binary_cloud_event(headers, R"( {"a": 1} )", Limits{});
    ASSERT_TRUE(item) << item.error().message();
    EXPECT_EQ(item->name, "A");
    EXPECT_EQ(item->data, R"({"a":1})");
    EXPECT_EQ(item->idempotency_key, "/bank e 1€%2");
    EXPECT_TRUE(item->occurred_at.has_value());
    EXPECT_EQ(parse_binary_cloud_event(headers, "", Limits{})->data, "{}");
    EXPECT_EQ(parse_binary_cloud_event(headers, "{", Limits{}).error().code, Errc::invalid_json);
    EXPECT_EQ(parse_binary_cloud_event(headers, "[]", Limits{}).error().code, Errc::invalid_field);
    EXPECT_EQ(parse_binary_cloud_event(Headers{{"ce-id", "e"}}, "{}", Limits{}).error().code,
              Errc::missing_field);
}

TEST(CloudEvents, TheFormComesFromTheHead) {
    const auto form = [](Headers headers) { return domain_event_form(headers); };
    EXPECT_EQ(form({}), DomainEventForm::plain);
    EXPECT_EQ(form({{"content-type", "application/json"}}), DomainEventForm::plain);
    EXPECT_EQ(form({{"content-type", "Application/CloudEvents+JSON; charset=utf-8"}}),
              DomainEventForm::structured);
    EXPECT_EQ(form({{"content-type", "application/cloudevents-batch+json"}}), DomainEventForm::batch);
    EXPECT_EQ(form({{"content-type", "application/json"}, {"CE-SPECVERSION", "1.0"}}),
              DomainEventForm::binary);
}

TEST(CloudEvents, ABatchAnswersPerItem) {
    const Headers batch{{"Content-Type", "application/cloudevents-batch+json"}};
    const auto items = parse_domain_event_request(batch, "[{" + attributes + "}, 5, {}]", Limits{});
    ASSERT_TRUE(items);
    ASSERT_EQ(items->size(), 3U);
    EXPECT_TRUE((*items)[0]);
    EXPECT_EQ((*items)[1].error().code, Errc::invalid_field);
    EXPECT_EQ((*items)[2].error().code, Errc::missing_field);
    EXPECT_EQ(parse_domain_event_request(batch, "{}", Limits{}).error().code, Errc::invalid_field);
}

TEST(CloudEvents, EveryFormComesThroughOneDoor) {
    const auto name = [](const Headers& headers, std::string_view body) {
        const auto items = parse_domain_event_request(headers, body, Limits{});
        return items && items->size() == 1 && items->front() ? items->front()->name : "none";
    };
    EXPECT_EQ(name({}, R"({"name":"A"})"), "A");
    EXPECT_EQ(name({{"content-type", "application/cloudevents+json"}}, "{" + attributes + "}"),
              "AccountSyncFailed");
    EXPECT_EQ(name({{"ce-specversion", "1.0"}, {"ce-id", "1"}, {"ce-source", "s"}, {"ce-type", "T"}}, "{}"),
              "T");
}

}  // namespace
}  // namespace tidings
