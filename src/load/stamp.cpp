#include "load/stamp.hpp"

#include <string_view>

namespace tidings::load {
namespace {

void append_digits(std::string& out, std::uint64_t number, std::size_t digits) {
    out.append(digits, '0');
    for (auto at = out.rbegin(); number != 0 && digits != 0; number /= 10, --digits) {
        *at++ = static_cast<char>('0' + number % 10);
    }
}

}  // namespace

void append_stamp(std::string& out, const Stamp& stamp) {
    append_digits(out, stamp.sequence, sequence_digits);
    out += '.';
    append_digits(out, static_cast<std::uint64_t>(stamp.time), time_digits);
}

void append_payload(std::string& out, const Stamp& stamp, std::size_t bytes) {
    constexpr std::string_view head = "{\"~\":\"", middle = "\",\"pad\":\"", end = "\"}";
    constexpr std::size_t least = head.size() + stamp_text_bytes + middle.size() + end.size();
    out += head;
    append_stamp(out, stamp);
    out += middle;
    if (bytes > least) out.append(bytes - least, 'x');
    out += end;
}

}  // namespace tidings::load
