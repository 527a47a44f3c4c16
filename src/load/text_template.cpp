#include "load/text_template.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace tidings::load {

TextTemplate::Slot TextTemplate::slot_named(std::string_view name) {
    constexpr std::array<std::pair<std::string_view, Slot>, 7> names{{{"user", Slot::user},
                                                                      {"token", Slot::token},
                                                                      {"id", Slot::id},
                                                                      {"payload", Slot::payload},
                                                                      {"stamp", Slot::stamp},
                                                                      {"pad", Slot::pad},
                                                                      {"n", Slot::n}}};
    const auto found = std::ranges::find(names, name, &std::pair<std::string_view, Slot>::first);
    return found == names.end() ? Slot::none : found->second;
}

TextTemplate::TextTemplate(std::string_view text) {
    Piece piece;
    while (!text.empty()) {
        const auto open = text.find('{');
        piece.literal += text.substr(0, open);
        if (open == std::string_view::npos) break;
        text.remove_prefix(open);
        const auto close = text.find_first_of("}{", 1);
        piece.slot = close == std::string_view::npos || text[close] != '}'
                         ? Slot::none
                         : slot_named(text.substr(1, close - 1));
        if (piece.slot == Slot::none) {
            piece.literal += '{';
            text.remove_prefix(1);
            continue;
        }
        pieces_.push_back(std::exchange(piece, {}));
        text.remove_prefix(close + 1);
    }
    pieces_.push_back(std::move(piece));
}

void TextTemplate::append(std::string& out, const Slots& slots) const {
    for (const Piece& piece : pieces_) {
        out += piece.literal;
        switch (piece.slot) {
            case Slot::none: break;
            case Slot::user: out += slots.user; break;
            case Slot::token: out += slots.token; break;
            case Slot::id: out += slots.id; break;
            case Slot::payload: out += slots.payload; break;
            case Slot::stamp: out += slots.stamp; break;
            case Slot::pad: out += slots.pad; break;
            case Slot::n: out += std::to_string(slots.n); break;
        }
    }
}

std::string TextTemplate::text(const Slots& slots) const {
    std::string out;
    append(out, slots);
    return out;
}

bool TextTemplate::has(std::string_view name) const {
    const Slot slot = slot_named(name);
    return slot != Slot::none && std::ranges::find(pieces_, slot, &Piece::slot) != pieces_.end();
}

}  // namespace tidings::load
