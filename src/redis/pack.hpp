#pragma once
// MessagePack, as much of it as the scripts' arguments need: one argument is read by a script several times
// faster than many.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tidings::redis {

// Appends values to a text (MessagePack specification, 2013: fixarray, array 32, positive fixint, uint 16,
// uint 64, fixstr, str 16, str 32).
class Packer {
public:
    explicit Packer(std::string& out) noexcept : out_{out} {}

    // Its `items` follow.
    void array(std::size_t items);
    void number(std::uint64_t value);
    // Of less than 4 GiB.
    void text(std::string_view bytes);

private:
    void head(unsigned char kind, std::uint64_t value, int bytes);

    std::string& out_;
};

}  // namespace tidings::redis
