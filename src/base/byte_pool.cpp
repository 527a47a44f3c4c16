#include "base/byte_pool.hpp"

#include <algorithm>
#include <cstring>

namespace tidings {

char* BytePool::block(std::size_t index, Place place) const noexcept {
    const std::size_t blocks = blocks_of(index);
    const auto shift = static_cast<unsigned>(std::countr_zero(blocks));
    return classes_[index].pages[place >> shift].get() + (place & (blocks - 1)) * (index + 1) * unit;
}

BytePool::Place BytePool::put(std::string_view bytes) {
    if (bytes.size() > block_bytes_max) {
        if (free_long_.empty()) {
            long_.emplace_back(bytes);
            return static_cast<Place>(long_.size() - 1);
        }
        const Place place = free_long_.back();
        free_long_.pop_back();
        long_[place] = bytes;
        return place;
    }
    const std::size_t index = class_of(bytes.size());
    Class& blocks = classes_[index];
    Place place = blocks.free;
    if (place == none) {
        place = blocks.used++;
        if (place == blocks.pages.size() * blocks_of(index)) {
            // Not initialised: a page costs memory as it fills.
            blocks.pages.push_back(
                std::make_unique_for_overwrite<char[]>(blocks_of(index) * (index + 1) * unit));
        }
    } else {
        std::memcpy(&blocks.free, block(index, place), sizeof blocks.free);
    }
    std::copy(bytes.begin(), bytes.end(), block(index, place));
    return place;
}

std::string_view BytePool::at(Place place, std::size_t size) const noexcept {
    if (size > block_bytes_max) return long_[place];
    return {block(class_of(size), place), size};
}

void BytePool::remove(Place place, std::size_t size) noexcept {
    if (size > block_bytes_max) {
        long_[place] = {};
        free_long_.push_back(place);
        return;
    }
    Class& blocks = classes_[class_of(size)];
    std::memcpy(block(class_of(size), place), &blocks.free, sizeof blocks.free);
    blocks.free = place;
}

std::size_t BytePool::memory_bytes() const noexcept {
    std::size_t bytes = free_long_.capacity() * sizeof(Place) + long_.capacity() * sizeof(std::string);
    for (const auto& text : long_) bytes += text.capacity();
    for (std::size_t index = 0; index < classes_.size(); ++index) {
        const auto& pages = classes_[index].pages;
        bytes += pages.size() * blocks_of(index) * (index + 1) * unit + pages.capacity() * sizeof(pages[0]);
    }
    return bytes;
}

}  // namespace tidings
