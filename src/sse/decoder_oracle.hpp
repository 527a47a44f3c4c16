#pragma once
// The parser of the WHATWG HTML Standard, section 9.2.6, written down a second time: the slow way, step by
// step as the standard says it, over a whole stream at once and without limits. Tests and fuzz targets
// compare the incremental decoder with it.

#include <tidings/sse_decoder.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidings {

// "UTF-8 decode" of the Encoding Standard without its byte order mark step: its state machine, byte by byte.
inline std::u32string oracle_utf8(std::string_view bytes) {
    std::u32string text;
    char32_t point = 0;
    int needed = 0;
    unsigned lower = 0x80;
    unsigned upper = 0xbf;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto byte = static_cast<unsigned char>(bytes[i]);
        if (needed == 0) {
            if (byte <= 0x7f) {
                text.push_back(byte);
            } else if (byte >= 0xc2 && byte <= 0xf4) {
                needed = byte <= 0xdf ? 1 : byte <= 0xef ? 2 : 3;
                lower = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
                upper = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
                point = byte & (0x3fU >> needed);
            } else {
                text.push_back(0xfffd);
            }
            continue;
        }
        const bool fits = byte >= lower && byte <= upper;
        lower = 0x80;
        upper = 0xbf;
        if (!fits) {
            text.push_back(0xfffd);
            needed = 0;
            --i;  // the standard's "restore byte to ioQueue"
            continue;
        }
        point = point << 6 | (byte & 0x3fU);
        if (--needed == 0) text.push_back(point);
    }
    if (needed != 0) text.push_back(0xfffd);
    return text;
}

inline std::string oracle_bytes(std::u32string_view text) {
    std::string bytes;
    const auto put = [&](char32_t bits) {
        bytes.push_back(static_cast<char>(static_cast<unsigned char>(bits)));
    };
    for (const char32_t c : text) {
        if (c < 0x80) {
            put(c);
            continue;
        }
        const int following = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
        put((0xff00U >> (following + 1) & 0xffU) | c >> (6 * following));
        for (int i = following - 1; i >= 0; --i) put(0x80U | (c >> (6 * i) & 0x3fU));
    }
    return bytes;
}

// What a stream says, in order, one line for each call of the listener: comparable and printable.
class SseTranscript final : public SseListener {
public:
    void event(const SseEvent& event) override {
        said.push_back("event " + event.type + "|" + event.data + "|" + event.last_event_id);
    }
    void retry(std::chrono::milliseconds delay) override {
        said.push_back("retry " + std::to_string(delay.count()));
    }
    void comment(std::string_view text) override { said.push_back("comment " + std::string{text}); }
    void overflow() override { said.push_back("overflow"); }

    std::vector<std::string> said;
};

// One stream's state between its lines, in the standard's own words. Lives within oracle_transcript().
struct SseOracle {
    void line(const std::u32string& text) {
        if (text.empty()) return dispatch();
        const auto colon = text.find(U':');
        std::u32string value = colon == std::u32string::npos ? U"" : text.substr(colon + 1);
        if (!value.empty() && value.front() == U' ') value.erase(0, 1);
        if (colon == 0) return listener.comment(oracle_bytes(value));
        field(text.substr(0, colon), value);
    }

    void field(const std::u32string& name, const std::u32string& value) {
        const auto digit = [](char32_t c) { return c >= U'0' && c <= U'9'; };
        if (name == U"event") event_type = value;
        if (name == U"data") data += value + U"\n";
        if (name == U"id" && value.find(U'\0') == std::u32string::npos) id_buffer = value;
        if (name != U"retry" || value.empty() || !std::all_of(value.begin(), value.end(), digit)) return;
        std::uint64_t milliseconds = 0;
        for (const char32_t c : value) {
            milliseconds = std::min<std::uint64_t>(milliseconds * 10 + (c - U'0'), 0x7fff'ffff);
        }
        listener.retry(std::chrono::milliseconds{milliseconds});
    }

    void dispatch() {
        last_event_id = id_buffer;
        if (!data.empty()) {
            data.pop_back();
            listener.event({event_type.empty() ? "message" : oracle_bytes(event_type), oracle_bytes(data),
                            oracle_bytes(last_event_id)});
        }
        data.clear();
        event_type.clear();
    }

    std::u32string data{};
    std::u32string event_type{};
    std::u32string id_buffer{};
    std::u32string last_event_id{};
    SseTranscript listener{};
};

inline std::vector<std::string> oracle_transcript(std::string_view stream) {
    auto text = oracle_utf8(stream);
    if (!text.empty() && text.front() == 0xfeff) text.erase(0, 1);
    SseOracle oracle;
    std::u32string line;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != U'\r' && text[i] != U'\n') {
            line.push_back(text[i]);
            continue;
        }
        if (text[i] == U'\r' && i + 1 < text.size() && text[i + 1] == U'\n') ++i;
        oracle.line(line);
        line.clear();
    }
    return oracle.listener.said;
}

}  // namespace tidings
