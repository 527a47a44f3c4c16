#include "client/publish_batch.hpp"

#include "event/time_text.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace tidings {
namespace {

namespace json = boost::json;

std::string quoted(std::string_view text) { return json::serialize(json::value(json::string(text))); }

json::parse_options deep() {
    json::parse_options options;
    options.max_depth = 128;  // a hub may be configured to take more than the default 64
    return options;
}

std::string text_member(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string{value->get_string()} : std::string{};
}

std::string problem_of(const json::object& problem) {
    const std::string detail = text_member(problem, "detail");
    return detail.empty() ? text_member(problem, "title") : detail;
}

std::string audience_member(const Audience& audience) {
    switch (audience.kind) {
        case Audience::Kind::user: return "\"user_id\":" + quoted(audience.name);
        case Audience::Kind::topic: return "\"topic\":" + quoted(audience.name);
        case Audience::Kind::broadcast: break;
    }
    return "\"broadcast\":true";
}

}  // namespace

Result<std::string> publish_object(const EventDraft& draft) {
    json::error_code ec;
    static_cast<void>(json::parse(draft.data, ec, {}, deep()));
    if (ec) return Error{Errc::invalid_json, "data is not JSON: " + ec.message()};
    std::string text = "{\"type\":" + quoted(draft.type) + "," + audience_member(draft.audience);
    if (draft.occurred_at) text += ",\"occurred_at\":" + quoted(time_text(*draft.occurred_at));
    if (!draft.key.empty()) text += ",\"key\":" + quoted(draft.key);
    if (!draft.idempotency_key.empty()) text += ",\"idempotency_key\":" + quoted(draft.idempotency_key);
    return text + ",\"data\":" + draft.data + "}";
}

Fate fate_of(unsigned status) noexcept {
    if (status >= 200 && status < 300) return Fate::sent;
    if (status >= 500 && status != 501) return Fate::again;
    // 401: the credential may be renewed meanwhile.
    return status == 401 || status == 408 || status == 429 ? Fate::again : Fate::refused;
}

Result<std::vector<ItemAnswer>> read_batch_answer(std::string_view body, std::size_t items) {
    json::error_code ec;
    const json::value parsed = json::parse(body, ec, {}, deep());
    const json::array* list = ec ? nullptr : parsed.if_array();
    if (list == nullptr || list->size() != items) {
        return Error{Errc::internal,
                     "the answer is not one result for each of " + std::to_string(items) + " events"};
    }
    std::vector<ItemAnswer> answers;
    for (const json::value& value : *list) {
        const json::object* item = value.if_object();
        const json::value* status = item != nullptr ? item->if_contains("status") : nullptr;
        if (status == nullptr || !status->is_int64()) return Error{Errc::internal, "a result has no status"};
        ItemAnswer answer{static_cast<unsigned>(status->get_int64()), text_member(*item, "id"), {}};
        const json::value* problem = item->if_contains("problem");
        if (problem != nullptr && problem->is_object()) answer.detail = problem_of(problem->get_object());
        answers.push_back(std::move(answer));
    }
    return answers;
}

std::string problem_text(std::string_view body) {
    json::error_code ec;
    const json::value parsed = json::parse(body, ec, {}, deep());
    if (!ec && parsed.is_object()) {
        if (std::string text = problem_of(parsed.get_object()); !text.empty()) return text;
    }
    constexpr std::size_t shown = 200;
    return std::string{body.substr(0, std::min(body.find_first_of("\r\n"), shown))};
}

}  // namespace tidings
