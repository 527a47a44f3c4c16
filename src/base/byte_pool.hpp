#pragma once
// Many short byte strings, each by a number of 32 bits, without an allocation or a header of its own.

#include "base/paged_vector.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidings {

// A place and its size belong together: who holds them gives both. Sizes are rounded up to 8 bytes and each
// has blocks of its own; a string of more than block_bytes_max bytes is allocated alone. What is removed is
// used again for the same size. Bytes begin at a multiple of 8. Not thread-safe.
class BytePool {
public:
    using Place = std::uint32_t;
    static constexpr std::size_t block_bytes_max = 512;

    Place put(std::string_view bytes);
    std::string_view at(Place place, std::size_t size) const noexcept;
    void remove(Place place, std::size_t size) noexcept;

    std::size_t memory_bytes() const noexcept;

private:
    static constexpr std::size_t unit = 8;
    static constexpr std::size_t page_bytes_max = 8192;
    static constexpr Place none = ~Place{0};
    // Blocks of one size.
    struct Class {
        std::vector<std::unique_ptr<char[]>> pages;
        Place used = 0;     // blocks that were ever given out
        Place free = none;  // the first one given back; it holds the number of the next
    };
    static std::size_t class_of(std::size_t size) noexcept { return size == 0 ? 0 : (size - 1) / unit; }
    // Blocks of a page: a power of two, so that places divide by shifting.
    static std::size_t blocks_of(std::size_t index) noexcept {
        return std::bit_floor(page_bytes_max / ((index + 1) * unit));
    }
    char* block(std::size_t index, Place place) const noexcept;

    std::array<Class, block_bytes_max / unit> classes_;
    std::vector<std::string> long_;
    std::vector<Place> free_long_;
};

}  // namespace tidings
