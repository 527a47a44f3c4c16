#include "redis/pack.hpp"

namespace tidings::redis {

// The kind, then the value with its most significant byte first.
void Packer::head(unsigned char kind, std::uint64_t value, int bytes) {
    out_ += static_cast<char>(kind);
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out_ += static_cast<char>(value >> shift);
}

void Packer::array(std::size_t items) {
    const auto size = static_cast<std::uint32_t>(items);
    if (size < 16) return head(static_cast<unsigned char>(0x90 | size), 0, 0);
    head(0xdd, size, 4);
}

void Packer::number(std::uint64_t value) {
    if (value < 128) return head(static_cast<unsigned char>(value), 0, 0);
    if (value < 65'536) return head(0xcd, value, 2);
    head(0xcf, value, 8);
}

void Packer::text(std::string_view bytes) {
    const auto size = static_cast<std::uint32_t>(bytes.size());
    if (size < 32) {
        head(static_cast<unsigned char>(0xa0 | size), 0, 0);
    } else if (size < 65'536) {
        head(0xda, size, 2);
    } else {
        head(0xdb, size, 4);
    }
    out_ += bytes;
}

}  // namespace tidings::redis
