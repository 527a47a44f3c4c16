#include "commands.hpp"
#include "hub_call.hpp"

#include "base/json.hpp"
#include "client/publish_batch.hpp"

#include <ostream>

namespace tidings::app {
namespace {

constexpr std::size_t batch_lines_max = 500;
constexpr std::size_t batch_bytes_max = 1024 * 1024;

struct PreparedLine {
    std::size_t number = 0;
    std::string object;
};

// The draft of the flags. Fails with Errc::invalid_field.
Result<EventDraft> draft_of(const PublishOptions& options, std::string data) {
    EventDraft draft;
    draft.type = options.type;
    draft.data = std::move(data);
    draft.key = options.key;
    draft.idempotency_key = options.idempotency_key.empty() ? random_key() : options.idempotency_key;
    if (!options.topic.empty()) {
        auto topic = Audience::topic(options.topic);
        if (!topic) return topic.error();
        draft.audience = std::move(*topic);
    } else if (!options.user.empty()) {
        const auto user = UserId::parse(options.user);
        if (!user) return user.error();
        draft.audience = Audience::user(*user);
    }
    return draft;
}

// The draft's object, with the time that was given as it was written.
Result<std::string> object_of(const PublishOptions& options, std::string data) {
    const auto draft = draft_of(options, std::move(data));
    if (!draft) return draft.error();
    auto object = publish_object(*draft);
    if (!object || options.occurred_at.empty()) return object;
    return "{\"occurred_at\":" + quoted(options.occurred_at) + "," + object->substr(1);
}

// A line that is a whole publish gets an idempotency key where it has none.
Result<std::string> with_key(const std::string& line) {
    auto object = minified(line, Limits{});
    if (!object) return object.error();
    const auto members = json_members(*object);
    if (!members || members->empty()) {
        return Error{Errc::invalid_json, "a line is a JSON object with type, audience and data"};
    }
    if (json_member(*object, "idempotency_key")) return object;
    return "{\"idempotency_key\":" + quoted(random_key()) + "," + object->substr(1);
}

int publish_one(const PublishOptions& options, HubCall& hub, Terminal& terminal) {
    const auto object = object_of(options, options.data);
    if (!object) {
        say_error(terminal, object.error().detail);
        return exit_usage;
    }
    const auto response = hub.post("/events", *object);
    if (!response) {
        say_error(terminal, response.error().detail);
        return exit_code_of(response.error());
    }
    if (const int code = exit_code_of(response->status); code != exit_done) {
        say_error(terminal, std::to_string(response->status) + " " + problem_text(response->body));
        return code;
    }
    if (options.output == Output::json) {
        terminal.out << response->body << "\n";
    } else if (const auto id = json_member(response->body, "id")) {
        terminal.out << json_string(*id).value_or("published, not retained") << "\n";
    }
    return exit_done;
}

// Sends one array. Its items' fates go to the tally; another exit code than 0 ends the command.
int send_batch(const std::vector<PreparedLine>& batch, Output output, HubCall& hub, Tally& tally,
               Terminal& terminal) {
    std::string body = "[";
    for (const PreparedLine& line : batch) body += (body.size() > 1 ? ",\n" : "") + line.object;
    const auto response = hub.post("/events", body + "]");
    if (!response) {
        say_error(terminal, response.error().detail);
        return exit_code_of(response.error());
    }
    if (const int code = exit_code_of(response->status); code != exit_done) {
        say_error(terminal, "lines " + std::to_string(batch.front().number) + " to " +
                                std::to_string(batch.back().number) + ": " +
                                std::to_string(response->status) + " " + problem_text(response->body));
        return code;
    }
    const auto answers = read_batch_answer(response->body, batch.size());
    if (!answers) {
        say_error(terminal, answers.error().detail);
        return exit_failed;
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const ItemAnswer& answer = (*answers)[i];
        if (exit_code_of(answer.status) == exit_done) {
            tally.sent();
        } else {
            tally.refused(batch[i].number, answer.status, answer.detail);
        }
    }
    const auto elements = output == Output::json ? json_elements(response->body) : std::nullopt;
    for (const auto element : elements.value_or(std::vector<std::string_view>{}))
        terminal.out << element << "\n";
    terminal.out.flush();
    return exit_done;
}

int publish_lines(const PublishOptions& options, HubCall& hub, Terminal& terminal) {
    const bool whole = options.type.empty();
    LineReader lines{terminal.in};
    Tally tally{terminal};
    std::vector<PreparedLine> batch;
    std::size_t bytes = 0;
    const auto send = [&] {
        if (batch.empty()) return static_cast<int>(exit_done);
        const int code = send_batch(batch, options.output, hub, tally, terminal);
        batch.clear();
        bytes = 0;
        return code;
    };
    while (auto line = lines.next()) {
        auto object = line->fit == LineReader::Line::Fit::too_long
                          ? Result<std::string>{Error{Errc::event_too_large, "a line is at most 1 MiB"}}
                      : whole ? with_key(line->text)
                              : object_of(options, std::move(line->text));
        if (!object) {
            tally.refused(line->number, 0, object.error().detail);
            continue;
        }
        bytes += object->size();
        batch.push_back({line->number, std::move(*object)});
        if (lines.more_at_hand() && batch.size() < batch_lines_max && bytes < batch_bytes_max) continue;
        if (const int code = send(); code != exit_done) {
            tally.finish();
            return code;
        }
    }
    const int code = send();
    const int counted = tally.finish();
    return code != exit_done ? code : counted;
}

}  // namespace

int publish(const PublishOptions& options, Terminal& terminal) {
    auto hub = HubCall::open(options.hub);
    if (!hub) {
        say_error(terminal, "--url: " + hub.error().detail);
        return exit_usage;
    }
    if (options.data == "-") return publish_lines(options, *hub, terminal);
    return publish_one(options, *hub, terminal);
}

}  // namespace tidings::app
