// Behind a real nginx: events arrive at once, and an end stays what it was: C-33, C-34, C-41, C-68.
#include <zlib.h>

#include <csignal>

#include "live/hub_probe.hpp"
#include "live/real_nginx.hpp"

namespace tidings::test {
namespace {

struct Way {
    std::string name;
    std::string location;
};

// Debian's nginx speaks HTTP/1.0 to its upstream unless it is told otherwise.
const std::vector<Way>& ways() {
    static const std::vector<Way> both{
        {"HTTP/1.0", ""}, {"HTTP/1.1", "proxy_http_version 1.1; proxy_set_header Connection \"\";"}};
    return both;
}

// The text of a gzip stream that has not ended, as far as it has come.
std::string inflated(std::string_view bytes) {
    z_stream stream{};
    EXPECT_EQ(::inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
    std::string text(1 << 20, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(text.data());
    stream.avail_out = static_cast<uInt>(text.size());
    ::inflate(&stream, Z_SYNC_FLUSH);
    text.resize(text.size() - stream.avail_out);
    ::inflateEnd(&stream);
    return text;
}

class Nginx : public ::testing::Test {
protected:
    void SetUp() override {
        if (!RealNginx::installed()) GTEST_SKIP() << "nginx is not installed: tools/setup test";
    }
};

TEST_F(Nginx, C68_EventsArriveOneByOne) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    for (const auto& way : ways()) {
        const RealNginx nginx{{.hub_port = hub.port(), .location = way.location}};
        LiveStream stream{nginx.port(), {.token = hub.reader("ann")}};
        ASSERT_EQ(stream.status(), 200) << way.name << nginx.errors();
        ASSERT_TRUE(stream.read_until_live()) << way.name;
        EXPECT_EQ(stream.answer().field("Cache-Control").value_or(""), "no-store, no-transform");
        // The next is sent only when this one is there: no buffer could hide it.
        for (std::uint64_t n = 1; n <= 50; ++n) {
            ASSERT_NE(publisher.publish(item_json(type_alpha, to_user("ann"), n)), "");
            ASSERT_TRUE(stream.read_until_event(type_alpha, n)) << way.name << " holds event " << n;
        }
        // Publishing, cursors and refusals pass as well.
        HttpClient through{nginx.port(), hub.publisher()};
        ASSERT_NE(through.publish(item_json(type_beta, to_user("ann"), 51)), "") << through.last().body;
        EXPECT_TRUE(stream.read_until_event(type_beta));
        LiveStream back{nginx.port(), {.token = hub.reader("ann"), .cursor = stream.items().front().id}};
        ASSERT_TRUE(back.read_until_live());
        EXPECT_EQ(back.items().size(), 50U) << way.name;
        expect_problem(HttpClient{nginx.port()}.get("/api/v1/events"), 401, "unauthorized");
    }
}

TEST_F(Nginx, C68_C63_EventsArriveOneByOneUnderGzip) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    for (const auto& way : ways()) {
        const RealNginx nginx{
            {.hub_port = hub.port(),
             .location = way.location,
             .http = "gzip on; gzip_types text/event-stream; gzip_proxied any; gzip_min_length 0;"}};
        LiveStream stream{nginx.port(),
                          {.token = hub.reader("ann"), .fields = {{"Accept-Encoding", "gzip"}}}};
        ASSERT_EQ(stream.answer().field("Content-Encoding").value_or(""), "gzip")
            << way.name << nginx.errors();
        const auto has = [&](const std::string& part) {
            return inflated(stream.text()).find(part) != std::string::npos;
        };
        ASSERT_TRUE(stream.read_until([&] { return has("tidings.caught_up"); })) << way.name;
        for (std::uint64_t n = 1; n <= 20; ++n) {
            const auto mark = "\"n\":" + std::to_string(n) + ",\"from\":\"" + way.name + "\"";
            ASSERT_NE(publisher.publish(item_json(type_alpha, to_user("ann"), n, way.name)), "");
            ASSERT_TRUE(stream.read_until([&] { return has(mark); })) << way.name << " holds event " << n;
        }
    }
}

TEST_F(Nginx, C34_AnUncleanEndStaysUnclean) {
    for (const auto& way : ways()) {
        LiveHub hub{LiveStore::memory, {{"server.limits.streams", "2"}}};
        ASSERT_TRUE(hub.start());
        const RealNginx nginx{{.hub_port = hub.port(), .location = way.location}};
        LiveStream stream{nginx.port(), {.token = hub.reader("ann")}};
        LiveStream other{nginx.port(), {.token = hub.reader("bob")}};
        ASSERT_TRUE(stream.read_until_live() && other.read_until_live()) << nginx.errors();
        ASSERT_NE((HttpClient{hub.port(), hub.publisher()}.publish(item_json(type_alpha, to_user("ann"), 1))),
                  "");
        ASSERT_TRUE(stream.read_until_event(type_alpha));

        LiveStream refused{nginx.port(), {}};
        EXPECT_EQ(refused.status(), 200);
        const auto softly = refused.read_to_end();
        EXPECT_TRUE(softly == StreamFinish::fin || softly == StreamFinish::reset)
            << way.name << name_of(softly);
        EXPECT_EQ(refused.retries().size(), 1U) << way.name << ": the retry got lost in the reset";

        hub.send_signal(SIGTERM);
        for (auto* one : {&stream, &other}) {
            const auto finish = one->read_to_end();
            EXPECT_TRUE(finish == StreamFinish::fin || finish == StreamFinish::reset)
                << way.name << name_of(finish);
            EXPECT_EQ(one->retries().size(), 2U) << way.name << ": the retry got lost in the reset";
        }
        EXPECT_EQ(hub.wait(), 0);
    }
}

TEST_F(Nginx, C33_ACleanEndStaysCleanAndTheReturnGets204) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    for (const auto& way : ways()) {
        const RealNginx nginx{{.hub_port = hub.port(), .location = way.location}};
        const std::string topic = way.name;
        const auto token = hub.reader("ann", {"*"});
        const std::string query = "audiences=topics&topics=" + topic;
        LiveStream stream{nginx.port(), {.token = token, .query = query}};
        ASSERT_TRUE(stream.read_until_live()) << nginx.errors();
        ASSERT_NE(publisher.publish(item_json(type_alpha, to_topic(topic), 1)), "");
        ASSERT_EQ(publisher.post("/api/v1/topics/" + std::string{"HTTP%2F"} + topic.substr(5) + "/close", "")
                      .status,
                  200);
        EXPECT_EQ(stream.read_to_end(), StreamFinish::clean) << way.name << nginx.errors();
        EXPECT_EQ(stream.count("tidings.closed"), 1U);
        EXPECT_EQ(stream.items().size(), 1U);
        HttpClient back{nginx.port(), token};
        EXPECT_EQ(back.get("/api/v1/events?" + query, {{"Last-Event-ID", stream.last_id()}}).status, 204);
    }
}

}  // namespace
}  // namespace tidings::test
