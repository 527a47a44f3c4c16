#pragma once
// POST /events, /domain-events and /topics/{name}/close: from a body to appends, and from their results to an
// answer.

#include "auth/authenticator.hpp"
#include "event/publish_body.hpp"
#include "http/request.hpp"
#include "http/response.hpp"
#include "server/context.hpp"
#include "server/stream_plan.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidings {

using AnswerCallback = std::function<void(http::Response)>;

// What the items of one request, or of one piece of it, are read with. Lives within one call.
struct PublishScope {
    PublishScope(ConnectionHost& host, const Settings& of, const Credential& whose);

    const Settings& settings;
    const Credential& credential;
    std::shared_ptr<const Registry> registry;  // shared: as it stood, whatever a reload does
    JsonReader& reader;
    Timestamp now;
};

// Fills credential, or says why not.
std::optional<Error> authorise(ConnectionHost& host, const Settings& settings, const http::Request& request,
                               std::optional<Credential>& credential);

bool is_ndjson(const http::Request& request);

// Reads, checks against the registry, and checks every audience against the grants: an ungranted one refuses
// the item whole. Puts one append for each audience behind those that are there, or says why not and puts
// none. `fallback_key`: where the item names none; made of the request's Idempotency-Key, which was checked.
std::optional<Error> prepare_item(const PublishScope& scope, std::string_view json,
                                  std::string_view fallback_key, std::vector<AppendItem>& appends);

// How long an answer may take in all.
std::chrono::milliseconds longest_wait(const StoreConfig& store);
// Appends everything, answers within longest_wait() on the shard's thread: results in order,
// outcome_unknown for what the store has not answered by then. A store that answers at once does so before
// this returns.
void append_within_wait(ConnectionHost& host, const Settings& settings, std::vector<AppendItem> items,
                        Callback<void(AppendResults)> done);

// The answer for one item from its results: {"id": …, "ids": […]} or the first error.
Result<std::string> item_answer(std::span<const Result<Appended>> results);
// {"status": 403, "problem": {…}}, behind what stands there; and the same or {"status": 201, "id": …}.
void add_batch_answer(std::string& text, const Error& refused);
void add_batch_answer(std::string& text, std::span<const Result<Appended>> results);

void publish(ConnectionHost& host, const Settings& settings, const http::Request& request,
             const Credential& credential, std::string body, AnswerCallback answer);
void publish_domain_events(ConnectionHost& host, const Settings& settings, const http::Request& request,
                           const Credential& credential, std::string body, AnswerCallback answer);
void close_topic(ConnectionHost& host, const Settings& settings, const http::Request& request,
                 const Credential& credential, const std::string& topic, AnswerCallback answer);

}  // namespace tidings
