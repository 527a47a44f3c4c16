#include "server/operations_endpoint.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <sstream>

namespace tidings {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// Collects families; a figure is summed over the shards where it was counted.
class Page {
public:
    explicit Page(const std::vector<ShardFigures>& shards) : shards_{shards} {}

    template <class Pick>
    void counter(std::string name, std::string help, Pick&& pick) {
        add(std::move(name), std::move(help), MetricType::Counter, {}, sum(pick));
    }
    template <class Pick>
    void gauge(std::string name, std::string help, Pick&& pick) {
        add(std::move(name), std::move(help), MetricType::Gauge, {}, sum(pick));
    }
    void value(std::string name, std::string help, MetricType type, double number) {
        add(std::move(name), std::move(help), type, {}, number);
    }
    template <class Pick>
    double sum(Pick&& pick) const {
        double total = 0;
        for (const auto& shard : shards_) total += static_cast<double>(pick(shard));
        return total;
    }
    void add(std::string name, std::string help, MetricType type, std::vector<ClientMetric::Label> labels,
             double number) {
        if (families_.empty() || families_.back().name != name) {
            families_.push_back({std::move(name), std::move(help), type, {}});
        }
        ClientMetric metric;
        metric.label = std::move(labels);
        if (type == MetricType::Counter) {
            metric.counter.value = number;
        } else {
            metric.gauge.value = number;
        }
        families_.back().metric.push_back(std::move(metric));
    }
    std::string text() const {
        std::ostringstream out;
        prometheus::TextSerializer{}.Serialize(out, families_);
        return out.str();
    }

private:
    const std::vector<ShardFigures>& shards_;
    std::vector<MetricFamily> families_;
};

void streams(Page& page) {
    page.gauge("tidings_streams", "Open streams.", [](const auto& s) { return s.streams; });
    page.gauge("tidings_audiences", "Audiences that somebody listens to.",
               [](const auto& s) { return s.audiences; });
    page.gauge("tidings_connections", "Open connections that are not streams.",
               [](const auto& s) { return s.connections; });
    page.counter("tidings_connections_total", "Accepted connections.",
                 [](const auto& s) { return s.counters.connections_opened; });
    page.add("tidings_streams_total", "Streams by protocol.", MetricType::Counter, {{"protocol", "http/1.0"}},
             page.sum([](const auto& s) { return s.counters.streams_http_1_0; }));
    page.add("tidings_streams_total", "Streams by protocol.", MetricType::Counter, {{"protocol", "http/1.1"}},
             page.sum([](const auto& s) { return s.counters.streams_http_1_1; }));
    page.counter("tidings_resumes_total", "Streams that came with a cursor.",
                 [](const auto& s) { return s.counters.resumes; });
    constexpr std::array reasons{"finished", "drained", "lifetime",    "stalled",
                                 "expired",  "refused", "client_gone", "stopped"};
    for (std::size_t i = 0; i < reasons.size(); ++i) {
        page.add("tidings_streams_ended_total", "Ended streams by reason.", MetricType::Counter,
                 {{"reason", reasons[i]}}, page.sum([i](const auto& s) { return s.reactor.ended[i]; }));
    }
    constexpr std::array refused{"process_full", "user_full", "address_full", "draining", "connections"};
    for (std::size_t i = 0; i < refused.size(); ++i) {
        page.add("tidings_streams_refused_total", "Refused streams by reason.", MetricType::Counter,
                 {{"reason", refused[i]}}, page.sum([i](const auto& s) { return s.counters.refused[i]; }));
    }
    page.counter("tidings_soft_refusals_total", "Refusals as 200 with a retry and an unclean end.",
                 [](const auto& s) { return s.counters.soft_refusals; });
    page.counter("tidings_accept_paused_total", "Times that accepting paused for want of descriptors.",
                 [](const auto& s) { return s.counters.accept_paused; });
}

void delivery(Page& page) {
    page.counter("tidings_deliveries_total", "Events written to streams.",
                 [](const auto& s) { return s.reactor.deliveries; });
    page.counter("tidings_writes_total", "Writes to sockets of streams.",
                 [](const auto& s) { return s.reactor.writes; });
    page.gauge("tidings_io_uring_shards", "Shards that write to sockets through io_uring.",
               [](const auto& s) { return s.io_uring; });
    page.counter("tidings_written_bytes_total", "Bytes written to streams.",
                 [](const auto& s) { return s.reactor.bytes; });
    page.counter("tidings_heartbeats_total", "Heartbeats.",
                 [](const auto& s) { return s.reactor.heartbeats; });
    page.counter("tidings_checkpoints_total", "Checkpoints on quiet streams.",
                 [](const auto& s) { return s.reactor.checkpoints; });
    page.counter("tidings_blocked_total", "Times that a reader's socket was full.",
                 [](const auto& s) { return s.reactor.blocked; });
    page.counter("tidings_fell_behind_total", "Times that a slow reader was sent to the log.",
                 [](const auto& s) { return s.reactor.fell_behind; });
    page.counter("tidings_dropped_events_total", "Events dropped for slow readers, each told by a gap.",
                 [](const auto& s) { return s.reactor.dropped_events; });
    page.counter("tidings_conflated_events_total",
                 "Events that a slow reader was not sent because a newer one of their key waited for it too.",
                 [](const auto& s) { return s.reactor.conflated_events; });
    page.counter("tidings_gaps_total", "Gaps told.",
                 [](const auto& s) { return s.reactor.gaps + s.catch_up.gaps; });
    page.gauge("tidings_catching_up", "Streams that read the log.",
               [](const auto& s) { return s.catching_up; });
    page.gauge("tidings_catching_up_waiting", "Streams that wait to read the log.",
               [](const auto& s) { return s.waiting; });
    page.counter("tidings_replayed_events_total", "Events sent from the log.",
                 [](const auto& s) { return s.catch_up.replayed; });
    page.gauge("tidings_inbox_bytes", "Frames handed to shards and not yet taken: the delivery lag in bytes.",
               [](const auto& s) { return s.inbox_bytes; });
    page.counter("tidings_inbox_overflows_total", "Times that a shard's inbox overflowed.",
                 [](const auto& s) { return s.counters.inbox_overflows; });
}

void publishing(Page& page, const Broker& broker) {
    page.counter("tidings_published_total", "Events that were acknowledged.",
                 [](const auto& s) { return s.counters.published; });
    page.counter("tidings_publish_refused_total", "Items that were refused.",
                 [](const auto& s) { return s.counters.publish_refused; });
    constexpr auto help = "Domain events by what became of them.";
    const auto domain = [&](const char* outcome, auto pick) {
        page.add("tidings_domain_events_total", help, MetricType::Counter, {{"outcome", outcome}},
                 page.sum(pick));
    };
    domain("mapped", [](const auto& s) { return s.counters.domain_mapped; });
    domain("ignored", [](const auto& s) { return s.counters.domain_ignored; });
    domain("no_user", [](const auto& s) { return s.counters.domain_no_user; });
    domain("failed", [](const auto& s) { return s.counters.domain_failed; });
    page.value("tidings_fanned_out_total", "Events handed to the shards.", MetricType::Counter,
               static_cast<double>(broker.published()));
}

void answers(Page& page, const std::vector<ShardFigures>& shards) {
    for (std::size_t status = 100; status < 600; ++status) {
        const double count = page.sum([status](const auto& s) { return s.counters.answers[status]; });
        if (count == 0) continue;
        page.add("tidings_answers_total", "Answers by status.", MetricType::Counter,
                 {{"status", std::to_string(status)}}, count);
    }
    static_cast<void>(shards);
    page.counter("tidings_malformed_requests_total", "Requests that were not HTTP, or too large or slow.",
                 [](const auto& s) { return s.counters.malformed; });
    page.counter("tidings_timeouts_total", "Connections that took too long.",
                 [](const auto& s) { return s.counters.timeouts; });
}

void storage(Page& page, const Store::Figures& store, const Broker& broker) {
    const auto count = [&](const char* name, const char* help, std::uint64_t number) {
        page.value(name, help, MetricType::Counter, static_cast<double>(number));
    };
    const auto level = [&](const char* name, const char* help, double number) {
        page.value(name, help, MetricType::Gauge, number);
    };
    level("tidings_store_away", "1 while the store cannot be reached.",
          broker.store_away() || store.away ? 1 : 0);
    level("tidings_store_logs", "Logs with events.", static_cast<double>(store.logs));
    level("tidings_store_entries", "Retained events.", static_cast<double>(store.entries));
    level("tidings_store_bytes", "Bytes of retained events.", static_cast<double>(store.bytes));
    level("tidings_store_clock_ahead_seconds", "How far positions are ahead of the clock.",
          static_cast<double>(store.clock_ahead_ms) / 1000);
    count("tidings_store_appends_total", "Appended events.", store.appends);
    count("tidings_store_commits_total", "Commits; appends share them.", store.commits);
    count("tidings_store_trimmed_total", "Events that retention removed.", store.trimmed);
    count("tidings_store_reconnects_total", "Links to the store that were opened again.", store.reconnects);
    count("tidings_store_link_gaps_total", "Live events that did not follow on what had arrived.",
          store.link_gaps);
    count("tidings_store_foreign_total", "Other systems' events that arrived.", store.foreign);
    count("tidings_store_ignored_messages_total", "Messages on Redis that were not understood.",
          store.ignored_messages);
}

}  // namespace

std::string metrics_text(const std::vector<ShardFigures>& shards, const Store::Figures& store,
                         const Broker& broker) {
    Page page{shards};
    streams(page);
    delivery(page);
    publishing(page, broker);
    answers(page, shards);
    storage(page, store, broker);
    return page.text();
}

}  // namespace tidings
