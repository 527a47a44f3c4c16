// What a Redis server may send. However it is cut it reads the same; what was read is within the limits; and
// a value that is written again reads as itself. The first byte of the input chooses the cuts and the limits.

#include "redis/channels.hpp"
#include "redis/reply_error.hpp"
#include "redis/resp.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace tidings::redis;

struct Heard {
    std::vector<Value> values{};
    bool failed = false;
    bool operator==(const Heard&) const = default;
};

Heard hear(std::string_view bytes, std::size_t part, const ReplyLimits& limits) {
    RespReader reader{limits};
    Heard heard;
    while (!bytes.empty()) {
        const auto piece = bytes.substr(0, part);
        bytes.remove_prefix(piece.size());
        const bool fed = reader.feed(piece).has_value();
        if (heard.failed && fed) std::abort();
        heard.failed = !fed;
        while (auto value = reader.next()) heard.values.push_back(std::move(*value));
    }
    return heard;
}

struct Size {
    std::size_t bytes = 0, elements = 0, depth = 0;
};

Size size_of(const Value& value) {
    Size size{value.text.size() + sizeof(Value), value.items.size(), value.is_array() ? 1U : 0U};
    for (const auto& item : value.items) {
        const auto inner = size_of(item);
        size.bytes += inner.bytes;
        size.elements += inner.elements;
        size.depth = std::max(size.depth, inner.depth + 1);
    }
    return size;
}

void write(std::string& out, const Value& value) {
    const auto line = [&](char type, std::string_view text) {
        out += type;
        out += text;
        out += "\r\n";
    };
    switch (value.kind) {
        case Value::Kind::nil: return line('$', "-1");
        case Value::Kind::integer: return line(':', std::to_string(value.integer));
        case Value::Kind::status: return line('+', value.text);
        case Value::Kind::error: return line('-', value.text);
        case Value::Kind::text:
            line('$', std::to_string(value.text.size()));
            out += value.text;
            out += "\r\n";
            return;
        case Value::Kind::array: break;
    }
    line('*', std::to_string(value.items.size()));
    for (const auto& item : value.items) write(out, item);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    ReplyLimits limits;
    if ((data[0] & 1) != 0) limits.bytes = 1000;
    if ((data[0] & 2) != 0) limits.elements = 10;
    if ((data[0] & 4) != 0) limits.line_bytes = 20;
    if ((data[0] & 8) != 0) limits.depth = 2;
    const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
    const auto whole = hear(bytes, bytes.size(), limits);
    if (hear(bytes, 1, limits) != whole) std::abort();
    if (hear(bytes, std::size_t{data[0]} / 16 + 2, limits) != whole) std::abort();

    ChannelSet channels;
    channels.use("a");
    channels.take_commands();
    std::string again;
    for (const auto& value : whole.values) {
        const auto held = size_of(value);
        if (held.bytes > limits.bytes || held.elements > limits.elements || held.depth > limits.depth)
            std::abort();
        if (value.is_error() && classify(value.text).text.size() > 400) std::abort();
        channels.confirm(value);
        write(again, value);
    }
    if (hear(again, again.size(), limits) != Heard{whole.values, false}) std::abort();
    return 0;
}
