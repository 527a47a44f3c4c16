// What lies in an LMDB file: arbitrary bytes decode to something or to nothing, never crash, and what decodes
// is the same after another round. The first byte of the input chooses the kind of value.

#include "store/entry_codec.hpp"

#include "base/assert.hpp"

#include <boost/crc.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace tidings;

namespace {

// The same bytes with the checksum that belongs to them, so that the fuzzer gets beyond it.
std::string with_checksum(std::string_view value) {
    std::string fixed{value};
    if (fixed.size() < 5) return fixed;
    boost::crc_32_type crc;
    crc.process_bytes(fixed.data() + 5, fixed.size() - 5);
    for (std::size_t i = 0; i < 4; ++i) fixed[1 + i] = static_cast<char>(crc.checksum() >> (8 * (3 - i)));
    return fixed;
}

void entry(std::string_view value) {
    const auto counted = encoded_entry_bytes(value);
    const auto decoded = decode_entry(value);
    if (!decoded) return;
    std::string again;
    encode_entry(*decoded, again);
    TIDINGS_ASSERT(again == value);
    TIDINGS_ASSERT(counted && *counted == entry_bytes(*decoded));
}

void log(std::string_view value) {
    const auto decoded = decode_log(value);
    if (decoded) TIDINGS_ASSERT(decode_log(encode_log(decoded->first, decoded->second)) == decoded);
}

void key_state(std::string_view value) {
    const auto decoded = decode_key_state(value);
    if (decoded) TIDINGS_ASSERT(decode_key_state(encode_key_state(*decoded)) == decoded);
}

void terms(std::string_view value) {
    const auto decoded = decode_terms(value);
    if (!decoded) return;
    const auto again = decode_terms(encode_terms(*decoded));
    const auto same = [](const Term& a, const Term& b) {
        return a.name == b.name && a.start == b.start && a.end == b.end && a.running == b.running &&
               a.sealed == b.sealed;
    };
    TIDINGS_ASSERT(again && std::ranges::equal(decoded->terms, again->terms, same));
}

void partition(std::string_view value) {
    const auto decoded = decode_partition(value);
    if (decoded) TIDINGS_ASSERT(decode_partition(encode_partition(*decoded)) == decoded);
}

// Keys order as positions do.
void keys(std::string_view value) {
    const auto half = value.size() / 2;
    const auto first = value.substr(0, half);
    const auto second = value.substr(half);
    const auto a = position_of(first);
    const auto b = position_of(second);
    const auto log_a = log_of(first);
    if (a && log_a) {
        const auto key = entry_key(*log_a, *a);
        TIDINGS_ASSERT(std::ranges::equal(key, first, [](std::uint8_t byte, char character) {
            return byte == static_cast<std::uint8_t>(character);
        }));
        TIDINGS_ASSERT(big_endian(*log_a) == big_endian(*from_big_endian(first)));
    }
    if (a && b && log_a == log_of(second)) TIDINGS_ASSERT((*a < *b) == (first < second));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view value{reinterpret_cast<const char*>(data) + 1, size - 1};
    switch (data[0] % 6) {
        case 0:
            entry(value);
            entry(with_checksum(value));
            break;
        case 1: log(value); break;
        case 2: key_state(value); break;
        case 3: terms(value); break;
        case 4: partition(value); break;
        default: keys(value); break;
    }
    return 0;
}
