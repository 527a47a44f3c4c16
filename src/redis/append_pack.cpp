#include "redis/append_pack.hpp"

#include "base/json.hpp"
#include "redis/pack.hpp"
#include "redis/term_text.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

namespace tidings::redis {
namespace {

using Kind = AppendCall::Kind;

constexpr std::uint32_t no_extra = 0;

std::uint32_t kind_number(Audience::Kind kind) {
    switch (kind) {
        case Audience::Kind::user: return 1;
        case Audience::Kind::broadcast: return 2;
        case Audience::Kind::topic: break;
    }
    return 3;
}

std::string_view kind_word(Kind kind) {
    switch (kind) {
        case Kind::retained: return "r";
        case Kind::unretained: return "u";
        case Kind::closes: break;
    }
    return "c";
}

// A list of the script: its values as they are sent, and how many there are.
struct List {
    std::string bytes{};
    std::uint32_t values = 0;

    void number(std::uint64_t value) {
        ++values;
        Packer{bytes}.number(value);
    }
    void text(std::string_view value) {
        ++values;
        Packer{bytes}.text(value);
    }
    // Of what is put in next; the script counts from 1.
    std::uint32_t next() const noexcept { return values + 1; }
};

struct Lists {
    List names{};
    List audiences{};
    List shapes{};
    List items{};
    List extras{};
};

// What follows a name, or is all of it.
void put_names(List& list, const Names& names) {
    const Audience user{Audience::Kind::user, {}};
    const Audience topic{Audience::Kind::topic, {}};
    for (const auto& audience : {user, Audience::broadcast(), topic}) list.text(names.stream(audience));
    for (const auto& audience : {user, Audience::broadcast(), topic}) list.text(names.channel(audience));
    list.text(names.tombstone(topic));
}

std::uint32_t put_audience(List& list, const Audience& audience, std::optional<Position> last) {
    const std::uint32_t index = list.next();
    list.number(kind_number(audience.kind));
    list.text(audience.name);
    const std::string json = quoted(audience.name);
    const auto inner = std::string_view{json}.substr(1, json.size() - 2);
    list.text(inner == audience.name ? std::string_view{} : inner);
    list.text(last ? entry_id_text(*last) : std::string{});
    list.number(last ? last->milliseconds : 0);
    return index;
}

std::uint32_t put_shape(List& list, const AppendCall& item) {
    const std::uint32_t index = list.next();
    list.text(kind_word(item.kind));
    list.text(item.type);
    list.text(", \"event_type\": " + quoted(item.type) + ", \"user_id\": \"");
    if (item.kind == Kind::closes) {
        list.text("\", \"closes\": true}");
        return index;
    }
    std::string tail = item.kind == Kind::unretained ? "\", \"retained\": false" : "\"";
    tail += ", \"category\": " + quoted(item.category);
    if (!item.key.empty()) tail += ", \"key\": " + quoted(item.key);
    list.text(tail + "}");
    return index;
}

std::uint32_t put_extra(List& list, const Names& names, const AppendCall& item) {
    if (item.idempotency_key.empty() && item.kind != Kind::unretained) return no_extra;
    const std::uint32_t index = list.next();
    list.text(item.idempotency_key.empty() ? std::string{} : names.idempotency(item.idempotency_key));
    list.text(item.idempotency_key.empty() ? std::string{} : item.idempotency_body);
    list.text(item.kind == Kind::unretained ? item.passing_id.text() : std::string{});
    return index;
}

bool same_shape(const AppendCall& a, const AppendCall& b) noexcept {
    return a.kind == b.kind && a.type == b.type && a.category == b.category && a.key == b.key;
}

// Lengths in front, so that no two shapes have the same word.
std::string shape_word(const AppendCall& item) {
    std::string word{kind_word(item.kind)};
    for (const std::string_view part : {std::string_view{item.type}, std::string_view{item.category}}) {
        word += std::to_string(part.size()) + ":";
        word += part;
    }
    return word + item.key;
}

}  // namespace

std::string append_pack(const Names& names, const LastEntries& last, TermName term,
                        std::span<const AppendCall> items) {
    Lists lists;
    put_names(lists.names, names);
    boost::unordered_flat_map<std::string, std::uint32_t> audiences;
    boost::unordered_flat_map<std::string, std::uint32_t> shapes;
    std::uint32_t audience = 0;
    std::uint32_t shape = 0;
    const AppendCall* before = nullptr;
    for (const auto& item : items) {
        // Mostly it is that of the item before.
        if (before == nullptr || before->audience != item.audience) {
            const auto [at, fresh] = audiences.try_emplace(item.audience.text(), 0);
            if (fresh) at->second = put_audience(lists.audiences, item.audience, last.find(term, at->first));
            audience = at->second;
        }
        if (before == nullptr || !same_shape(*before, item)) {
            const auto [at, fresh] = shapes.try_emplace(shape_word(item), 0);
            if (fresh) at->second = put_shape(lists.shapes, item);
            shape = at->second;
        }
        before = &item;
        lists.items.number(audience);
        lists.items.number(shape);
        lists.items.text(item.occurred_at);
        lists.items.number(put_extra(lists.extras, names, item));
    }
    std::string out;
    Packer packer{out};
    packer.array(5);
    for (const auto* list : {&lists.names, &lists.audiences, &lists.shapes, &lists.items, &lists.extras}) {
        packer.array(list->values);
        out += list->bytes;
    }
    return out;
}

}  // namespace tidings::redis
