#pragma once
// The Redis protocol (RESP2): replies out of bytes, commands into bytes.

#include <tidings/result.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidings::redis {

// One reply. Reading it is tolerant: what is not there, or of another kind, reads as empty or none.
struct Value {
    enum class Kind : std::uint8_t { nil, integer, text, status, error, array };

    Kind kind = Kind::nil;
    std::int64_t integer = 0;
    std::string text{};  // of a text, a status or an error
    std::vector<Value> items{};

    static Value of_integer(std::int64_t number);
    static Value of_text(std::string text);
    static Value of_status(std::string text);
    static Value of_error(std::string text);
    static Value of_array(std::vector<Value> items);

    bool is_nil() const noexcept { return kind == Kind::nil; }
    bool is_error() const noexcept { return kind == Kind::error; }
    bool is_array() const noexcept { return kind == Kind::array; }
    bool is_status(std::string_view word) const noexcept { return kind == Kind::status && text == word; }

    // Of a text or a status.
    std::string_view text_or_empty() const noexcept;
    // An integer, or a text that is one and nothing else.
    std::optional<std::int64_t> as_integer() const noexcept;
    // An item of an array; beyond its end, or of anything else, nil.
    const Value& at(std::size_t index) const noexcept;
    // The value after `name` in an array of names and values (XINFO, HGETALL, CONFIG GET); or nil.
    const Value& field(std::string_view name) const noexcept;

    bool operator==(const Value&) const = default;
};

// What one reply may hold. A reply beyond is refused before memory is taken for it.
struct ReplyLimits {
    std::size_t bytes = 64 * 1024 * 1024;  // of texts, and a fixed cost for each value
    std::size_t elements = 1024 * 1024;    // of all arrays in it, nested ones too
    std::size_t line_bytes = 64 * 1024;    // of a status, an error or a number
    std::size_t depth = 7;                 // of arrays in arrays; 7 is the most that there can be
};

// Bytes as they come from the socket, in parts of any size; replies as they are complete. Owned by one link,
// on its thread.
class RespReader {
public:
    explicit RespReader(ReplyLimits limits = {});
    ~RespReader();
    RespReader(RespReader&&) noexcept;
    RespReader& operator=(RespReader&&) noexcept;

    // Fails with Errc::connection_failed when the bytes are not RESP or a reply is above a limit. That is
    // final: the place of the next reply is not known, so the link must be broken. Replies that were complete
    // before can still be taken.
    Result<void> feed(std::string_view bytes);
    // The oldest complete reply that was not taken.
    std::optional<Value> next();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// Appends one command as an array of texts.
void append_command(std::string& out, std::span<const std::string_view> args);
std::string command(std::initializer_list<std::string_view> args);

}  // namespace tidings::redis
