#include "http/stream_request.hpp"

#include "http/accept.hpp"
#include "http/query.hpp"

#include <tidings/event.hpp>

#include <algorithm>
#include <array>
#include <set>

namespace tidings::http {
namespace {

constexpr std::size_t cursor_bytes_max = 128;
constexpr int heartbeat_seconds_min = 1;
constexpr int heartbeat_seconds_max = 60;

constexpr std::array<std::string_view, 9> valid_names{
    "categories", "topics", "last_event_id", "lastEventId", "Last-Event-ID",
    "from",       "on_gap", "audiences",     "heartbeat",
};
// The order is the precedence.
constexpr std::array<std::string_view, 3> cursor_names{"last_event_id", "lastEventId", "Last-Event-ID"};

bool cursor_character(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '_' || c == '~' || c == '-';
}

bool cursor_name(std::string_view name) noexcept {
    return std::find(cursor_names.begin(), cursor_names.end(), name) != cursor_names.end();
}

std::string cursor_of(std::string_view text) {
    const bool possible =
        text.size() <= cursor_bytes_max && std::all_of(text.begin(), text.end(), cursor_character);
    return std::string{possible ? text : unknown_cursor};
}

// Reads the parameters of one request, once. Borrows all of them.
class Reader {
public:
    Reader(const Request& request, const std::vector<Parameter>& parameters, const Limits& limits)
        : request_{request}, parameters_{parameters}, limits_{limits} {}

    Result<StreamRequest> read() {
        for (const auto step :
             {&Reader::check_names, &Reader::read_categories, &Reader::read_topics, &Reader::read_from,
              &Reader::read_on_gap, &Reader::read_audiences, &Reader::read_heartbeat, &Reader::read_accept}) {
            if (auto done = (this->*step)(); !done) return done.error();
        }
        read_cursor();
        return std::move(result_);
    }

private:
    // What may stand only once; cursors may be repeated, since a polyfill appends its own to the page's URL.
    Result<void> check_names() {
        std::set<std::string_view> seen;
        for (const auto& parameter : parameters_) {
            if (std::find(valid_names.begin(), valid_names.end(), parameter.name) == valid_names.end()) {
                return unknown_parameter(parameter.name, valid_names);
            }
            if (cursor_name(parameter.name)) continue;
            if (parameter.decoding == Decoding::broken && parameter.name != "from") {
                return invalid(parameter.name +
                               " is not percent-encoded rightly: '%' and two hexadecimal digits");
            }
            const bool list = parameter.name == "categories" || parameter.name == "topics";
            if (!seen.insert(parameter.name).second && !list)
                return invalid(parameter.name + " may stand only once");
        }
        return {};
    }

    Result<void> read_categories() {
        auto names = list("categories", limits_.categories_per_stream);
        if (!names) return names.error();
        if (*names) result_.categories = std::move(**names);
        return {};
    }

    Result<void> read_topics() {
        auto names = list("topics", limits_.topics_per_stream);
        if (!names) return names.error();
        if (!*names) return {};
        for (const auto& name : **names) {
            if (auto topic = Audience::topic(name); !topic) return topic.error();
        }
        result_.topics = std::move(**names);
        return {};
    }

    // Comma lists and repetitions are one list, each name once; none: the parameter is absent.
    Result<std::optional<std::vector<std::string>>> list(std::string_view name, std::size_t count_max) {
        std::optional<std::vector<std::string>> names;
        std::set<std::string, std::less<>> seen;
        for (const auto& parameter : parameters_) {
            if (parameter.name != name) continue;
            if (!names) names.emplace();
            std::string_view rest = parameter.value;
            while (!rest.empty()) {
                const auto end = std::min(rest.find(','), rest.size());
                const auto item = rest.substr(0, end);
                rest.remove_prefix(std::min(end + 1, rest.size()));
                if (item.empty()) continue;
                if (item.size() > limits_.name_bytes) {
                    return invalid("a name in " + std::string{name} + " has at most " +
                                   std::to_string(limits_.name_bytes) + " bytes");
                }
                if (!seen.emplace(item).second) continue;
                if (names->size() == count_max) {
                    return invalid(std::string{name} + " names at most " + std::to_string(count_max));
                }
                names->emplace_back(item);
            }
        }
        if (names && names->empty()) {
            return invalid(std::string{name} + " is empty: leave it out, or name at least one");
        }
        return names;
    }

    Result<void> read_from() {
        const auto* from = find("from");
        if (from == nullptr || from->value.empty() || from->value == "now") return {};
        if (from->value == "earliest") {
            result_.from = StreamFrom::earliest;
        } else {
            set_cursor(from->decoding == Decoding::done ? from->value : unknown_cursor);
        }
        return {};
    }

    Result<void> read_on_gap() {
        const auto* on_gap = find("on_gap");
        if (on_gap == nullptr || on_gap->value == "live") return {};
        if (on_gap->value != "replay") return invalid("on_gap is live or replay");
        result_.on_gap = OnGap::replay;
        return {};
    }

    Result<void> read_audiences() {
        const auto* audiences = find("audiences");
        if (audiences == nullptr) return {};
        if (audiences->value != "topics") return invalid("audiences is topics, or left out");
        if (result_.topics.empty()) return Error{Errc::missing_field, "audiences=topics needs topics="};
        result_.audiences = StreamAudiences::topics_only;
        return {};
    }

    Result<void> read_heartbeat() {
        const auto* heartbeat = find("heartbeat");
        if (heartbeat == nullptr) return {};
        const auto& text = heartbeat->value;
        const bool number = !text.empty() && std::all_of(text.begin(), text.end(),
                                                         [](char c) { return c >= '0' && c <= '9'; });
        if (!number) return invalid("heartbeat is a whole number of seconds from 1 to 60");
        int seconds = 0;
        for (const char digit : text)
            seconds = std::min(seconds * 10 + (digit - '0'), heartbeat_seconds_max + 1);
        result_.heartbeat =
            std::chrono::seconds{std::clamp(seconds, heartbeat_seconds_min, heartbeat_seconds_max)};
        return {};
    }

    Result<void> read_accept() {
        switch (negotiate(request_.fields.joined("Accept"))) {
            case StreamAnswer::stream: return {};
            case StreamAnswer::probe: result_.kind = StreamKind::probe; return {};
            case StreamAnswer::not_acceptable: break;
        }
        return Error{Errc::not_acceptable,
                     "this resource is text/event-stream, or application/json for a probe"};
    }

    // Later in the precedence first, so that an earlier one replaces it.
    void read_cursor() {
        for (auto name = cursor_names.rbegin(); name != cursor_names.rend(); ++name) {
            for (const auto& parameter : parameters_) {
                if (parameter.name != *name || parameter.value.empty()) continue;
                set_cursor(parameter.decoding == Decoding::done ? parameter.value : unknown_cursor);
                break;
            }
        }
        for (const auto& field : request_.fields) {
            if (!same_token(field.name, "Last-Event-ID") || field.value.empty()) continue;
            set_cursor(field.value);
            break;
        }
    }

    void set_cursor(std::string_view text) {
        result_.cursor = cursor_of(text);
        result_.from = StreamFrom::id;
    }

    const Parameter* find(std::string_view name) const noexcept {
        for (const auto& parameter : parameters_) {
            if (parameter.name == name) return &parameter;
        }
        return nullptr;
    }

    static Error invalid(std::string detail) { return {Errc::invalid_field, std::move(detail)}; }

    const Request& request_;
    const std::vector<Parameter>& parameters_;
    const Limits& limits_;
    StreamRequest result_;
};

}  // namespace

Result<StreamRequest> parse_stream_request(const Request& request, const Limits& limits) {
    const auto parameters = parse_query(request.query);
    if (!parameters) return parameters.error();
    return Reader{request, *parameters, limits}.read();
}

}  // namespace tidings::http
