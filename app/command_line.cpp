#include "command_line.hpp"

#include "terminal.hpp"

#include "base/nearest.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <sstream>

namespace tidings::app {
namespace {

constexpr const char* exit_codes =
    "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 could not reach the server,\n"
    "            4 refused (401, 403), 5 timed out.";

// Text options that need more than CLI11 checks; filled while parsing, read afterwards.
struct Raw {
    std::vector<std::string> listen;
    std::string store, registry, timeout, expires, categories, topics, token_topics;
    bool json = false, broadcast = false;
};

std::vector<std::string> split(const std::string& list) {
    std::vector<std::string> parts;
    std::istringstream stream{list};
    for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
    return parts;
}

// All commands, their options and texts. Lives for one parse.
class Parser {
public:
    explicit Parser(const Environment& environment) : environment_{environment} {
        program_.require_subcommand(0, 1);
        program_.set_version_flag("--version", "tidings " TIDINGS_VERSION);
        program_.footer(std::string{"TIDINGS_URL and TIDINGS_TOKEN stand in for --url and --token.\n"} +
                        exit_codes);
        add_serve();
        add_publish();
        add_emit();
        add_subscribe();
        add_bench();
        add_token();
        add_registry();
        add_config();
    }

    Command parse(const std::vector<std::string>& arguments) {
        if (auto wrong = unknown_command(arguments)) return *wrong;
        std::vector<std::string> reversed{arguments.rbegin(), arguments.rend()};
        try {
            program_.parse(reversed);
        } catch (const CLI::ParseError& error) {
            return finished(error, arguments);
        }
        const auto chosen = program_.get_subcommands();
        if (chosen.empty()) return Finished{exit_usage, "", program_.help()};
        return made(*chosen.front());
    }

private:
    CLI::App& add(const std::string& name, const std::string& what, const std::string& examples) {
        CLI::App* command = program_.add_subcommand(name, what);
        command->footer("Examples:\n" + examples + exit_codes);
        return *command;
    }

    // One value for each time the flag is given, so that what follows is not swallowed.
    template <class T>
    CLI::Option* value(CLI::App& command, const std::string& name, T& target, const std::string& what,
                       const std::string& kind) {
        return command.add_option(name, target, what)->type_name(kind)->allow_extra_args(false);
    }

    void add_access(CLI::App& command, HubAccess& hub) {
        value(command, "--url", hub.url, "the hub (default: TIDINGS_URL)", "URL");
        value(command, "--token", hub.token, "the credential (default: TIDINGS_TOKEN)", "JWT");
    }

    void add_serve() {
        CLI::App& command =
            add("serve", "Run a hub",
                "  tidings serve --dev --registry registry/finance.toml\n"
                "  tidings serve --config tidings.toml --store lmdb:/var/lib/tidings\n"
                "SIGTERM ends the streams over delivery.drain and stops; SIGHUP reads the files again.\n");
        value(command, "--config", serve_.config, "tidings.toml", "FILE");
        value(command, "--listen", raw_.listen, "an address, repeatable; port 0 picks a free one",
              "HOST:PORT");
        value(command, "--store", raw_.store, "memory:, lmdb:DIRECTORY or redis://HOST", "URL");
        value(command, "--registry", raw_.registry, "the registry of event types", "FILE");
        command.add_flag("--dev", serve_.dev, "a throw-away key, on loopback only; prints curl lines");
    }

    void add_publish() {
        CLI::App& command =
            add("publish", "Publish an event, or one for each line of standard input",
                "  tidings publish --type system.notice --broadcast --data '{\"text\":\"hello\"}'\n"
                "  tidings publish --type job.progress --topic job:42 --data - < progress.ndjson\n"
                "  tidings publish --data - < events.ndjson     # each line with type, audience and data\n");
        value(command, "--type", publish_.type, "the event's type", "TYPE");
        value(command, "--user", publish_.user, "for one user", "ID");
        value(command, "--topic", publish_.topic, "for the readers of a topic", "NAME");
        command.add_flag("--broadcast", publish_.broadcast, "for everybody");
        value(command, "--data", publish_.data, "JSON, or - for NDJSON on standard input", "JSON");
        value(command, "--occurred-at", publish_.occurred_at, "when it happened (default: now)", "TIME");
        value(command, "--key", publish_.key, "of a slow reader's events of one key the newest counts",
              "KEY");
        value(command, "--idempotency-key", publish_.idempotency_key, "a repeat publishes nothing", "KEY");
        command.add_flag("--json", raw_.json, "print the hub's answer as JSON, one line each");
        add_access(command, publish_.hub);
    }

    void add_emit() {
        CLI::App& command = add("emit", "Hand a domain event to the hub, which maps it by its registry",
                                "  tidings emit AccountSyncSucceeded --data '{\"user_id\":\"...\"}'\n"
                                "  tidings emit FileImportProgress --data - < progress.ndjson\n");
        value(command, "name", emit_.name, "the domain event", "NAME")->required();
        value(command, "--data", emit_.data, "JSON, or - for NDJSON on standard input", "JSON");
        value(command, "--occurred-at", emit_.occurred_at, "when it happened (default: now)", "TIME");
        value(command, "--idempotency-key", emit_.idempotency_key, "a repeat publishes nothing", "KEY");
        command.add_flag("--json", raw_.json, "print the hub's answer as JSON, one line each");
        add_access(command, emit_.hub);
    }

    void add_subscribe() {
        CLI::App& command = add("subscribe", "Receive events: reconnects, resumes, shows gaps",
                                "  tidings subscribe --categories data_sync,import\n"
                                "  tidings subscribe --json --count 10 --timeout 30s | jq .data\n"
                                "  tidings subscribe --topics job:42 --from earliest\n");
        value(command, "--categories", raw_.categories, "only these (default: all)", "A,B");
        value(command, "--topics", raw_.topics, "topics to read beside one's own events", "X,Y");
        value(command, "--last-event-id", subscribe_.last_event_id, "resume after this event", "ID");
        value(command, "--from", subscribe_.from, "where to begin without an id", "now|earliest")
            ->check(CLI::IsMember({"now", "earliest"}));
        value(command, "--count", subscribe_.count, "end after so many events", "N");
        value(command, "--timeout", raw_.timeout, "end after this time with exit code 5", "10s");
        command.add_flag("--json", raw_.json, "one JSON object a line: id, type, data");
        add_access(command, subscribe_.hub);
    }

    void add_bench() {
        CLI::App& command =
            add("bench", "Put a hub under load and count every delivery",
                "  tidings bench --secret-file key                 # 1000 users, 50 events a second, 10 s\n"
                "  tidings bench --secret-file key --streams 10000 --rate 5 --seconds 30\n"
                "  tidings bench --token \"$TIDINGS_TOKEN\" --streams 50 --json | jq .latency_us\n"
                "Events go to a topic of their own. With --broadcast every reader of the hub gets them.\n"
                "It takes one core. Exit code 1 also if an event was lost.\n");
        value(command, "--streams", bench_.streams, "readers (default: 1000)", "N")
            ->check(CLI::Range(1, 10'000'000));
        value(command, "--rate", bench_.rate, "events a second (default: 50)", "N")
            ->check(CLI::Range(0.01, 1e6));
        value(command, "--seconds", bench_.seconds, "how long (default: 10)", "N")
            ->check(CLI::Range(0.1, 86'400.0));
        value(command, "--bytes", bench_.bytes, "the size of an event's data (default: 200)", "N")
            ->check(CLI::Range(64, 16'777'216));
        value(command, "--type", bench_.type, "the events' type (default: one that the hub has)", "TYPE");
        value(command, "--topic", bench_.topic, "their topic (default: tidings-bench)", "NAME");
        command.add_flag("--broadcast", raw_.broadcast, "for everybody instead");
        value(command, "--key", bench_.key, "the hub's HS256 secret, to mint a token for each reader",
              "SECRET");
        value(command, "--secret-file", bench_.secret_file, "a file with that secret", "FILE");
        command.add_flag("--json", raw_.json, "print the result as one JSON object");
        add_access(command, bench_.hub);
    }

    void add_token() {
        CLI::App& command =
            add("token", "Mint a credential for tests, from a key of the configuration",
                "  tidings token --user ann --config tidings.toml\n"
                "  TIDINGS_TOKEN=$(tidings token --user app --publish '*' --secret-file key)\n");
        value(command, "--user", token_.user, "the token's subject", "ID")->required();
        value(command, "--topics", raw_.token_topics,
              "topics it may read; a trailing * fits all that begin so", "X,Y");
        value(command, "--publish", token_.publish,
              "a grant to publish, repeatable: *, broadcast, user:ID, topic:NAME, "
              "domain:NAME",
              "GRANT");
        command.add_flag("--operate", token_.operate, "may use the operators' endpoints");
        value(command, "--expires", raw_.expires, "how long it lives (default: 15m)", "15m");
        value(command, "--session", token_.session, "its session_id", "ID");
        value(command, "--config", token_.config, "tidings.toml; its first HS key signs", "FILE");
        value(command, "--secret-file", token_.secret_file, "a file with the HS256 secret", "FILE");
    }

    void add_registry() {
        CLI::App& command = add("registry", "Look at a registry file",
                                "  tidings registry check registry/finance.toml\n"
                                "  tidings registry list registry/finance.toml --json\n"
                                "  tidings registry show sync.accounts.failed registry/finance.toml\n");
        command.require_subcommand(1);
        const auto part = [&](const std::string& name, const std::string& what) -> CLI::App& {
            CLI::App* made = command.add_subcommand(name, what);
            made->footer(exit_codes);
            return *made;
        };
        CLI::App& check = part("check", "Find mistakes; silence and exit code 0 mean there are none");
        CLI::App& list =
            part("list", "Every event type with its category and the domain event it comes from");
        CLI::App& show = part("show", "One event type with its data");
        value(show, "type", registry_.type, "the event type", "TYPE")->required();
        for (CLI::App* one : {&check, &list, &show}) {
            value(*one, "file", registry_.file, "the registry (default: registry.file of the configuration)",
                  "FILE");
            value(*one, "--config", registry_.config, "tidings.toml", "FILE");
        }
        list.add_flag("--json", raw_.json, "as JSON");
        show.add_flag("--json", raw_.json, "as JSON");
    }

    void add_config() {
        CLI::App& command = add("config", "Check or print the configuration",
                                "  tidings config check tidings.toml\n"
                                "  tidings config print --config tidings.toml\n");
        command.require_subcommand(1);
        CLI::App* check = command.add_subcommand("check", "Find every mistake; exit code 2 if there is one");
        CLI::App* print =
            command.add_subcommand("print", "What is in effect, as TOML; secrets are not shown");
        for (CLI::App* one : {check, print}) {
            one->footer(exit_codes);
            value(*one, "file,--config", config_.file, "tidings.toml", "FILE");
        }
        check->add_flag("--dev", config_.dev, "as for serve --dev: no key is needed");
        value(*print, "--markdown", config_.markdown, "the documentation of the settings or limits instead",
              "WHAT")
            ->check(CLI::IsMember({"settings", "limits"}));
    }

    std::optional<Finished> unknown_command(const std::vector<std::string>& arguments) {
        if (arguments.empty() || arguments.front().starts_with('-')) return std::nullopt;
        return unknown_among(program_, arguments.front(), "");
    }

    static std::vector<std::string> names_of(const CLI::App& command) {
        std::vector<std::string> names;
        for (const CLI::App* one : command.get_subcommands([](const CLI::App*) { return true; })) {
            names.push_back(one->get_name());
        }
        return names;
    }

    static std::optional<Finished> unknown_among(const CLI::App& parent, const std::string& name,
                                                 const std::string& before) {
        const auto names = names_of(parent);
        if (std::ranges::find(names, name) != names.end()) return std::nullopt;
        return wrong("unknown command '" + before + name + "'", name, names, before);
    }

    static Finished wrong(const std::string& what, const std::string& name,
                          const std::vector<std::string>& names, const std::string& command) {
        const auto close = nearest(name, names);
        return {exit_usage, "",
                "error: " + what +
                    (close ? "; did you mean '" + *close + "'?" : "; there are: " + joined(names)) +
                    "\nsee: tidings " + command + "--help\n"};
    }

    Finished finished(const CLI::ParseError& error, const std::vector<std::string>& arguments) {
        if (error.get_exit_code() == 0) {
            std::ostringstream out, err;
            program_.exit(error, out, err);
            return {exit_done, out.str() + err.str(), ""};
        }
        const CLI::App* command = &program_;
        std::string path;
        std::size_t at = 0;
        for (; at < arguments.size(); ++at) {
            const auto names = names_of(*command);
            if (std::ranges::find(names, arguments[at]) == names.end()) break;
            command = command->get_subcommand(arguments[at]);
            path += arguments[at] + " ";
        }
        if (at < arguments.size() && !arguments[at].starts_with('-') && !names_of(*command).empty()) {
            if (auto unknown = unknown_among(*command, arguments[at], path)) return *unknown;
        }
        std::vector<std::string> flags{"--help"};
        for (const CLI::Option* option : command->get_options()) {
            for (const auto& name : option->get_lnames()) flags.push_back("--" + name);
        }
        for (; at < arguments.size(); ++at) {
            const std::string flag = arguments[at].substr(0, arguments[at].find('='));
            if (!flag.starts_with("--") || std::ranges::find(flags, flag) != flags.end()) continue;
            return wrong("unknown flag '" + flag + "'", flag, flags, path);
        }
        return {exit_usage, "",
                "error: " + std::string{error.what()} + "\nsee: tidings " + path + "--help\n"};
    }

    Command made(const CLI::App& command) {
        const std::string& name = command.get_name();
        const Output output = raw_.json ? Output::json : Output::text;
        if (name == "serve") return made_serve();
        if (name == "publish") {
            publish_.output = output;
            return checked(publish_);
        }
        if (name == "emit") {
            emit_.output = output;
            return checked(emit_);
        }
        if (name == "subscribe") {
            subscribe_.output = output;
            return made_subscribe();
        }
        if (name == "bench") {
            bench_.output = output;
            return made_bench();
        }
        if (name == "token") return made_token();
        const std::string& part = command.get_subcommands().front()->get_name();
        if (name == "registry") {
            using Do = RegistryOptions::Do;
            registry_.what = part == "check" ? Do::check : part == "list" ? Do::list : Do::show;
            registry_.output = output;
            return registry_;
        }
        config_.what = part == "check" ? ConfigOptions::Do::check : ConfigOptions::Do::print;
        return config_;
    }

    Command made_serve() {
        std::string listen;
        for (const auto& address : raw_.listen) listen += (listen.empty() ? "" : ",") + address;
        if (!listen.empty()) serve_.flags.push_back({"--listen", "server.listen", listen});
        if (!raw_.store.empty()) serve_.flags.push_back({"--store", "store.url", raw_.store});
        if (!raw_.registry.empty()) serve_.flags.push_back({"--registry", "registry.file", raw_.registry});
        return serve_;
    }

    Command checked(PublishOptions& options) {
        const int audiences = !options.user.empty() + !options.topic.empty() + options.broadcast;
        const bool whole_lines = options.data == "-" && options.type.empty() && audiences == 0;
        if (!whole_lines && options.type.empty()) return usage("publish", "--type is missing");
        if (!whole_lines && audiences != 1)
            return usage("publish", "give one of --user, --topic and --broadcast");
        return access("publish", options.hub, options);
    }

    Command checked(EmitOptions& options) { return access("emit", options.hub, options); }

    Command made_subscribe() {
        subscribe_.categories = split(raw_.categories);
        subscribe_.topics = split(raw_.topics);
        if (!raw_.timeout.empty()) {
            const auto parsed = parse_duration(raw_.timeout);
            if (!parsed) return usage("subscribe", "--timeout: " + parsed.error().detail);
            subscribe_.timeout = *parsed;
        }
        return access("subscribe", subscribe_.hub, subscribe_);
    }

    Command made_bench() {
        if (raw_.broadcast && !bench_.topic.empty())
            return usage("bench", "give one of --topic and --broadcast");
        if (!raw_.broadcast && bench_.topic.empty()) bench_.topic = "tidings-bench";
        const bool mints = !bench_.key.empty() || !bench_.secret_file.empty();
        if (!bench_.key.empty() && !bench_.secret_file.empty())
            return usage("bench", "give one of --key and --secret-file");
        if (mints && !bench_.hub.token.empty())
            return usage("bench", "give a token for all readers, or a secret that mints one for each");
        Command command = access("bench", bench_.hub, bench_);
        auto* made = std::get_if<BenchOptions>(&command);
        if (made != nullptr && mints) made->hub.token.clear();  // of the environment
        if (made != nullptr && !mints && made->hub.token.empty())
            return usage("bench", "give --secret-file, --key or --token");
        return command;
    }

    Command made_token() {
        token_.topics = split(raw_.token_topics);
        if (!raw_.expires.empty()) {
            const auto parsed = parse_duration(raw_.expires);
            if (!parsed || parsed->count() < 1000)
                return usage("token", "--expires: a duration of at least 1s, like 15m");
            token_.expires = *parsed;
        }
        if (!token_.config.empty() && !token_.secret_file.empty()) {
            return usage("token", "give one of --config and --secret-file");
        }
        return token_;
    }

    template <class Options>
    Command access(const std::string& command, HubAccess& hub, const Options& options) {
        const auto from = [this](const char* variable) {
            const auto found = environment_.find(variable);
            return found == environment_.end() ? std::string{} : found->second;
        };
        if (hub.url.empty()) hub.url = from("TIDINGS_URL");
        if (hub.token.empty()) hub.token = from("TIDINGS_TOKEN");
        if (hub.url.empty())
            return usage(command, "give --url or set TIDINGS_URL, like http://127.0.0.1:8080");
        return options;
    }

    static Finished usage(const std::string& command, const std::string& what) {
        return {exit_usage, "", "error: " + what + "\nsee: tidings " + command + " --help\n"};
    }

    const Environment& environment_;
    CLI::App program_{"Tidings: domain events as live notifications over Server-Sent Events", "tidings"};
    Raw raw_;
    ServeOptions serve_;
    PublishOptions publish_;
    EmitOptions emit_;
    SubscribeOptions subscribe_;
    BenchOptions bench_;
    TokenOptions token_;
    RegistryOptions registry_;
    ConfigOptions config_;
};

}  // namespace

Command parse_command_line(const std::vector<std::string>& arguments, const Environment& environment) {
    return Parser{environment}.parse(arguments);
}

}  // namespace tidings::app
