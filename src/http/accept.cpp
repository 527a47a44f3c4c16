#include "http/accept.hpp"

#include "http/request.hpp"

#include <algorithm>

namespace tidings::http {
namespace {

// The quality that the most specific range so far gives to a media type, in thousandths.
struct Quality {
    int specificity = -1;  // 0: */*, 1: type/*, 2: the type itself
    int thousandths = 0;

    void offer(int how_specific, int quality) noexcept {
        if (how_specific < specificity) return;
        thousandths = how_specific == specificity ? std::max(thousandths, quality) : quality;
        specificity = how_specific;
    }
};

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

// Cuts the text at the first `separator` and returns what stood before it.
std::string_view cut(std::string_view& text, char separator) noexcept {
    const auto end = std::min(text.find(separator), text.size());
    const auto head = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return trimmed(head);
}

// "0.25" is 250; what cannot be read counts as 1, as if it were absent.
int quality_of(std::string_view text) noexcept {
    if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return 1000;
    if (text.size() > 1 && text[1] != '.') return 1000;
    int thousandths = (text[0] - '0') * 1000;
    int unit = 100;
    for (const char digit : text.substr(std::min<std::size_t>(2, text.size()))) {
        if (digit < '0' || digit > '9') return 1000;
        thousandths += (digit - '0') * unit;
        unit /= 10;
    }
    return std::min(thousandths, 1000);
}

int quality_parameter(std::string_view parameters) noexcept {
    while (!parameters.empty()) {
        auto parameter = cut(parameters, ';');
        if (same_token(cut(parameter, '='), "q")) return quality_of(trimmed(parameter));
    }
    return 1000;
}

}  // namespace

StreamAnswer negotiate(std::string_view accept) noexcept {
    Quality stream;
    Quality json;
    bool any = false;
    while (!accept.empty()) {
        auto range = cut(accept, ',');
        auto subtype = cut(range, ';');
        const int quality = quality_parameter(range);
        const auto type = cut(subtype, '/');
        if (type.empty() || subtype.empty()) continue;
        any = true;
        if (type == "*" && subtype == "*") {
            stream.offer(0, quality);
            json.offer(0, quality);
        } else if (same_token(type, "text")) {
            if (subtype == "*") stream.offer(1, quality);
            if (same_token(subtype, "event-stream")) stream.offer(2, quality);
        } else if (same_token(type, "application")) {
            if (subtype == "*") json.offer(1, quality);
            if (same_token(subtype, "json") || same_token(subtype, "problem+json")) json.offer(2, quality);
        }
    }
    if (!any || (stream.thousandths > 0 && stream.thousandths >= json.thousandths))
        return StreamAnswer::stream;
    return json.thousandths > 0 ? StreamAnswer::probe : StreamAnswer::not_acceptable;
}

}  // namespace tidings::http
