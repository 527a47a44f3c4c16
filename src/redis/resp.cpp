#include "redis/resp.hpp"

#include <hiredis/read.h>

#include <algorithm>
#include <charconv>
#include <new>
#include <utility>

namespace tidings::redis {
namespace {

// hiredis moves the rest of its buffer after each reply, so it is given bites rather than all at once.
constexpr std::size_t bite_bytes = 16 * 1024;
constexpr std::size_t depth_most = 7;

std::optional<std::int64_t> number_in(std::string_view text) noexcept {
    std::int64_t number = 0;
    const auto* end = text.data() + text.size();
    const auto [stopped, ec] = std::from_chars(text.data(), end, number);
    if (ec != std::errc{} || stopped != end) return std::nullopt;
    return number;
}

Value::Kind kind_of(int type) noexcept {
    switch (type) {
        case REDIS_REPLY_STATUS: return Value::Kind::status;
        case REDIS_REPLY_ERROR: return Value::Kind::error;
        default: return Value::Kind::text;
    }
}

}  // namespace

Value Value::of_integer(std::int64_t number) { return {.kind = Kind::integer, .integer = number}; }
Value Value::of_text(std::string text) { return {.kind = Kind::text, .text = std::move(text)}; }
Value Value::of_status(std::string text) { return {.kind = Kind::status, .text = std::move(text)}; }
Value Value::of_error(std::string text) { return {.kind = Kind::error, .text = std::move(text)}; }
Value Value::of_array(std::vector<Value> items) { return {.kind = Kind::array, .items = std::move(items)}; }

std::string_view Value::text_or_empty() const noexcept {
    return kind == Kind::text || kind == Kind::status ? std::string_view{text} : std::string_view{};
}

std::optional<std::int64_t> Value::as_integer() const noexcept {
    if (kind == Kind::integer) return integer;
    return kind == Kind::text ? number_in(text) : std::nullopt;
}

const Value& Value::at(std::size_t index) const noexcept {
    static const Value nothing{};
    return index < items.size() ? items[index] : nothing;
}

const Value& Value::field(std::string_view name) const noexcept {
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
        if (items[i].text_or_empty() == name && !items[i].text.empty()) return items[i + 1];
    }
    return at(items.size());
}

// hiredis calls back with each value. It builds none itself: its own arrays are allocated by the number that
// the server names. Its callers do not know exceptions, so none leaves a callback.
struct RespReader::Impl {
    explicit Impl(ReplyLimits its_limits)
        : limits{its_limits}, reader{redisReaderCreateWithFunctions(&functions)} {
        if (reader == nullptr) throw std::bad_alloc{};
        reader->privdata = this;
    }

    static Impl& of(const redisReadTask* task) { return *static_cast<Impl*>(task->privdata); }

    // Takes the room for one value and its bytes.
    bool take(std::size_t bytes) {
        if (held + bytes + sizeof(Value) > limits.bytes) {
            return refuse("a reply of more than " + std::to_string(limits.bytes) + " bytes");
        }
        held += bytes + sizeof(Value);
        return true;
    }

    bool refuse(std::string why) {
        refusal = std::move(why);
        return false;
    }

    // Where a value belongs: at the end of the array that is being read, or on its own.
    static void* place(const redisReadTask* task, Value value) {
        if (task->parent == nullptr) return std::make_unique<Value>(std::move(value)).release();
        auto& items = static_cast<Value*>(task->parent->obj)->items;
        return &items.emplace_back(std::move(value));
    }

    template <class Make>
    static void* guarded(Make make) noexcept {
        try {
            return make();
        } catch (...) {
            return nullptr;
        }
    }

    static void* on_string(const redisReadTask* task, char* text, std::size_t size) {
        return guarded([&]() -> void* {
            Impl& self = of(task);
            if (task->type != REDIS_REPLY_STRING && size > self.limits.line_bytes) {
                self.refuse_line();
                return nullptr;
            }
            if (!self.take(size)) return nullptr;
            return place(task, {.kind = kind_of(task->type), .text = std::string{text, size}});
        });
    }

    static void* on_array(const redisReadTask* task, int size) {
        return guarded([&]() -> void* {
            Impl& self = of(task);
            const auto count = static_cast<std::size_t>(size);
            if (count > self.limits.elements - self.elements) {
                self.refuse("a reply of more than " + std::to_string(self.limits.elements) + " elements");
                return nullptr;
            }
            self.elements += count;
            std::size_t depth = 1;
            for (const auto* parent = task->parent; parent != nullptr; parent = parent->parent) ++depth;
            if (depth > self.limits.depth) {
                self.refuse("a reply nested deeper than " + std::to_string(self.limits.depth));
                return nullptr;
            }
            if (!self.take(0)) return nullptr;
            return place(task, {.kind = Value::Kind::array});
        });
    }

    static void* on_integer(const redisReadTask* task, long long number) {
        return guarded(
            [&]() -> void* { return of(task).take(0) ? place(task, Value::of_integer(number)) : nullptr; });
    }

    static void* on_nil(const redisReadTask* task) {
        return guarded([&]() -> void* { return of(task).take(0) ? place(task, Value{}) : nullptr; });
    }

    static void free_value(void* value) { std::unique_ptr<Value>{static_cast<Value*>(value)}.reset(); }

    bool refuse_line() {
        return refuse("a line of more than " + std::to_string(limits.line_bytes) + " bytes");
    }

    // Of a value that is not complete yet: is it already certain that it will be too large? hiredis would go
    // on collecting it.
    bool bearable() {
        if (reader->ridx < 0 || reader->ridx > 8) return true;
        const int type = reader->rstack[reader->ridx].type;
        const std::string_view rest{reader->buf + reader->pos, reader->len - reader->pos};
        const auto end = rest.find("\r\n");
        auto line = rest.substr(0, end);
        if (end == std::string_view::npos && line.ends_with('\r')) line.remove_suffix(1);
        if (line.size() > limits.line_bytes) return refuse_line();
        if (type == REDIS_REPLY_STRING && end != std::string_view::npos) {
            const auto announced = number_in(line);
            if (!announced || *announced <= 0) return true;
            const auto bytes = static_cast<std::uint64_t>(*announced);
            if (bytes <= limits.bytes && held + bytes + sizeof(Value) <= limits.bytes) return true;
            return refuse("a reply of more than " + std::to_string(limits.bytes) + " bytes");
        }
        return true;
    }

    Result<void> eat(std::string_view bite) {
        const bool fed = redisReaderFeed(reader.get(), bite.data(), bite.size()) == REDIS_OK;
        while (fed) {
            void* reply = nullptr;
            if (redisReaderGetReply(reader.get(), &reply) != REDIS_OK) break;
            if (reply == nullptr) {
                if (!bearable()) break;
                return {};
            }
            const std::unique_ptr<Value> value{static_cast<Value*>(reply)};
            ready.push_back(std::move(*value));
            held = 0;
            elements = 0;
        }
        const std::string said = refusal.empty() ? std::string{redisReaderGetError(reader.get())} : refusal;
        failure = Error{Errc::connection_failed, "the server's answer is not understood: " + said};
        return *failure;
    }

    struct Free {
        void operator()(redisReader* one) const noexcept { redisReaderFree(one); }
    };
    static redisReplyObjectFunctions functions;

    ReplyLimits limits;
    std::size_t held = 0;      // of the reply that is being read
    std::size_t elements = 0;  // of it
    std::string refusal;
    std::optional<Error> failure;
    std::deque<Value> ready;
    std::unique_ptr<redisReader, Free> reader;
};

redisReplyObjectFunctions RespReader::Impl::functions{&Impl::on_string, &Impl::on_array, &Impl::on_integer,
                                                      &Impl::on_nil, &Impl::free_value};

RespReader::RespReader(ReplyLimits limits) {
    limits.depth = std::min(limits.depth, depth_most);
    impl_ = std::make_unique<Impl>(limits);
}
RespReader::~RespReader() = default;
RespReader::RespReader(RespReader&&) noexcept = default;
RespReader& RespReader::operator=(RespReader&&) noexcept = default;

Result<void> RespReader::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        if (impl_->failure) return *impl_->failure;
        const auto bite = bytes.substr(0, bite_bytes);
        bytes.remove_prefix(bite.size());
        if (auto eaten = impl_->eat(bite); !eaten) return eaten;
    }
    return {};
}

std::optional<Value> RespReader::next() {
    if (impl_->ready.empty()) return std::nullopt;
    std::optional<Value> value{std::move(impl_->ready.front())};
    impl_->ready.pop_front();
    return value;
}

void append_command(std::string& out, std::span<const std::string_view> args) {
    std::size_t bytes = 16;
    for (const auto arg : args) bytes += arg.size() + 16;
    // Growing by exactly what one command needs would copy everything for each of many.
    if (out.capacity() - out.size() < bytes) out.reserve(std::max(out.size() + bytes, 2 * out.capacity()));
    out += '*';
    out += std::to_string(args.size());
    out += "\r\n";
    for (const auto arg : args) {
        out += '$';
        out += std::to_string(arg.size());
        out += "\r\n";
        out += arg;
        out += "\r\n";
    }
}

std::string command(std::initializer_list<std::string_view> args) {
    std::string out;
    append_command(out, {args.begin(), args.size()});
    return out;
}

}  // namespace tidings::redis
