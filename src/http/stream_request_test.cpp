#include "http/stream_request.hpp"

#include <gtest/gtest.h>

namespace tidings::http {
namespace {

using namespace std::chrono_literals;
using Names = std::vector<std::string>;

Result<StreamRequest> parse(std::string_view query, std::string_view last_event_id = {},
                            std::string_view accept = {}) {
    Request request;
    request.query = query;
    if (last_event_id.data() != nullptr) request.fields.add("last-event-id", std::string{last_event_id});
    if (!accept.empty()) request.fields.add("Accept", std::string{accept});
    return parse_stream_request(request, Limits{});
}

TEST(StreamRequest, IsLiveAndWholeWithoutParameters) { EXPECT_EQ(parse("").value(), StreamRequest{}); }

TEST(StreamRequest, C65_ReadsListsRepeatedAndWithCommas) {
    const auto request = parse("categories=a,b&categories=b,c&topics=x%2Fy,z&topics=z").value();
    EXPECT_EQ(request.categories, (Names{"a", "b", "c"}));
    EXPECT_EQ(request.topics, (Names{"x/y", "z"}));
}

TEST(StreamRequest, C65_RefusesAnEmptyList) {
    for (const auto* query : {"categories=", "categories=,", "topics=", "topics", "categories=&topics=a"}) {
        EXPECT_EQ(parse(query).error().code, Errc::invalid_field) << query;
    }
}

TEST(StreamRequest, C65_BoundsCountAndLengthOfNames) {
    const auto many = [](std::string name, int count) {
        name.push_back('=');
        for (int i = 0; i < count; ++i) name.append("n" + std::to_string(i) + ",");
        return name;
    };
    for (const auto* name : {"categories", "topics"}) {
        EXPECT_TRUE(parse(many(name, 64))) << name;
        EXPECT_EQ(parse(many(name, 65)).error().code, Errc::invalid_field) << name;
        EXPECT_TRUE(parse(std::string{name} + "=" + std::string(128, 'x'))) << name;
        EXPECT_EQ(parse(std::string{name} + "=" + std::string(129, 'x')).error().code, Errc::invalid_field)
            << name;
    }
    EXPECT_EQ(parse("topics=a%20b").error().code, Errc::invalid_field);
    EXPECT_EQ(parse("topics=a%00").error().code, Errc::invalid_field);
}

TEST(StreamRequest, C65_RefusesAnUnknownParameterAndNamesTheRightOne) {
    const auto error = parse("category=a").error();
    EXPECT_EQ(error.code, Errc::unknown_parameter);
    EXPECT_NE(error.detail.find("valid: categories, topics"), std::string::npos);
    EXPECT_EQ(parse("envelope=cloudevents").error().code, Errc::unknown_parameter);
    EXPECT_EQ(parse("Categories=a").error().code, Errc::unknown_parameter);
}

TEST(StreamRequest, C24_TheFieldWinsThenTheQueryThenFrom) {
    EXPECT_EQ(parse("last_event_id=q&from=f", "h").value().cursor, "h");
    EXPECT_EQ(parse("Last-Event-ID=3&lastEventId=2&last_event_id=1").value().cursor, "1");
    EXPECT_EQ(parse("Last-Event-ID=3&lastEventId=2").value().cursor, "2");
    EXPECT_EQ(parse("Last-Event-ID=3&from=f").value().cursor, "3");
    EXPECT_EQ(parse("from=f").value().cursor, "f");
    EXPECT_EQ(parse("from=f").value().from, StreamFrom::id);
    EXPECT_EQ(parse("from=earliest", "h").value().from, StreamFrom::id);
    EXPECT_EQ(parse("last_event_id=&last_event_id=b&last_event_id=c").value().cursor, "b");
}

TEST(StreamRequest, C24_AnEmptyCursorIsAbsent) {
    EXPECT_EQ(parse("last_event_id=&lastEventId&Last-Event-ID=&from=", "").value(), StreamRequest{});
    EXPECT_EQ(parse("last_event_id=q", "").value().cursor, "q");
}

TEST(StreamRequest, C24_ABadCursorIsUnknownAndNeverAnError) {
    const std::string unknown{unknown_cursor};
    EXPECT_EQ(parse("", std::string(129, 'a')).value().cursor, unknown);
    EXPECT_EQ(parse("", std::string(128, 'a')).value().cursor, std::string(128, 'a'));
    EXPECT_EQ(parse("", "a b").value().cursor, unknown);
    EXPECT_EQ(parse("", "\xc3\xa9").value().cursor, unknown);
    EXPECT_EQ(parse("last_event_id=%zz").value().cursor, unknown);
    EXPECT_EQ(parse("last_event_id=%00").value().cursor, unknown);
    EXPECT_EQ(parse("from=%").value().cursor, unknown);
    EXPECT_EQ(parse("from=%0a").value().cursor, unknown);
    EXPECT_EQ(parse("lastEventId=" + std::string(4000, '%')).value().cursor, unknown);
}

TEST(StreamRequest, C27_ReadsWhereToBegin) {
    EXPECT_EQ(parse("from=now").value().from, StreamFrom::now);
    EXPECT_EQ(parse("from=earliest").value().from, StreamFrom::earliest);
    EXPECT_FALSE(parse("from=earliest").value().cursor);
}

TEST(StreamRequest, ReadsThePolicyOfGapsAndTheAudiences) {
    EXPECT_EQ(parse("on_gap=replay").value().on_gap, OnGap::replay);
    EXPECT_EQ(parse("on_gap=live").value().on_gap, OnGap::live);
    EXPECT_EQ(parse("on_gap=").error().code, Errc::invalid_field);
    EXPECT_EQ(parse("on_gap=live&on_gap=live").error().code, Errc::invalid_field);
    EXPECT_EQ(parse("audiences=topics&topics=a").value().audiences, StreamAudiences::topics_only);
    EXPECT_EQ(parse("audiences=topics").error().code, Errc::missing_field);
    EXPECT_EQ(parse("audiences=user&topics=a").error().code, Errc::invalid_field);
}

TEST(StreamRequest, C20_ClampsTheHeartbeat) {
    EXPECT_EQ(parse("heartbeat=5").value().heartbeat, 5s);
    EXPECT_EQ(parse("heartbeat=0").value().heartbeat, 1s);
    EXPECT_EQ(parse("heartbeat=61").value().heartbeat, 60s);
    EXPECT_EQ(parse("heartbeat=99999999999999999999999").value().heartbeat, 60s);
    for (const auto* query :
         {"heartbeat=", "heartbeat=-1", "heartbeat=1.5", "heartbeat=5s", "heartbeat=%z"}) {
        EXPECT_EQ(parse(query).error().code, Errc::invalid_field) << query;
    }
}

TEST(StreamRequest, C5_AProbeIsAskedForByAccept) {
    EXPECT_EQ(parse("", {}, "application/json").value().kind, StreamKind::probe);
    EXPECT_EQ(parse("", {}, "text/event-stream").value().kind, StreamKind::stream);
    EXPECT_EQ(parse("", {}, "*/*").value().kind, StreamKind::stream);
    EXPECT_EQ(parse("", {}, "text/html").error().code, Errc::not_acceptable);
}

}  // namespace
}  // namespace tidings::http
