#include "load/plan.hpp"

#include "base/json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <map>
#include <optional>

namespace tidings::load {
namespace {

constexpr std::array<std::string_view, 10> mode_names{"fanout", "idle",    "connect",  "resume", "storm",
                                                      "churn",  "publish", "targeted", "echo",   "listen"};

// Reads one value into its place; false: it is of the wrong kind.
using Reader = std::function<bool(std::string_view)>;
using Readers = std::map<std::string_view, Reader, std::less<>>;

std::optional<double> number_in(std::string_view text) {
    double number = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (ec != std::errc{} || end != text.data() + text.size() || number < 0 || number > 1e15)
        return std::nullopt;
    return number;
}

Reader into(std::string& place) {
    return [&place](std::string_view text) {
        auto read = json_string(text);
        if (read) place = std::move(*read);
        return read.has_value();
    };
}

Reader into(double& place) {
    return [&place](std::string_view text) {
        const auto read = number_in(text);
        if (read) place = *read;
        return read.has_value();
    };
}

template <class Whole>
Reader into_whole(Whole& place, double least = 0, double most = 1e9) {
    return [&place, least, most](std::string_view text) {
        const auto read = number_in(text);
        if (!read || *read < least || *read > most) return false;
        place = static_cast<Whole>(*read);
        return true;
    };
}

Reader into(Headers& place) {
    return [&place](std::string_view text) {
        const auto rows = json_elements(text);
        for (const auto row : rows.value_or(std::vector<std::string_view>{})) {
            const auto pair = json_elements(row);
            if (!pair || pair->size() != 2) return false;
            auto name = json_string((*pair)[0]), value = json_string((*pair)[1]);
            if (!name || !value) return false;
            place.emplace_back(std::move(*name), std::move(*value));
        }
        return rows.has_value();
    };
}

Reader into(std::vector<std::string>& place) {
    return [&place](std::string_view text) {
        const auto elements = json_elements(text);
        for (const auto element : elements.value_or(std::vector<std::string_view>{})) {
            auto read = json_string(element);
            if (!read) return false;
            place.push_back(std::move(*read));
        }
        return elements.has_value();
    };
}

Reader into(std::vector<int>& place) {
    return [&place](std::string_view text) {
        const auto elements = json_elements(text);
        for (const auto element : elements.value_or(std::vector<std::string_view>{})) {
            const auto read = number_in(element);
            if (!read) return false;
            place.push_back(static_cast<int>(*read));
        }
        return elements.has_value();
    };
}

// The members of an object as text, without its braces.
Reader into_members(std::string& place) {
    return [&place](std::string_view text) {
        if (!json_members(text)) return false;
        place = text.substr(1, text.size() - 2);
        return true;
    };
}

Result<void> read_object(std::string_view text, const std::string& where, const Readers& readers) {
    const auto members = json_members(text);
    if (!members) return Error{Errc::invalid_field, where + "is an object"};
    for (const auto& [name, value] : *members) {
        const auto reader = readers.find(name);
        if (reader == readers.end())
            return Error{Errc::unknown_field, where + name + " is no member of a plan"};
        if (!reader->second(value))
            return Error{Errc::invalid_field, where + name + " cannot be " + std::string{value}};
    }
    return {};
}

Reader nested(const std::string& where, Result<void>& outcome, Readers readers) {
    return [where, &outcome, readers = std::move(readers)](std::string_view text) {
        outcome = read_object(text, where, readers);
        return outcome.has_value();
    };
}

Reader into(Plan::Subscribe::Open& place) {
    return [&place](std::string_view text) {
        place = text == "\"body\"" ? Plan::Subscribe::Open::body : Plan::Subscribe::Open::head;
        return text == "\"body\"" || text == "\"head\"";
    };
}

Reader into(Mode& place) {
    return [&place](std::string_view text) {
        const auto name = json_string(text);
        const auto found = name ? std::ranges::find(mode_names, *name) : mode_names.end();
        if (found != mode_names.end()) place = static_cast<Mode>(found - mode_names.begin());
        return found != mode_names.end();
    };
}

Readers publish_readers(Plan::Publish& publish) {
    return {{"host", into(publish.to.host)},
            {"port", into_whole(publish.to.port, 1, 65'535)},
            {"method", into(publish.method)},
            {"path", into(publish.path)},
            {"content_type", into(publish.content_type)},
            {"headers", into(publish.headers)},
            {"body", into(publish.body)},
            {"user", into(publish.user)},
            {"claims", into_members(publish.claims)},
            {"connections", into_whole(publish.connections, 1, 10'000)},
            {"pipeline", into_whole(publish.pipeline, 1, 10'000)},
            {"batch", into_whole(publish.batch, 1, 100'000)},
            {"array", into_whole(publish.array, 1, 10'000)},
            {"array_milliseconds", into(publish.array_milliseconds)}};
}

Readers plan_readers(Plan& plan, Result<void>& nested_outcome) {
    auto& subscribe = plan.subscribe;
    return {{"mode", into(plan.mode)},
            {"host", into(plan.to.host)},
            {"port", into_whole(plan.to.port, 1, 65'535)},
            {"source_addresses", into(plan.source_addresses)},
            {"pids", into(plan.pids)},
            {"streams", into_whole(plan.streams, 0, 1e7)},
            {"connect_concurrency", into_whole(plan.connect_concurrency, 1, 1e6)},
            {"stalled", into_whole(plan.stalled)},
            {"seconds", into(plan.seconds)},
            {"warmup_seconds", into(plan.warmup_seconds)},
            {"drain_seconds", into(plan.drain_seconds)},
            {"subscribe", nested("subscribe.", nested_outcome,
                                 {{"path", into(subscribe.path)},
                                  {"headers", into(subscribe.headers)},
                                  {"open", into(subscribe.open)}})},
            {"user", into(plan.user)},
            {"key", into(plan.key)},
            {"claims", into_members(plan.claims)},
            {"publish", nested("publish.", nested_outcome, publish_readers(plan.publish))},
            {"event_bytes", into_whole(plan.event_bytes, 0, 1e8)},
            {"rate", into(plan.rate)},
            {"outstanding", into_whole(plan.outstanding)},
            {"broadcasts", into_whole(plan.broadcasts)},
            {"churn_rounds", into_whole(plan.churn_rounds)},
            {"last_event_id", into(plan.last_event_id)},
            {"expect_events", into_whole(plan.expect_events)},
            {"count", into_whole(plan.count)},
            {"every_seconds", into(plan.every_seconds)},
            {"offline_seconds", into(plan.offline_seconds)}};
}

Result<void> check_plan(const Plan& plan) {
    const auto missing = [](const char* what) { return Error{Errc::missing_field, what}; };
    const bool publishes = plan.mode == Mode::fanout || plan.mode == Mode::storm ||
                           plan.mode == Mode::churn || plan.mode == Mode::targeted;
    if (plan.mode != Mode::publish && plan.to.port == 0) return missing("port is missing");
    if (plan.mode != Mode::publish && plan.mode != Mode::echo && plan.streams == 0)
        return missing("streams is missing");
    if (publishes && plan.rate == 0 && plan.outstanding == 0)
        return missing("rate or outstanding is missing");
    if ((publishes || plan.mode == Mode::publish) && plan.publish.body.empty())
        return missing("publish.body is missing");
    if (plan.stalled > plan.streams) return Error{Errc::invalid_field, "stalled is at most streams"};
    return {};
}

}  // namespace

std::string_view name_of(Mode mode) noexcept { return mode_names[static_cast<std::size_t>(mode)]; }

Result<Plan> read_plan(std::string_view json) {
    auto text = minified(json, Limits{});
    if (!text) return text.error();
    Plan plan;
    if (const auto mode = json_member(*text, "mode")) {
        // Connecting is done when the stream's first byte is there.
        if (*mode == "\"connect\"") plan.subscribe.open = Plan::Subscribe::Open::body;
        if (*mode == "\"connect\"") plan.streams = 1000;
    }
    Result<void> nested_outcome;
    const auto read = read_object(*text, "", plan_readers(plan, nested_outcome));
    if (!nested_outcome) return nested_outcome.error();
    if (!read) return read.error();
    if (plan.publish.to.port == 0) plan.publish.to = plan.to;
    if (const auto wrong = check_plan(plan); !wrong) return wrong.error();
    return plan;
}

}  // namespace tidings::load
