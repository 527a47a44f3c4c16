#pragma once
// Which events there are, their categories, how domain events become them, and which categories a reader
// wants.

#include <tidings/event.hpp>
#include <tidings/payload.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <typeindex>
#include <typeinfo>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace tidings {

enum class FieldType : std::uint8_t {
    uuid,
    string,
    integer,
    number,
    boolean,
    decimal,
    datetime,
    object,
    array
};

struct DataField {
    std::string name;
    FieldType type = FieldType::string;
    bool nullable = false;
};

// What happens to a reader of this type that cannot keep up.
enum class SlowReader : std::uint8_t {
    resume,   // it reads the log at its own pace
    drop,     // it loses the oldest, and is told how many
    conflate  // of the events of one key that wait for it, it gets the newest
};

// As it stands in the file: "conflate".
std::string_view name_of(SlowReader policy) noexcept;

// One row of the registry.
struct EventTypeInfo {
    std::string type;
    std::string category;
    std::string description;
    std::vector<DataField> data;
    SlowReader slow_reader = SlowReader::resume;
    bool retain = true;
    std::uint8_t category_index = 0;  // into Registry::categories()
    // Only with `conflate`: a pointer (RFC 6901) into the data, to the event's key where the publish names
    // none.
    std::string key{};
};

// How a domain event, by name, becomes an event. Pointers are RFC 6901 and apply to the domain event's data.
struct Mapping {
    struct Take {
        std::string field;
        std::string pointer;
    };
    std::string name;     // the domain event
    std::string type;     // the event it becomes
    std::string user_id;  // a pointer; or
    std::string topic;    // a pointer; or
    bool broadcast = false;
    std::vector<Take> data;
};

// Why a domain event became no event. `unmapped` and `no_user` are ordinary (counted); the others are
// failures (logged).
enum class Skipped : std::uint8_t { unmapped, no_user };

// What a domain event became.
using Mapped = std::variant<Skipped, EventDraft>;

// Set of categories, one bit each in the registry's order; at most 64 categories.
using CategoryMask = std::uint64_t;

struct RegistryStatistics {
    std::size_t event_types = 0;
    std::size_t mappings = 0;
    std::vector<std::pair<std::string, std::size_t>> by_category;  // in the registry's order
    std::vector<std::pair<std::string, std::size_t>> mapped_by_category;
};

namespace detail {
// What a C++ domain event says of itself, where it has such members (D10): its id, so that publishing it
// again publishes nothing, and its time.
inline std::string id_text(const Uuid& id) { return id.text(); }
inline std::string id_text(const std::string& id) { return id; }

template <class E>
void correlate(EventDraft& draft, const E& event) {
    if constexpr (requires {
                      { id_text(event.event_id) } -> std::same_as<std::string>;
                  }) {
        draft.idempotency_key = id_text(event.event_id);
    }
    if constexpr (requires { Timestamp{event.occurred_at}; })
        draft.occurred_at = Timestamp{event.occurred_at};
}
}  // namespace detail

// Immutable once it is handed to a hub or handler; safe to read from any thread.
class Registry {
public:
    Registry() = default;

    // Reads a registry file. `file` names it in diagnostics. All diagnostics at once, or the registry.
    static boost::system::result<Registry, Diagnostics> parse_toml(std::string_view text, std::string file);
    static boost::system::result<Registry, Diagnostics> load(const std::string& path);

    // Adds by hand. Fail with Errc::invalid_field (a duplicate, a wrong pointer, `resume` without retention,
    // a key without `conflate`),
    // unknown_category, unknown_type, reserved_name, unknown_field (sent but not declared) or missing_field
    // (declared but not sent).
    Result<void> add_category(std::string name);
    Result<void> add_type(EventTypeInfo info);
    Result<void> add_mapping(Mapping mapping);

    // A typed mapping: `user(const E&)` gives UserId, Uuid or std::optional of one; `payload(const E&)` a
    // Payload. By exact type. An exception of either is an extraction failure, never more; so is a payload
    // that differs from the declared fields. Members `event_id` (Uuid, string) and `occurred_at` of E become
    // the idempotency key and the event's time. Fails with Errc::unknown_type or Errc::invalid_field (E is
    // mapped already).
    template <class E, class User, class Data>
    Result<void> map(std::string_view type, User user, Data payload);

    const std::vector<std::string>& categories() const noexcept { return categories_; }
    std::optional<std::uint8_t> category_index(std::string_view name) const noexcept;
    const std::vector<EventTypeInfo>& types() const noexcept { return types_; }
    const EventTypeInfo* find(std::string_view type) const noexcept;  // null: none
    Result<std::string> category_of(std::string_view type) const;     // Errc::unknown_type
    std::vector<const EventTypeInfo*> of_category(std::string_view category) const;
    const std::vector<Mapping>& mappings() const noexcept { return mappings_; }
    const Mapping* mapping_of(std::string_view domain_event) const noexcept;
    RegistryStatistics statistics() const;

    // A domain event by name, its data as JSON text. Errors are extraction failures (missing_field,
    // invalid_field, invalid_json) and say which field of which type. Members `event_id` and `occurred_at` of
    // the data become the idempotency key and the event's time.
    Result<Mapped> map_named(std::string_view name, std::string_view data) const;
    // A domain event by C++ type.
    bool has_mapping_for(std::type_index type) const noexcept;
    std::vector<std::type_index> mapped_types() const;
    Result<Mapped> map_typed(std::type_index type, const void* event) const;

    // Checks data (validated JSON text) against the type's declared fields: Errc::missing_field,
    // invalid_field, unknown_field; unknown_type. Types that declare no fields take any object.
    Result<void> check_data(std::string_view type, std::string_view data) const;

    // The registry as one JSON object: categories, event types with their fields, and mappings.
    std::string json() const;

private:
    struct TypedMapping {
        std::type_index source;
        std::string type;
        std::function<Result<Mapped>(const void*)> apply;
    };
    Result<void> add_typed(TypedMapping mapping);
    Result<void> check_mapping(const Mapping& mapping) const;
    static std::optional<UserId> as_user(const UserId& id) { return id; }
    static std::optional<UserId> as_user(const Uuid& id) { return UserId{id}; }
    template <class T>
    static std::optional<UserId> as_user(const std::optional<T>& id) {
        return id ? as_user(*id) : std::nullopt;
    }

    std::vector<std::string> categories_;
    std::vector<EventTypeInfo> types_;
    std::vector<Mapping> mappings_;
    std::vector<TypedMapping> typed_;
    std::map<std::string, std::size_t, std::less<>> type_index_;     // name to place in types_
    std::map<std::string, std::size_t, std::less<>> mapping_index_;  // domain event to place in mappings_
    std::unordered_map<std::type_index, std::size_t> typed_index_;   // C++ type to place in typed_
};

template <class E, class User, class Data>
Result<void> Registry::map(std::string_view type, User user, Data payload) {
    auto apply = [type = std::string{type}, user, payload](const void* event) -> Result<Mapped> {
        const auto& domain_event = *static_cast<const E*>(event);
        try {
            const std::optional<UserId> id = as_user(user(domain_event));
            if (!id || id->empty()) return Mapped{Skipped::no_user};
            const Payload data = payload(domain_event);
            EventDraft draft{type, Audience::user(*id), data.text()};
            detail::correlate(draft, domain_event);
            return Mapped{std::move(draft)};
        } catch (const std::exception& error) {
            return Error{Errc::invalid_field, error.what()};
        } catch (...) {
            return Error{Errc::invalid_field, "the mapping threw something that is not a std::exception"};
        }
    };
    return add_typed({std::type_index{typeid(E)}, std::string{type}, std::move(apply)});
}

// Which categories a reader wants. A value. Default: every category. Made from names it matches exactly
// those; from no names, nothing.
class CategoryFilter {
public:
    CategoryFilter() = default;

    // None: everything. Names are taken as they are: case counts, nothing is trimmed. Fails with
    // Errc::unknown_category and the text "Invalid category 'xyz'. Valid categories: ['data_sync', ...]".
    static Result<CategoryFilter> parse(const std::optional<std::vector<std::string>>& names,
                                        const Registry& registry);

    struct Known;
    // For a reader that returns with a cursor: unknown names are left out and reported, because a rolling
    // deployment must not silence a browser; if none is left, nothing matches.
    static Known parse_known(const std::vector<std::string>& names, const Registry& registry);

    bool everything() const noexcept { return everything_; }
    // The names in the order given, duplicates kept; empty for everything.
    const std::vector<std::string>& names() const noexcept { return names_; }
    bool matches(std::string_view category) const noexcept;
    bool matches(const Event& event) const noexcept { return matches(event.category); }
    // One bit per category in the registry's order; everything is all ones.
    CategoryMask mask() const noexcept { return mask_; }

private:
    bool everything_ = true;
    CategoryMask mask_ = ~CategoryMask{0};
    std::vector<std::string> names_;
};

struct CategoryFilter::Known {
    CategoryFilter filter;
    std::vector<std::string> ignored;
};

}  // namespace tidings
