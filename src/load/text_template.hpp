#pragma once
// Texts with places for what differs from stream to stream and event to event.

#include <tidings/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidings::load {

// What may stand in braces. Views are borrowed for one call.
struct Slots {
    std::string_view user{}, token{}, id{}, payload{}, stamp{}, pad{};
    std::uint64_t n = 0;
};

// A text such as "/events?user={user}", taken apart once. A name in braces that is none of {user}, {token},
// {id}, {payload}, {stamp}, {pad} and {n} stays as it is, because braces are usual in JSON.
class TextTemplate {
public:
    TextTemplate() = default;
    explicit TextTemplate(std::string_view text);
    void append(std::string& out, const Slots& slots) const;
    std::string text(const Slots& slots) const;
    bool has(std::string_view name) const;

private:
    enum class Slot : std::uint8_t { none, user, token, id, payload, stamp, pad, n };
    struct Piece {
        std::string literal;  // before the slot
        Slot slot = Slot::none;
    };
    static Slot slot_named(std::string_view name);

    std::vector<Piece> pieces_;
};

}  // namespace tidings::load
