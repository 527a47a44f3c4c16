#include "server/publish_endpoint.hpp"

#include "auth/token_cache.hpp"
#include "base/json.hpp"
#include "base/store_url.hpp"
#include "base/uuid_text.hpp"
#include "event/conflation_key.hpp"
#include "event/domain_event_body.hpp"
#include "event/time_text.hpp"
#include "http/problem.hpp"
#include "net/loop.hpp"
#include "server/counters.hpp"
#include "server/publish_desk.hpp"
#include "store/idempotency.hpp"

#include <algorithm>
#include <array>

namespace tidings {
namespace {

http::Response json_response(int status, std::string body) {
    http::Response response;
    response.status = status;
    response.fields.add("Content-Type", "application/json");
    response.fields.add("Cache-Control", "no-store");
    response.body = std::move(body);
    return response;
}

http::Response problem(const Error& error, const std::string& path) {
    return http::problem_response(error, {.instance = path});
}

// "application/json" of "application/json; charset=utf-8", in lower case.
std::string media_type(const http::Request& request) {
    const auto* field = request.fields.find("Content-Type");
    if (field == nullptr) return {};
    std::string type = field->substr(0, field->find(';'));
    while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
    std::transform(type.begin(), type.end(), type.begin(), [](unsigned char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
    });
    return type;
}

bool is_array(std::string_view body) {
    const auto first = body.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && body[first] == '[';
}

std::string key_of(const http::Request& request) {
    const auto* field = request.fields.find("Idempotency-Key");
    if (field == nullptr) return {};
    // A structured field: a string in quotes; many clients leave them out.
    if (field->size() >= 2 && field->front() == '"' && field->back() == '"')
        return field->substr(1, field->size() - 2);
    return *field;
}

std::optional<Error> key_problem(const Settings& settings, std::string_view key) {
    const auto most = settings.config.limits.idempotency_key_bytes;
    if (key.size() <= most) return std::nullopt;
    return Error{Errc::invalid_field, "an idempotency key is at most " + std::to_string(most) + " bytes"};
}

// One event for many users is many appends: what one request may bring is bounded by the queue that takes it.
Error brings_too_much(const Limits& limits) {
    return {Errc::request_too_large, "with an append for each user this request is more than " +
                                         std::to_string(limits.append_queue_bytes) +
                                         " bytes; send less at once"};
}

std::optional<Error> too_much(const Limits& limits, std::size_t bytes, std::size_t audiences) {
    if (bytes * audiences <= limits.append_queue_bytes) return std::nullopt;
    return brings_too_much(limits);
}

// A user id means the user of the credential's own issuer.
std::optional<Error> into_name_space(const Credential& credential, Audience& audience) {
    if (audience.kind != Audience::Kind::user) return std::nullopt;
    // Without namespaces, what was read is what is meant.
    if (credential.name_space.empty() && audience.name.find('!') == std::string::npos) return std::nullopt;
    auto id = UserId::parse(audience.name);
    if (!id) return id.error();
    auto own = credential.user_audience(*id);
    if (!own) return own.error();
    audience = std::move(*own);
    return std::nullopt;
}

// One append for each audience, at the end of `items`. The last one takes the draft's texts.
void add_appends(const PublishScope& scope, EventDraft& draft, std::vector<Audience>& audiences,
                 std::string_view key, std::vector<AppendItem>& items) {
    const auto* type = scope.registry->find(draft.type);
    const std::string conflates = conflation_key(type, draft.key, draft.data, scope.settings.config.limits);
    for (auto& audience : audiences) {
        auto& item = items.emplace_back();
        const bool last = &audience == &audiences.back();
        item.audience = std::move(audience);
        item.type = last ? std::move(draft.type) : draft.type;
        if (type != nullptr) item.category = type->category;
        item.retain = type == nullptr || type->retain;
        item.data = last ? std::move(draft.data) : draft.data;
        item.key = last ? std::move(draft.key) : draft.key;
        item.occurred_at = draft.occurred_at.value_or(scope.now);
        if (!key.empty() && item.retain) {
            const std::string time = draft.occurred_at ? time_text(*draft.occurred_at) : std::string{};
            item.idempotency = idempotency_of(scope.credential.user.text(), item, key, time);
        }
        // Not part of the digest above: another pointer in the registry does not make it another body.
        item.key = conflates;
    }
}

}  // namespace

std::optional<Error> authorise(ConnectionHost& host, const Settings& settings, const http::Request& request,
                               std::optional<Credential>& credential) {
    const auto& context = host.context();
    const auto* field = request.fields.find("Authorization");
    auto found = host.tokens().authenticate(
        settings.authenticator, field == nullptr ? std::nullopt : std::optional<std::string_view>{*field},
        context.now());
    if (found.credential) {
        credential = std::move(*found.credential);
        return std::nullopt;
    }
    context.say(LogLevel::info, "a credential was refused", {{"reason", found.log_reason}});
    return found.credential.error();
}

bool is_ndjson(const http::Request& request) {
    const std::string type = media_type(request);
    return type == "application/x-ndjson" || type == "application/ndjson" || type == "application/jsonl";
}

PublishScope::PublishScope(ConnectionHost& host, const Settings& of, const Credential& whose)
    : settings{of},
      credential{whose},
      registry{host.context().registry.take()},
      reader{host.publish_desk().reader(of.config.limits)},
      now{host.context().now()} {}

std::optional<Error> prepare_item(const PublishScope& scope, std::string_view json,
                                  std::string_view fallback_key, std::vector<AppendItem>& appends) {
    const auto& limits = scope.settings.config.limits;
    auto item = parse_publish_item(scope.reader, json, *scope.registry, limits);
    if (!item) return item.error();
    for (auto& audience : item->audiences) {
        if (auto wrong = into_name_space(scope.credential, audience)) return wrong;
        if (scope.credential.grants.allows_publish(audience)) continue;
        return Error{Errc::forbidden, "the credential may not publish to this audience"};
    }
    const std::string key = std::move(item->draft.idempotency_key);
    if (auto wrong = key_problem(scope.settings, key)) return wrong;
    if (auto wrong = too_much(limits, item->draft.data.size(), item->audiences.size())) return wrong;
    add_appends(scope, item->draft, item->audiences, key.empty() ? fallback_key : key, appends);
    return std::nullopt;
}

// A store on Redis keeps the time itself and knows what was sent, so that it can tell `store-unavailable`
// from `outcome-unknown`; the clock here is only for a store that says nothing at all.
std::chrono::milliseconds longest_wait(const StoreConfig& store) {
    const auto grace = is_redis_url(store.url) ? std::chrono::seconds{1} : std::chrono::seconds{0};
    return store.publish_wait + grace;
}

void append_within_wait(ConnectionHost& host, const Settings& settings, std::vector<AppendItem> items,
                        Callback<void(AppendResults)> done) {
    host.publish_desk().append(std::move(items), longest_wait(settings.config.store), std::move(done));
}

namespace {

void add_id(std::string& text, const Uuid& id) {
    if (id.nil()) {
        text += "null";
        return;
    }
    std::array<char, uuid_text_bytes> digits;
    put_uuid(digits.data(), id);
    text.append(1, '"').append(digits.data(), digits.size()).append(1, '"');
}

// "id":…,"ids":[…]} of results that are all good.
void add_ids(std::string& text, std::span<const Result<Appended>> results) {
    text += "\"id\":";
    add_id(text, results.empty() ? Uuid{} : results.front()->id);
    text += ",\"ids\":[";
    for (const auto& result : results) {
        if (&result != &results.front()) text += ',';
        add_id(text, result->id);
    }
    text += "]}";
}

std::optional<Error> first_error(std::span<const Result<Appended>> results) {
    for (const auto& result : results) {
        if (!result) return result.error();
    }
    return std::nullopt;
}

}  // namespace

Result<std::string> item_answer(std::span<const Result<Appended>> results) {
    if (auto error = first_error(results)) return *std::move(error);
    std::string text{"{"};
    add_ids(text, results);
    return text;
}

void add_batch_answer(std::string& text, const Error& refused) {
    text.append("{\"status\":").append(std::to_string(http::status_of(refused.code)));
    text.append(",\"problem\":").append(http::problem_json(refused)).append("}");
}

void add_batch_answer(std::string& text, std::span<const Result<Appended>> results) {
    if (const auto error = first_error(results)) return add_batch_answer(text, *error);
    text += "{\"status\":201,";
    add_ids(text, results);
}

namespace {

// The items of one array, with their answers as they come together again in order.
struct ArrayPublish {
    struct Item {
        std::size_t appends = 0;
        std::optional<Error> refused;
    };
    std::vector<Item> items;

    std::string answer(const AppendResults& results) const {
        std::string body = "[";
        std::size_t at = 0;
        for (const auto& item : items) {
            if (body.size() > 1) body += ',';
            if (item.refused) {
                add_batch_answer(body, *item.refused);
            } else {
                add_batch_answer(body, std::span{results}.subspan(at, item.appends));
            }
            at += item.appends;
        }
        return body + "]";
    }
};

void publish_array(ConnectionHost& host, const Settings& settings, const std::string& path,
                   const Credential& credential, std::string_view body, std::string key,
                   AnswerCallback answer) {
    auto texts = split_array(body, settings.config.limits);
    if (!texts) return answer(problem(texts.error(), path));
    // Shared with the store's callback.
    auto all = std::make_shared<ArrayPublish>();
    std::vector<AppendItem> appends;
    const PublishScope scope{host, settings, credential};
    const std::size_t most = settings.config.limits.append_queue_bytes;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < texts->size(); ++i) {
        const std::string item_key = key.empty() ? std::string{} : key + "/" + std::to_string(i);
        const std::size_t before = appends.size();
        auto refused = prepare_item(scope, (*texts)[i], item_key, appends);
        std::size_t added = 0;
        for (auto at = before; at < appends.size(); ++at) added += appends[at].data.size();
        if (!refused && bytes + added > most) {
            appends.resize(before);
            refused = brings_too_much(settings.config.limits);
        }
        if (refused) ++host.counters().publish_refused;
        bytes += refused ? 0 : added;
        all->items.push_back({appends.size() - before, std::move(refused)});
    }
    append_within_wait(host, settings, std::move(appends), [all, answer](const AppendResults& results) {
        answer(json_response(200, all->answer(results)));
    });
}

}  // namespace

void publish(ConnectionHost& host, const Settings& settings, const http::Request& request,
             const Credential& credential, std::string body, AnswerCallback answer) {
    const std::string key = key_of(request);
    if (const auto wrong = key_problem(settings, key)) {
        ++host.counters().publish_refused;
        return answer(problem(*wrong, request.path));
    }
    if (is_array(body))
        return publish_array(host, settings, request.path, credential, body, key, std::move(answer));
    std::vector<AppendItem> appends;
    if (const auto refused = prepare_item({host, settings, credential}, body, key, appends)) {
        ++host.counters().publish_refused;
        return answer(problem(*refused, request.path));
    }
    append_within_wait(host, settings, std::move(appends),
                       [answer, path = request.path](const AppendResults& results) {
                           auto text = item_answer(results);
                           answer(text ? json_response(201, *std::move(text)) : problem(text.error(), path));
                       });
}

// ---- domain events
// ----------------------------------------------------------------------------------------------

namespace {

// One domain event: what became of it before the store.
struct DomainItem {
    std::string name;
    std::vector<AppendItem> appends;
    std::optional<Error> refused;
    std::string_view ignored{};  // "unmapped" or "no_user"
};

DomainItem prepare_domain_item(ConnectionHost& host, const Settings& settings, const Credential& credential,
                               const Result<DomainEventItem>& parsed) {
    auto& counters = host.counters();
    DomainItem item;
    if (!parsed) {
        item.refused = parsed.error();
        return item;
    }
    item.name = parsed->name;
    if (!credential.grants.allows_domain(parsed->name)) {
        item.refused = Error{Errc::forbidden, "the credential may not publish this domain event"};
        return item;
    }
    const auto registry = host.context().registry.take();
    auto mapped = registry->map_named(parsed->name, parsed->data);
    if (!mapped) {
        ++counters.domain_failed;
        host.context().say(LogLevel::warning, "a domain event could not be mapped",
                           {{"name", parsed->name}, {"error", mapped.error().message()}});
        item.refused = mapped.error();
        return item;
    }
    if (const auto* skipped = std::get_if<Skipped>(&*mapped)) {
        item.ignored = *skipped == Skipped::unmapped ? "unmapped" : "no_user";
        ++(*skipped == Skipped::unmapped ? counters.domain_ignored : counters.domain_no_user);
        return item;
    }
    auto& draft = std::get<EventDraft>(*mapped);
    parsed->complete(draft);
    if (auto wrong = into_name_space(credential, draft.audience)) {
        item.refused = std::move(wrong);
        return item;
    }
    if (!credential.grants.allows_publish(draft.audience)) {
        item.refused =
            Error{Errc::forbidden, "the credential may not publish to the audience of this domain event"};
        return item;
    }
    if (auto wrong = key_problem(settings, draft.idempotency_key)) {
        item.refused = std::move(wrong);
        return item;
    }
    ++counters.domain_mapped;
    std::vector<Audience> audiences{draft.audience};
    const std::string key = std::move(draft.idempotency_key);
    add_appends({host, settings, credential}, draft, audiences, key, item.appends);
    return item;
}

// {"name": …, "status": 202, "published": [{"type": …, "id": …}]}, or with a problem instead.
std::string domain_answer(const DomainItem& item, std::span<const Result<Appended>> results, int& status) {
    std::string text = "{\"name\":" + quoted(item.name);
    auto refused = item.refused;
    std::string published;
    for (std::size_t i = 0; i < results.size() && !refused; ++i) {
        if (!results[i]) {
            refused = results[i].error();
            break;
        }
        const auto& id = results[i]->id;
        published += (published.empty() ? "{\"type\":" : ",{\"type\":") + quoted(item.appends[i].type) +
                     ",\"id\":" + (id.nil() ? "null" : quoted(id.text())) + "}";
    }
    status = refused ? http::status_of(refused->code) : 202;
    text += ",\"status\":" + std::to_string(status);
    if (refused) return text + ",\"problem\":" + http::problem_json(*refused) + "}";
    if (!item.ignored.empty()) text += ",\"ignored\":" + quoted(item.ignored);
    return text + ",\"published\":[" + published + "]}";
}

struct DomainPublish {
    std::vector<DomainItem> items;
    std::string path;
    bool batch = false;

    http::Response answer(const AppendResults& results) const {
        std::string body;
        std::size_t at = 0;
        for (const auto& item : items) {
            const auto own = std::span{results}.subspan(at, item.refused ? 0 : item.appends.size());
            at += own.size();
            int status = 202;
            const std::string text = domain_answer(item, own, status);
            if (!batch && status != 202) {
                const Error error = item.refused ? *item.refused : own.front().error();
                return problem(error, path);
            }
            body += (body.empty() ? "" : ",") + text;
        }
        return json_response(202, batch ? "[" + body + "]" : body);
    }
};

}  // namespace

void publish_domain_events(ConnectionHost& host, const Settings& settings, const http::Request& request,
                           const Credential& credential, std::string body, AnswerCallback answer) {
    std::vector<std::pair<std::string, std::string>> headers;
    for (const auto& field : request.fields) headers.emplace_back(field.name, field.value);
    auto parsed = parse_domain_event_request(headers, body, settings.config.limits);
    if (!parsed) return answer(problem(parsed.error(), request.path));
    // Shared with the store's callback.
    auto all = std::make_shared<DomainPublish>();
    all->path = request.path;
    all->batch = domain_event_form(headers) == DomainEventForm::batch;
    std::vector<AppendItem> appends;
    for (const auto& event : *parsed) {
        all->items.push_back(prepare_domain_item(host, settings, credential, event));
        const auto& item = all->items.back();
        if (item.refused) ++host.counters().publish_refused;
        appends.insert(appends.end(), item.appends.begin(), item.appends.end());
    }
    if (appends.empty()) return answer(all->answer({}));
    append_within_wait(host, settings, std::move(appends),
                       [all, answer](const AppendResults& results) { answer(all->answer(results)); });
}

void close_topic(ConnectionHost& host, const Settings& settings, const http::Request& request,
                 const Credential& credential, const std::string& topic, AnswerCallback answer) {
    auto audience = Audience::topic(topic);
    if (!audience) return answer(problem(audience.error(), request.path));
    if (!credential.grants.allows_publish(*audience)) {
        return answer(
            problem({Errc::forbidden, "the credential may not publish to this topic"}, request.path));
    }
    AppendItem item;
    item.audience = *audience;
    item.close = true;
    item.occurred_at = host.context().now();
    std::vector<AppendItem> items;
    items.push_back(std::move(item));
    append_within_wait(host, settings, std::move(items),
                       [answer, path = request.path, topic](const AppendResults& results) {
                           if (!results.front()) return answer(problem(results.front().error(), path));
                           answer(json_response(200, "{\"topic\":" + quoted(topic) + ",\"closed\":true}"));
                       });
}

}  // namespace tidings
