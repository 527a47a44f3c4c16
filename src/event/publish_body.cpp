#include "event/publish_body.hpp"

#include "event/conflation_key.hpp"
#include "event/json_members.hpp"
#include "event/type_name.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace tidings {
namespace {

const std::vector<std::string>& allowed_members() {
    static const std::vector<std::string> names{
        "type", "user_id", "user_ids", "topic", "broadcast", "data", "occurred_at", "key", "idempotency_key"};
    return names;
}

Result<std::vector<Audience>> users_of(std::string_view list, const Limits& limits) {
    const auto elements = json_elements(list, limits.users_per_event);
    if (!elements || elements->empty()) {
        return Error{Errc::invalid_field,
                     "the member 'user_ids' of a publish is a list of at least one user id"};
    }
    if (elements->size() > limits.users_per_event) {
        return Error{Errc::invalid_field, "the member 'user_ids' of a publish has at most " +
                                              std::to_string(limits.users_per_event) + " users"};
    }
    std::vector<Audience> found;
    std::set<UserId> seen;
    for (const auto& element : *elements) {
        const auto text = json_string(element);
        if (!text) return Error{Errc::invalid_field, "a member of 'user_ids' is not a string"};
        const auto user = UserId::parse(*text);
        if (!user) return user.error();
        if (seen.insert(*user).second) found.push_back(Audience::user(*user));
    }
    return found;
}

Result<std::vector<Audience>> audiences_of(const JsonMembers& members, const Limits& limits) {
    const auto* user_id = members.raw("user_id");
    const auto* list = members.raw("user_ids");
    const auto* topic_name = members.raw("topic");
    const auto* broadcast = members.raw("broadcast");
    const int count = (user_id != nullptr ? 1 : 0) + (list != nullptr ? 1 : 0) +
                      (topic_name != nullptr ? 1 : 0) + (broadcast != nullptr ? 1 : 0);
    if (count != 1) {
        return Error{Errc::ambiguous_audience, std::string{count == 0 ? "a publish names its audience: "
                                                                      : "a publish has one audience only: "} +
                                                   "exactly one of user_id, user_ids, topic and broadcast"};
    }
    if (broadcast != nullptr) {
        if (*broadcast == "true") return std::vector{Audience::broadcast()};
        return Error{Errc::invalid_field,
                     "the member 'broadcast' of a publish is true; leave it out otherwise"};
    }
    if (list != nullptr) return users_of(*list, limits);
    if (user_id != nullptr) {
        const auto text = members.required_text("user_id");
        if (!text) return text.error();
        const auto user = UserId::parse(*text);
        if (!user) return user.error();
        return std::vector{Audience::user(*user)};
    }
    const auto text = members.required_text("topic");
    if (!text) return text.error();
    auto topic = Audience::topic(*text);
    if (!topic) return topic.error();
    return std::vector{*std::move(topic)};
}

// The optional members beside the data.
Result<void> read_rest(const JsonMembers& members, const Registry& registry, const Limits& limits,
                       EventDraft& draft) {
    const auto time = members.time("occurred_at");
    if (!time) return time.error();
    draft.occurred_at = *time;
    auto key = members.text("key");
    if (!key) return key.error();
    if (*key) {
        const auto usable = check_given_key(registry.find(draft.type), draft.type, **key, limits);
        if (!usable) return usable.error();
        draft.key = **std::move(key);
    }
    auto idempotency = members.text("idempotency_key");
    if (!idempotency) return idempotency.error();
    if (!*idempotency) return {};
    const auto plain = check_plain_text(**idempotency, limits.idempotency_key_bytes, "the idempotency key");
    if (!plain) return plain.error();
    draft.idempotency_key = **std::move(idempotency);
    return {};
}

}  // namespace

Result<PublishItem> parse_publish_item(std::string_view json, const Registry& registry,
                                       const Limits& limits) {
    JsonReader reader{limits};
    return parse_publish_item(reader, json, registry, limits);
}

Result<PublishItem> parse_publish_item(JsonReader& reader, std::string_view json, const Registry& registry,
                                       const Limits& limits) {
    const auto members =
        JsonMembers::parse(reader, json, allowed_members(), UnknownMembers::refuse, "a publish");
    if (!members) return members.error();
    PublishItem item;
    auto type = members->required_text("type");
    if (!type) return type.error();
    // What is registered was checked when it was.
    if (type->size() > limits.type_bytes || registry.find(*type) == nullptr) {
        const auto usable = check_type_name(*type, limits);
        if (!usable) return usable.error();
    }
    item.draft.type = *std::move(type);
    auto audiences = audiences_of(*members, limits);
    if (!audiences) return audiences.error();
    item.audiences = *std::move(audiences);
    item.draft.audience = item.audiences.front();
    if (const auto* data = members->raw("data")) item.draft.data = *data;
    if (item.draft.data.size() > limits.event_bytes) {
        return Error{Errc::event_too_large, "the data has " + std::to_string(item.draft.data.size()) +
                                                " bytes, at most " + std::to_string(limits.event_bytes)};
    }
    const auto checked = registry.check_data(item.draft.type, item.draft.data);
    if (!checked) return checked.error();
    const auto rest = read_rest(*members, registry, limits, item.draft);
    if (!rest) return rest.error();
    return item;
}

Result<std::vector<std::string>> split_array(std::string_view json, const Limits& limits) {
    const auto clean = minified(json, limits);
    if (!clean) return clean.error();
    const auto elements = json_elements(*clean, limits.batch_items);
    if (!elements) return Error{Errc::invalid_field, "a batch is a JSON array"};
    if (elements->size() > limits.batch_items) {
        return Error{Errc::request_too_large,
                     "a batch has at most " + std::to_string(limits.batch_items) + " items"};
    }
    return std::vector<std::string>(elements->begin(), elements->end());
}

void NdjsonSplitter::feed(std::string_view bytes) {
    buffer_.erase(0, read_);
    searched_ -= read_;
    read_ = 0;
    buffer_.append(bytes);
}

std::optional<NdjsonSplitter::Line> NdjsonSplitter::line(std::string_view text) {
    ++number_;
    if (std::exchange(skipping_, false)) return std::nullopt;  // its error was given
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.find_first_not_of(" \t") == std::string_view::npos) return std::nullopt;
    if (text.size() > line_bytes_max_) {
        return Line{number_, Error{Errc::event_too_large,
                                   "the line has more than " + std::to_string(line_bytes_max_) + " bytes"}};
    }
    return Line{number_, text};
}

std::optional<NdjsonSplitter::Line> NdjsonSplitter::next() {
    for (;;) {
        const auto end = buffer_.find('\n', searched_);
        if (end != std::string::npos) {
            const auto text = std::string_view{buffer_}.substr(read_, end - read_);
            auto found = line(text);
            read_ = searched_ = end + 1;
            if (found) return found;
            continue;
        }
        searched_ = buffer_.size();
        const std::size_t held = buffer_.size() - read_;
        if (finished_) {
            if (held == 0) return std::nullopt;
            auto found = line(std::string_view{buffer_}.substr(read_));
            read_ = buffer_.size();
            return found;
        }
        // One byte more may be the CR of the line's end.
        if (held <= line_bytes_max_ + 1 && !skipping_) return std::nullopt;
        read_ = buffer_.size();
        if (std::exchange(skipping_, true)) return std::nullopt;
        return Line{number_ + 1,
                    Error{Errc::event_too_large,
                          "the line has more than " + std::to_string(line_bytes_max_) + " bytes"}};
    }
}

}  // namespace tidings
