#include "commands.hpp"
#include "hub_call.hpp"

#include "base/json.hpp"
#include "client/publish_batch.hpp"

#include <ostream>

namespace tidings::app {
namespace {

Result<std::string> domain_event(const EmitOptions& options, std::string_view data) {
    auto object = minified(data, Limits{});
    if (!object) return object;
    std::string text = "{\"name\":" + quoted(options.name) + ",\"idempotency_key\":" +
                       quoted(options.idempotency_key.empty() ? random_key() : options.idempotency_key);
    if (!options.occurred_at.empty()) text += ",\"occurred_at\":" + quoted(options.occurred_at);
    return text + ",\"data\":" + *object + "}";
}

// "sync.accounts.succeeded 0190…", or why nothing came of it.
std::string told(std::string_view answer) {
    if (const auto ignored = json_member(answer, "ignored")) {
        return "ignored: " +
               std::string{json_string(*ignored) == "no_user" ? "it names no user" : "no mapping"};
    }
    std::string text;
    const auto published = json_member(answer, "published");
    const auto elements = published ? json_elements(*published) : std::nullopt;
    for (const auto one : elements.value_or(std::vector<std::string_view>{})) {
        const auto type = json_member(one, "type");
        const auto id = json_member(one, "id");
        text += (text.empty() ? "" : "\n") + (type ? json_string(*type).value_or("") : "") + " " +
                (id ? json_string(*id).value_or("not retained") : "");
    }
    return text.empty() ? "accepted" : text;
}

int emit_one(const EmitOptions& options, HubCall& hub, Terminal& terminal) {
    const auto body = domain_event(options, options.data);
    if (!body) {
        say_error(terminal, "--data: " + body.error().detail);
        return exit_usage;
    }
    const auto response = hub.post("/domain-events", *body);
    if (!response) {
        say_error(terminal, response.error().detail);
        return exit_code_of(response.error());
    }
    if (const int code = exit_code_of(response->status); code != exit_done) {
        say_error(terminal, std::to_string(response->status) + " " + problem_text(response->body));
        return code;
    }
    terminal.out << (options.output == Output::json ? response->body : told(response->body)) << "\n";
    return exit_done;
}

int emit_lines(const EmitOptions& options, HubCall& hub, Terminal& terminal) {
    LineReader lines{terminal.in};
    Tally tally{terminal};
    while (const auto line = lines.next()) {
        const bool too_long = line->fit == LineReader::Line::Fit::too_long;
        const auto body = too_long
                              ? Result<std::string>{Error{Errc::event_too_large, "a line is at most 1 MiB"}}
                              : domain_event(options, line->text);
        if (!body) {
            tally.refused(line->number, 0, body.error().detail);
            continue;
        }
        const auto response = hub.post("/domain-events", *body);
        if (!response) {
            say_error(terminal, "line " + std::to_string(line->number) + ": " + response.error().detail);
            tally.finish();
            return exit_code_of(response.error());
        }
        if (exit_code_of(response->status) == exit_done) {
            tally.sent();
            if (options.output == Output::json) terminal.out << response->body << std::endl;
        } else {
            tally.refused(line->number, response->status, problem_text(response->body));
        }
    }
    return tally.finish();
}

}  // namespace

int emit(const EmitOptions& options, Terminal& terminal) {
    auto hub = HubCall::open(options.hub);
    if (!hub) {
        say_error(terminal, "--url: " + hub.error().detail);
        return exit_usage;
    }
    return options.data == "-" ? emit_lines(options, *hub, terminal) : emit_one(options, *hub, terminal);
}

}  // namespace tidings::app
