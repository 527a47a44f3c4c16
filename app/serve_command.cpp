#include "commands.hpp"
#include "hub_call.hpp"
#include "logger.hpp"

#include "client/mint_token.hpp"

#include <tidings/hub.hpp>

#include <atomic>
#include <ostream>

namespace tidings::app {
namespace {

using Loaded = boost::system::result<std::pair<Config, Registry>, Diagnostics>;

// The files as they are now; also what SIGHUP reads again. `dev_key` stands in where --dev has no key.
Loaded load(const ServeOptions& options, const Environment& environment, const std::string& dev_key) {
    auto loaded = load_config({options.config, std::nullopt, environment, options.flags, options.dev});
    if (!loaded) return loaded.error();
    Config config = std::move(*loaded);
    if (Diagnostics missing = check_ready_to_serve(config, options.config); !missing.empty()) return missing;
    if (config.dev && config.auth.keys.empty()) {
        KeyConfig key;
        key.secret = dev_key;
        config.auth.keys.push_back(std::move(key));
    }
    Registry registry;
    if (!config.registry_file.empty()) {
        auto read = Registry::load(config.registry_file);
        if (!read) return read.error();
        registry = std::move(*read);
    }
    return std::pair{std::move(config), std::move(registry)};
}

std::string sample_of(const DataField& field) {
    if (field.nullable) return "null";
    switch (field.type) {
        case FieldType::uuid: return "\"00000000-0000-4000-8000-000000000000\"";
        case FieldType::string: return "\"text\"";
        case FieldType::integer:
        case FieldType::number: return "1";
        case FieldType::boolean: return "true";
        case FieldType::decimal: return "\"1.00\"";
        case FieldType::datetime: return "\"2026-01-01T00:00:00+00:00\"";
        case FieldType::object: return "{}";
        case FieldType::array: return "[]";
    }
    return "null";
}

// An event of the registry's first type, for the user ann.
std::string sample_event(const Registry& registry) {
    if (registry.types().empty()) return R"({"type":"TYPE","user_id":"ann","data":{}})";
    const EventTypeInfo& info = registry.types().front();
    std::string data;
    for (const DataField& field : info.data) {
        data += (data.empty() ? "\"" : ",\"") + field.name + "\":" + sample_of(field);
    }
    return "{\"type\":\"" + info.type + "\",\"user_id\":\"ann\",\"data\":{" + data + "}}";
}

// Ready-made lines for a first try, with tokens that the throw-away key signs.
void print_dev_help(const Config& config, const Registry& registry, const std::string& address,
                    Terminal& terminal) {
    constexpr std::chrono::hours valid{12};
    const auto reader = mint_token(config.auth, {"ann", {"*"}, {}, false, "", valid}, now());
    const auto writer = mint_token(config.auth, {"app", {"*"}, {"*"}, true, "", valid}, now());
    if (!reader || !writer) return;
    const std::string base = address + config.server.base_path;
    terminal.out << "\n--dev: a throw-away key, on loopback only; these tokens end with this process.\n"
                 << "Receive as the user ann:\n"
                 << "  curl -N -H 'Authorization: Bearer " << *reader << "' " << base << "/events\n"
                 << "Publish to her:\n"
                 << "  curl -H 'Authorization: Bearer " << *writer
                 << "' -H 'Content-Type: application/json' -d '" << sample_event(registry) << "' " << base
                 << "/events\n"
                 << "Or with this program:\n"
                 << "  export TIDINGS_URL=" << base << "\n"
                 << "  export TIDINGS_TOKEN=" << *writer << "\n\n";
}

// What a signal does. Lives as long as the command; called on the signals' thread.
class Supervisor {
public:
    Supervisor(const ServeOptions& options, const Terminal& terminal, const std::string& dev_key, Hub& hub,
               Logger& logger)
        : options_{options},
          environment_{terminal.environment},
          dev_key_{dev_key},
          hub_{hub},
          logger_{logger},
          log_{logger.sink()} {}

    void interrupt(Interrupt what) {
        if (what == Interrupt::reload) {
            reload();
        } else if (!draining_.exchange(true)) {
            log_(LogLevel::info, "draining; a second signal ends at once", {});
            hub_.drain();
        } else {
            hub_.stop();
        }
    }

private:
    void reload() {
        auto loaded = load(options_, environment_, dev_key_);
        if (!loaded) {
            for (const Diagnostic& one : Diagnostics{loaded.error()}) {
                log_(LogLevel::error, "not reloaded", {{"why", one.text()}});
            }
            return;
        }
        logger_.set(loaded->first.log);
        const auto restart = hub_.reload(std::move(loaded->first), std::move(loaded->second));
        log_(LogLevel::info, "reloaded; no stream was dropped", {});
        for (const std::string& name : restart) {
            log_(LogLevel::warning, "this setting changes with the next start", {{"setting", name}});
        }
    }

    const ServeOptions& options_;
    const Environment& environment_;
    const std::string& dev_key_;
    Hub& hub_;
    Logger& logger_;
    LogSink log_;
    std::atomic<bool> draining_{false};
};

}  // namespace

int serve(const ServeOptions& options, Terminal& terminal) {
    const std::string dev_key = random_key() + random_key();
    auto loaded = load(options, terminal.environment, dev_key);
    if (!loaded) return say_diagnostics(terminal, loaded.error());
    Logger logger{terminal.err};
    logger.set(loaded->first.log);
    if (loaded->first.registry_file.empty()) {
        logger.sink()(LogLevel::warning, "there is no registry, so no event type can be published",
                      {{"setting", "registry.file"}});
    }
    Hub hub{loaded->first, loaded->second, logger.sink()};
    Supervisor supervisor{options, terminal, dev_key, hub, logger};
    std::shared_ptr<void> watch;  // before the hub's threads, so that they inherit the blocked signals
    if (terminal.watch_interrupts) {
        watch = terminal.watch_interrupts([&supervisor](Interrupt what) { supervisor.interrupt(what); });
    }
    if (const auto started = hub.start(); !started) {
        say_error(terminal,
                  started.error().detail.empty() ? started.error().message() : started.error().detail);
        return exit_failed;
    }
    for (const std::string& address : hub.addresses()) terminal.out << "listening on " << address << "\n";
    terminal.out << "operations on " << hub.operations_address() << "\n";
    if (loaded->first.dev) print_dev_help(loaded->first, loaded->second, hub.addresses().front(), terminal);
    terminal.out.flush();
    hub.wait();
    return exit_done;
}

}  // namespace tidings::app
