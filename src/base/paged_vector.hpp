#pragma once
// A growing array in pages: what is in it never moves, and growth neither copies nor leaves old copies
// behind.

#include "base/assert.hpp"

#include <bit>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace tidings {

// Elements are made by default when their page is, so they are small values. A page is 16 KiB or a little
// less; one page that is empty stays for the next growth, more are given back. Not thread-safe.
template <class T>
class PagedVector {
public:
    static constexpr std::size_t page_items = std::bit_floor(std::size_t{16} * 1024 / sizeof(T));
    static_assert(page_items > 0);

    T& operator[](std::size_t index) noexcept { return pages_[index / page_items][index % page_items]; }
    const T& operator[](std::size_t index) const noexcept {
        return pages_[index / page_items][index % page_items];
    }
    T& back() noexcept { return (*this)[size_ - 1]; }

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }

    T& push_back(T value) {
        if (size_ == pages_.size() * page_items) pages_.push_back(std::make_unique<T[]>(page_items));
        T& place = (*this)[size_++];
        place = std::move(value);
        return place;
    }
    T& emplace_back() { return push_back(T{}); }
    void pop_back() noexcept {
        TIDINGS_ASSERT(size_ > 0);
        back() = T{};
        --size_;
        if (pages_.size() * page_items >= size_ + 2 * page_items) pages_.pop_back();
    }
    // Makes it at least `size` long.
    void grow_to(std::size_t size) {
        while (size_ < size) emplace_back();
    }

    std::size_t memory_bytes() const noexcept {
        return pages_.size() * page_items * sizeof(T) + pages_.capacity() * sizeof(pages_[0]);
    }

private:
    std::vector<std::unique_ptr<T[]>> pages_;
    std::size_t size_ = 0;
};

}  // namespace tidings
