// What operators see and do: C-72, C-74, readiness, the registry as JSON.
#include <csignal>
#include <fstream>

#include "live/hub_probe.hpp"

namespace tidings::test {
namespace {

TEST(Conformance, C72_MetricsHaveTheirNamesAndCountWhatHappens) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    HttpClient publisher{hub.port(), hub.publisher()};
    {
        LiveStream stream{hub.port(), {.token = hub.reader("ann")}};
        LiveStream old{hub.port(), {.token = hub.reader("ann"), .cursor = "x", .version = "HTTP/1.0"}};
        ASSERT_TRUE(stream.read_until_live() && old.read_until_live());
        ASSERT_NE(publisher.publish(item_json(type_alpha, to_user("ann"), 1)), "");
        ASSERT_TRUE(stream.read_until_event(type_alpha) && old.read_until_event(type_alpha));
        EXPECT_EQ(metric(hub, "tidings_streams"), 2);
        EXPECT_EQ(publisher.post("/api/v1/events", "{").status, 400);
    }
    EXPECT_TRUE(
        eventually([&] { return metric(hub, "tidings_streams_ended_total{reason=\"client_gone\"}") == 2; }));
    const auto answer = HttpClient{hub.operations_port()}.get("/metrics");
    EXPECT_EQ(answer.field("Content-Type").value_or(""), "text/plain; version=0.0.4; charset=utf-8");
    // The names are an interface: dashboards and alerts hold them.
    for (const auto* name : {"tidings_streams",
                             "tidings_audiences",
                             "tidings_connections",
                             "tidings_connections_total",
                             "tidings_streams_total",
                             "tidings_resumes_total",
                             "tidings_streams_ended_total",
                             "tidings_streams_refused_total",
                             "tidings_soft_refusals_total",
                             "tidings_accept_paused_total",
                             "tidings_deliveries_total",
                             "tidings_heartbeats_total",
                             "tidings_checkpoints_total",
                             "tidings_dropped_events_total",
                             "tidings_conflated_events_total",
                             "tidings_gaps_total",
                             "tidings_catching_up",
                             "tidings_replayed_events_total",
                             "tidings_inbox_bytes",
                             "tidings_published_total",
                             "tidings_publish_refused_total",
                             "tidings_domain_events_total",
                             "tidings_answers_total",
                             "tidings_malformed_requests_total",
                             "tidings_timeouts_total",
                             "tidings_store_away",
                             "tidings_store_entries",
                             "tidings_store_bytes"}) {
        EXPECT_NE(answer.body.find("\n# TYPE " + std::string{name} + " "), std::string::npos) << name;
        EXPECT_NE(answer.body.find("# HELP " + std::string{name} + " "), std::string::npos) << name;
    }
    EXPECT_EQ(metric(hub, "tidings_streams_total{protocol=\"http/1.1\"}"), 1);
    EXPECT_EQ(metric(hub, "tidings_streams_total{protocol=\"http/1.0\"}"), 1);
    EXPECT_EQ(metric(hub, "tidings_resumes_total"), 1);
    EXPECT_EQ(metric(hub, "tidings_gaps_total"), 1);
    EXPECT_EQ(metric(hub, "tidings_published_total"), 1);
    EXPECT_EQ(metric(hub, "tidings_publish_refused_total"), 1);
    EXPECT_EQ(metric(hub, "tidings_answers_total{status=\"400\"}"), 1);
}

TEST(Conformance, C72_ReadinessSpeaksOfThisProcessAndEndsWithItsDrain) {
    LiveHub hub{LiveStore::memory, {{"delivery.drain", "\"1h\""}}};
    ASSERT_TRUE(hub.start());
    HttpClient operations{hub.operations_port()};
    // Ready is who has passed an event on, and that takes a moment after the start.
    for (const auto* path : {"/livez", "/readyz", "/readyz?deep"}) {
        EXPECT_TRUE(eventually([&] { return operations.get(path).status == 200; })) << path;
    }
    // A reader that takes nothing holds the drain open for as long as it takes.
    LiveStream stalled{hub.port(), {.token = hub.reader("ann"), .receive_buffer = 4096}};
    HttpClient publisher{hub.port(), hub.publisher()};
    for (std::uint64_t n = 0; n < 40; ++n) {
        ASSERT_NE(publisher.publish(item_json(type_alpha, to_user("ann"), n, {}, std::string(60'000, 'x'))),
                  "");
    }
    hub.send_signal(SIGTERM);
    EXPECT_TRUE(eventually([&] { return operations.get("/readyz").status == 503; }));
    EXPECT_EQ(operations.last().body, "draining\n");
    EXPECT_EQ(operations.get("/livez").status, 200);
    LiveStream late{hub.port(), {}};
    EXPECT_EQ(late.status(), 200) << "a browser is told when to come back";
    EXPECT_EQ(late.read_to_end(), StreamFinish::fin);
    expect_problem((HttpClient{hub.port(), hub.reader("ann")}.get("/api/v1/events")), 503, "draining");
    hub.send_signal(SIGTERM);  // a second one ends it at once
    EXPECT_EQ(hub.wait(), 0);
}

TEST(Conformance, C74_AReloadDropsNoStreamAndSaysWhatItCannotChange) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    const auto registry = hub.directory() / "registry.toml";
    LiveStream stream{hub.port(), {.token = hub.reader("ann")}};
    ASSERT_TRUE(stream.read_until_live());
    HttpClient publisher{hub.port(), hub.publisher()};
    EXPECT_EQ(publisher.publish(item_json("item.new", to_user("ann"), 1)), "");
    expect_problem(publisher.last(), 400, "unknown-type");

    std::ofstream{registry, std::ios::app}
        << "[[event]]\ntype = \"item.new\"\ncategory = \"alpha\"\n"
           "description = \"Came with a reload.\"\n"
           "data = { n = \"integer\", from = \"string?\", pad = \"string?\" }\n";
    hub.set("server.limits.streams_per_user", "1");
    hub.set("server.shards", "1");
    hub.write_config();
    hub.send_signal(SIGHUP);
    ASSERT_TRUE(eventually([&] { return hub.log().find("setting=server.shards") != std::string::npos; }));
    ASSERT_NE(publisher.publish(item_json("item.new", to_user("ann"), 2)), "") << publisher.last().body;
    EXPECT_TRUE(stream.read_until_event("item.new"));
    EXPECT_EQ((LiveStream{hub.port(), {.token = hub.reader("ann")}}.status()), 429) << "the new limit holds";

    hub.set("delivery.heartbeat", "\"often\"");
    hub.write_config();
    hub.send_signal(SIGHUP);
    ASSERT_TRUE(eventually([&] { return hub.log().find("not reloaded") != std::string::npos; }));
    ASSERT_NE(publisher.publish(item_json("item.new", to_user("ann"), 3)), "");
    EXPECT_TRUE(stream.read_until_event("item.new", 2));
    EXPECT_EQ(stream.finish(), StreamFinish::open);
}

TEST(Conformance, C39_C40_TheRegistryIsShownToThoseWhoMaySeeIt) {
    LiveHub hub;
    ASSERT_TRUE(hub.start());
    HttpClient client{hub.port(), hub.reader("ann")};
    const auto answer = client.get("/api/v1/event-types");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.field("Content-Type").value_or(""), "application/json");
    EXPECT_TRUE(answer.body.starts_with(
        R"({"categories":["alpha","beta","gamma"],"event_types":[{"type":"item.alpha")"));
    expect_problem(HttpClient{hub.port()}.get("/api/v1/event-types"), 401, "unauthorized");
    expect_problem(client.post("/api/v1/event-types", "{}"), 405, "method-not-allowed");
}

}  // namespace
}  // namespace tidings::test
