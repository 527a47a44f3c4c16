#include "commands.hpp"

#include "base/json.hpp"
#include "base/position.hpp"
#include "client/sse_client.hpp"

#include <chrono>
#include <cstdio>
#include <ostream>

namespace tidings::app {
namespace {

using Outcome = SseClientMachine::Outcome;

std::string query_of(const SubscribeOptions& options) {
    std::string query;
    const auto add = [&](std::string_view name, const std::string& value) {
        query += (query.empty() ? "" : "&") + std::string{name} + "=" + value;
    };
    const auto list = [](const std::vector<std::string>& names) {
        std::string text;
        for (const auto& name : names) text += (text.empty() ? "" : ",") + percent_encoded(name);
        return text;
    };
    if (!options.categories.empty()) add("categories", list(options.categories));
    if (!options.topics.empty()) add("topics", list(options.topics));
    if (!options.from.empty()) add("from", options.from);
    return query;
}

// "12:30:01.250", UTC.
std::string clock_text(std::chrono::milliseconds since_epoch) {
    const auto ms = since_epoch.count() % 86'400'000;
    char text[32];
    std::snprintf(text, sizeof text, "%02d:%02d:%02d.%03d", static_cast<int>(ms / 3'600'000),
                  static_cast<int>(ms / 60'000 % 60), static_cast<int>(ms / 1000 % 60),
                  static_cast<int>(ms % 1000));
    return text;
}

// Prints events as they come. Lives as long as its command, on its thread.
class Printer {
public:
    Printer(const SubscribeOptions& options, Terminal& terminal)
        : output_{options.output}, terminal_{terminal}, colours_{terminal} {}

    void print(const SseEvent& event) {
        if (output_ == Output::json) {
            const bool json = minified(event.data, Limits{}).has_value();
            terminal_.out << "{\"id\":" << quoted(event.last_event_id) << ",\"type\":" << quoted(event.type)
                          << ",\"data\":" << (json ? event.data : quoted(event.data)) << "}\n";
        } else if (event.type.starts_with("tidings.")) {
            control(event);
        } else {
            terminal_.out << colours_.dim(time_of(event)) << "  " << colours_.green(event.type) << "  "
                          << colours_.dim(event.last_event_id) << "  " << event.data << "\n";
        }
        terminal_.out.flush();
    }

    void news(const SseClientNews& news) {
        if (news.kind == SseClientNews::Kind::connected) {
            if (output_ == Output::text) terminal_.err << "connected\n";
        } else {
            terminal_.err << news.why << "; back in " << duration_text(news.wait) << "\n";
        }
        terminal_.err.flush();
    }

private:
    // A gap is told loudly, since the reader has to reload its state; the rest in passing.
    void control(const SseEvent& event) {
        const std::string name = event.type.substr(std::string_view{"tidings."}.size());
        const std::string line = name + " " + event.data;
        if (name == "gap") {
            terminal_.out << colours_.yellow("!! " + line + "  (events were lost here: reload)") << "\n";
        } else {
            terminal_.out << colours_.dim("-- " + line) << "\n";
        }
    }

    // Of the id where it is one of a hub's, else of the arrival.
    static std::string time_of(const SseEvent& event) {
        const auto uuid = Uuid::parse(event.last_event_id);
        const auto id = uuid ? EventId::from(*uuid) : std::nullopt;
        if (id)
            return clock_text(
                std::chrono::milliseconds{static_cast<std::int64_t>(id->position.milliseconds)});
        return clock_text(std::chrono::duration_cast<std::chrono::milliseconds>(now().time_since_epoch()));
    }

    Output output_;
    Terminal& terminal_;
    Colours colours_;
};

int exit_code_of(const SseClientResult& result, Terminal& terminal) {
    switch (result.outcome) {
        case Outcome::unreachable: say_error(terminal, result.detail); return exit_unreachable;
        case Outcome::refused: say_error(terminal, result.detail); return exit_refused;
        case Outcome::rejected: say_error(terminal, result.detail); return exit_failed;
        case Outcome::timed_out: return exit_timed_out;
        case Outcome::finished:
        case Outcome::stopped:
        case Outcome::running: break;
    }
    return exit_done;
}

}  // namespace

int subscribe(const SubscribeOptions& options, Terminal& terminal) {
    auto url = Url::parse(options.hub.url);
    if (!url) {
        say_error(terminal, "--url: " + url.error().detail);
        return exit_usage;
    }
    SseClientOptions client_options;
    client_options.url = std::move(*url);
    client_options.query = query_of(options);
    client_options.token = options.hub.token;
    client_options.settings.last_event_id = options.last_event_id;
    client_options.time_limit = options.timeout;

    Printer printer{options, terminal};
    std::size_t received = 0;
    SseClient* running = nullptr;
    SseClient client{std::move(client_options),
                     [&](const SseEvent& event) {
                         if (options.count != 0 && received == options.count) return;
                         printer.print(event);
                         if (!event.type.starts_with("tidings.")) ++received;
                         const bool enough = options.count != 0 && received == options.count;
                         if (enough || !terminal.out) running->stop();
                     },
                     [&](const SseClientNews& news) { printer.news(news); }};
    running = &client;
    std::shared_ptr<void> watch;
    if (terminal.watch_interrupts) {
        watch = terminal.watch_interrupts([&client](Interrupt what) {
            if (what == Interrupt::end) client.stop();
        });
    }
    const SseClientResult result = client.run();
    return exit_code_of(result, terminal);
}

}  // namespace tidings::app
