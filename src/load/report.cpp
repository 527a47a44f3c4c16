#include "load/report.hpp"

#include "base/json.hpp"

#include <fmt/format.h>

namespace tidings::load {
namespace {

// An object that grows member by member.
class JsonObject {
public:
    JsonObject& add(std::string_view name, std::uint64_t number) { return raw(name, std::to_string(number)); }
    JsonObject& add(std::string_view name, double number) { return raw(name, fmt::format("{:.6g}", number)); }
    JsonObject& text(std::string_view name, std::string_view value) { return raw(name, quoted(value)); }
    JsonObject& raw(std::string_view name, std::string_view value) {
        text_ += fmt::format("{}\"{}\":{}", text_.empty() ? "" : ",", name, value);
        return *this;
    }
    std::string done() const { return "{" + text_ + "}"; }

private:
    std::string text_;
};

constexpr double per_second = 1e9;

double share(double part, double whole) { return whole > 0 ? part / whole : 0; }

std::string quantiles(const Histogram& latencies) {
    const auto us = [](double nanoseconds) { return nanoseconds / 1000; };
    JsonObject object;
    for (const auto& [name, quantile] : {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}})
        object.add(name, us(static_cast<double>(latencies.at(quantile))));
    object.add("max", us(static_cast<double>(latencies.max())));
    return object.add("mean", us(latencies.mean())).done();
}

std::string marks(const std::vector<Memory>& memory) {
    std::string list;
    for (const Memory& one : memory) {
        JsonObject object;
        object.text("mark", one.mark)
            .add("streams", one.streams)
            .add("pss_kb", one.pss_kb)
            .add("private_kb", one.private_kb)
            .add("rss_kb", one.rss_kb)
            .add("slab_kb", one.slab_kb)
            .add("tcp_mem_pages", one.tcp_mem_pages);
        list += (list.empty() ? "" : ",") + object.done();
    }
    return "[" + list + "]";
}

void add_deliveries(JsonObject& object, const Report& report) {
    const Ledger::Totals& totals = *report.deliveries;
    object.add("published", totals.published)
        .add("publish_failed", totals.failed)
        .add("unpublished", report.unpublished)
        .add("expected", totals.expected)
        .add("delivered", totals.delivered)
        .add("lost", totals.lost)
        .add("duplicated", totals.duplicated)
        .add("out_of_order", totals.out_of_order)
        .add("foreign", totals.foreign)
        .add("foreign_again", totals.foreign_again)
        .add("deliveries_per_second", share(static_cast<double>(totals.delivered), report.seconds))
        .add("reads", report.reads)
        .add("events_per_read",
             share(static_cast<double>(totals.delivered), static_cast<double>(report.reads)))
        .add("bytes", report.bytes);
}

void add_bill(JsonObject& object, const Report& report) {
    const auto spent = [&](auto member) {
        return static_cast<double>(report.after.*member - report.before.*member) / per_second;
    };
    const double wall = spent(&Usage::wall);
    if (report.has_server) {
        const double cpu = spent(&Usage::server);
        JsonObject server;
        server.add("cpu_seconds", cpu).add("busy", share(cpu, wall));
        if (report.mode != Mode::idle && report.mode != Mode::storm && report.deliveries &&
            report.deliveries->delivered > 0)
            server.add("cpu_us_per_delivery", cpu * 1e6 / static_cast<double>(report.deliveries->delivered));
        if (report.published_per_run > 0)
            server.add("cpu_us_per_event", cpu * 1e6 / static_cast<double>(report.published_per_run));
        if (report.resumes > 0)
            server.add("cpu_us_per_resume", cpu * 1e6 / static_cast<double>(report.resumes));
        object.raw("server", server.done());
    }
    const double cpu = spent(&Usage::generator);
    object.raw("generator", JsonObject{}.add("cpu_seconds", cpu).add("busy", share(cpu, wall)).done());
    const auto ticks = static_cast<double>(report.after.total - report.before.total);
    JsonObject machine;
    machine.add("softirq", share(static_cast<double>(report.after.softirq - report.before.softirq), ticks));
    machine.add("steal", share(static_cast<double>(report.after.steal - report.before.steal), ticks));
    object.raw("machine", machine.done());
}

void add_connects(JsonObject& object, const Report& report) {
    const auto connects = static_cast<double>(report.connects);
    object.add("connects", report.connects)
        .add("connects_per_second", share(connects, report.connect_seconds));
    if (report.has_server)
        object.add("cpu_us_per_connect", share(report.connect_server_seconds * 1e6, connects));
}

}  // namespace

std::string json_of(const Report& report) {
    JsonObject object;
    object.text("mode", name_of(report.mode)).add("streams", report.streams).add("seconds", report.seconds);
    if (report.deliveries) add_deliveries(object, report);
    if (report.mode == Mode::publish) {
        object.add("published", report.published_per_run)
            .add("publish_failed", report.publish_failed)
            .add("events_per_second", share(static_cast<double>(report.published_per_run), report.seconds));
    }
    if (report.resumes > 0) object.add("resumes", report.resumes);
    if (report.caught_up_seconds) object.add("caught_up_seconds", *report.caught_up_seconds);
    if (report.connects > 0) add_connects(object, report);
    object.add("refused", report.refused).add("ended", report.ended);
    if (!report.first_refusal.empty()) object.text("first_refusal", report.first_refusal);
    if (!report.first_publish_failure.empty())
        object.text("first_publish_failure", report.first_publish_failure);
    add_bill(object, report);
    if (report.latency.count() > 0) object.raw("latency_us", quantiles(report.latency));
    if (report.last_latency.count() > 0) object.raw("last_latency_us", quantiles(report.last_latency));
    if (report.replay_latency.count() > 0) object.raw("replay_latency_us", quantiles(report.replay_latency));
    if (!report.memory.empty()) object.raw("memory", marks(report.memory));
    return object.done();
}

}  // namespace tidings::load
