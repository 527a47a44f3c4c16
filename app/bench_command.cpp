#include "commands.hpp"

#include "client/http_client.hpp"
#include "client/publish_batch.hpp"
#include "load/run.hpp"
#include "load/sample_event.hpp"
#include "load/tokens.hpp"

#include "base/json.hpp"

#include <fmt/format.h>

#include <atomic>
#include <charconv>
#include <fstream>
#include <iterator>
#include <ostream>

namespace tidings::app {
namespace {

constexpr double warmup_seconds = 1;
constexpr std::string_view publisher = "tidings-bench";
// A hub allows 10,000 streams of one address unless it is told otherwise.
constexpr std::size_t streams_per_address = 5000;

int exit_code_of(const Error& error) {
    switch (error.code) {
        case Errc::connection_failed: return exit_unreachable;
        case Errc::forbidden: return exit_refused;
        case Errc::overloaded:
        case Errc::unknown_type:
        case Errc::invalid_field: return exit_usage;
        default: return exit_failed;
    }
}

// The secret as it was given or as it stands in its file, without the line end.
Result<std::string> secret_of(const BenchOptions& options) {
    if (options.secret_file.empty()) return options.key;
    std::ifstream file{options.secret_file};
    if (!file) return Error{Errc::invalid_field, "cannot read " + options.secret_file};
    std::string text{std::istreambuf_iterator<char>{file}, {}};
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    return text;
}

std::string grant_of(const BenchOptions& options) {
    return quoted(options.topic.empty() ? "broadcast" : "topic:" + options.topic);
}

// The hub's registry, which also shows that it is one and takes the credential.
Result<std::string> registry_of(const Url& url, const std::string& token) {
    HttpClient client{url};
    HttpRequest request;
    request.method = "GET";
    request.target = url.base + "/event-types";
    request.fields = {{"Accept", "application/json"}, {"Authorization", "Bearer " + token}};
    auto answer = client.send(request);
    if (!answer) return answer.error();
    if (answer->status == 200) return std::move(answer->body);
    const bool refused = answer->status == 401 || answer->status == 403;
    return Error{refused ? Errc::forbidden : Errc::internal,
                 std::to_string(answer->status) + " " + problem_text(answer->body)};
}

void spread_over_addresses(load::Plan& plan) {
    if (plan.to.host != "localhost" && !plan.to.host.starts_with("127.")) return;
    const std::size_t addresses = (plan.streams + streams_per_address - 1) / streams_per_address;
    for (std::size_t i = 1; i <= addresses && addresses > 1 && i < 250; ++i)
        plan.source_addresses.push_back("127.0.0." + std::to_string(i));
}

Result<load::Plan> plan_of(const BenchOptions& options) {
    const auto url = Url::parse(options.hub.url);
    if (!url) return url.error();
    load::Plan plan;
    plan.to.host = url->host;
    std::from_chars(url->port.data(), url->port.data() + url->port.size(), plan.to.port);
    plan.publish.to = plan.to;
    plan.streams = options.streams;
    plan.rate = options.rate;
    plan.seconds = options.seconds;
    plan.warmup_seconds = warmup_seconds;
    plan.event_bytes = options.bytes;
    spread_over_addresses(plan);

    auto secret = secret_of(options);
    if (!secret) return secret.error();
    plan.key = std::move(*secret);
    plan.user = std::string{publisher} + "-{n}";
    plan.claims = "\"tidings\":{\"subscribe\":[" + grant_of(options) + "]}";
    plan.publish.user = publisher;
    plan.publish.claims = "\"tidings\":{\"publish\":[" + grant_of(options) + "]}";
    std::string token = options.hub.token;
    if (!plan.key.empty()) {
        auto minted = load::mint(plan.key, publisher, plan.publish.claims, std::chrono::system_clock::now());
        if (!minted) return minted.error();
        token = std::move(*minted);
    }
    const auto registry = registry_of(*url, token);
    if (!registry) return registry.error();
    const auto event = load::sample_event(*registry, options.type);
    if (!event) return event.error();

    const std::string bearer = "Bearer " + (plan.key.empty() ? token : std::string{"{token}"});
    const std::string topics = "?audiences=topics&topics=" + percent_encoded(options.topic);
    plan.subscribe.path = url->base + "/events" + (options.topic.empty() ? "" : topics);
    plan.subscribe.headers = {{"Accept", "text/event-stream"}, {"Authorization", bearer}};
    plan.publish.path = url->base + "/events";
    plan.publish.headers = {{"Authorization", bearer}};
    const std::string audience =
        options.topic.empty() ? "\"broadcast\":true" : "\"topic\":" + quoted(options.topic);
    plan.publish.body =
        "{\"type\":" + quoted(event->type) + "," + audience + ",\"data\":" + event->data + "}";
    return plan;
}

// "1234567" as "1,234,567".
std::string grouped(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
    return text;
}

std::string time_text(double nanoseconds) {
    if (nanoseconds < 1e3) return fmt::format("{:.0f} ns", nanoseconds);
    if (nanoseconds < 1e6) return fmt::format("{:.0f} us", nanoseconds / 1e3);
    if (nanoseconds < 1e9) return fmt::format("{:.2f} ms", nanoseconds / 1e6);
    return fmt::format("{:.2f} s", nanoseconds / 1e9);
}

std::string latency_row(std::string_view name, const load::Histogram& latencies) {
    std::string row = fmt::format("{:<16}", name);
    for (const double quantile : {0.5, 0.9, 0.99, 0.999, 1.0})
        row += fmt::format("{:>11}", time_text(static_cast<double>(latencies.at(quantile))));
    return row + "\n";
}

void print_table(const load::Report& report, Terminal& terminal) {
    const Colours colours{terminal};
    const load::Ledger::Totals& totals = *report.deliveries;
    const auto row = [&](std::string_view name, const std::string& value, const std::string& more = "") {
        terminal.out << fmt::format("{:<16}{:>14}{}{}\n", name, value, more.empty() ? "" : "   ", more);
    };
    const double seconds = std::max(report.seconds, 1e-9);
    terminal.out << colours.bold(fmt::format("{} streams, {} events in {:.1f} s", grouped(report.streams),
                                             grouped(totals.published), report.seconds))
                 << "\n\n";
    row("deliveries", grouped(totals.delivered),
        grouped(static_cast<std::uint64_t>(static_cast<double>(totals.delivered) / seconds)) + " a second");
    row("lost", totals.lost == 0 ? "0" : grouped(totals.lost));
    row("doubled", grouped(totals.duplicated));
    if (totals.out_of_order > 0) row("out of order", grouped(totals.out_of_order));
    if (totals.failed > 0) row("refused events", grouped(totals.failed), report.first_publish_failure);
    if (report.unpublished > 0)
        row("not published", grouped(report.unpublished), "the hub had not answered earlier ones");
    if (report.ended > 0) row("ended streams", grouped(report.ended), "by the hub");
    if (report.reads > 0) {
        row("events per read",
            fmt::format("{:.2f}", static_cast<double>(totals.delivered) / static_cast<double>(report.reads)));
    }
    row("connects", grouped(report.connects),
        fmt::format("in {:.2f} s, {} a second", report.connect_seconds,
                    grouped(static_cast<std::uint64_t>(static_cast<double>(report.connects) /
                                                       std::max(report.connect_seconds, 1e-9)))));
    terminal.out << "\n"
                 << colours.dim(fmt::format("{:<16}{:>11}{:>11}{:>11}{:>11}{:>11}", "latency", "p50", "p90",
                                            "p99", "p99.9", "max"))
                 << "\n"
                 << latency_row("each delivery", report.latency)
                 << latency_row("last reader", report.last_latency);
}

int say_failure(const Error& error, const BenchOptions& options, Terminal& terminal) {
    say_error(terminal, error.detail.empty() ? error.message() : error.detail);
    if (error.code == Errc::too_many_requests) {
        terminal.err
            << (options.hub.token.empty()
                    ? "the hub's limits are server.limits.streams, connections and streams_per_address\n"
                    : "with one token all streams are one user's, of whom the hub allows "
                      "server.limits.streams_per_user; with --secret-file each has a user of its own\n");
    }
    return exit_code_of(error);
}

}  // namespace

int bench(const BenchOptions& options, Terminal& terminal) {
    std::atomic<bool> stop{false};
    std::shared_ptr<void> watch;
    if (terminal.watch_interrupts) {
        watch = terminal.watch_interrupts([&stop](Interrupt what) {
            if (what == Interrupt::end) stop = true;
        });
    }
    const auto plan = plan_of(options);
    if (!plan) return say_failure(plan.error(), options, terminal);
    const load::Control control{[&](const std::string& text) { terminal.err << text << std::endl; }, &stop};
    const auto report = load::run(*plan, control);
    if (!report) return say_failure(report.error(), options, terminal);
    if (stop) terminal.err << "interrupted; this is what there was by then\n";
    const load::Ledger::Totals& totals = *report->deliveries;
    if (totals.published == 0 && totals.failed > 0) {
        say_error(terminal, "every publish was refused: " + report->first_publish_failure);
        const auto& why = report->first_publish_failure;
        return why.starts_with("401") || why.starts_with("403") ? exit_refused : exit_failed;
    }
    if (options.output == Output::json) {
        terminal.out << json_of(*report) << "\n";
    } else {
        print_table(*report, terminal);
    }
    if (totals.lost > 0) say_error(terminal, grouped(totals.lost) + " deliveries were lost");
    if (report->ended > 0) say_error(terminal, grouped(report->ended) + " streams were ended by the hub");
    return totals.lost > 0 || report->ended > 0 ? exit_failed : exit_done;
}

}  // namespace tidings::app
