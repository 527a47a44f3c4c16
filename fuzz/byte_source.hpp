#pragma once
// For fuzz targets that drive a machine: the input as a row of small choices.

#include <cstddef>
#include <cstdint>
#include <span>

namespace tidings {

// A view of the fuzzer's input, read from its beginning; zeros follow its end, so that every input is a whole
// script. Lives for one run.
class ByteSource {
public:
    ByteSource(const std::uint8_t* bytes, std::size_t size) : bytes_{bytes, size} {}

    bool empty() const noexcept { return bytes_.empty(); }
    std::uint8_t byte() noexcept {
        if (bytes_.empty()) return 0;
        const auto first = bytes_.front();
        bytes_ = bytes_.subspan(1);
        return first;
    }
    // 0 to count - 1.
    std::size_t below(std::size_t count) noexcept { return count == 0 ? 0 : byte() % count; }

private:
    std::span<const std::uint8_t> bytes_;
};

}  // namespace tidings
