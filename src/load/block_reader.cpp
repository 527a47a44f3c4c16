#include "load/block_reader.hpp"

namespace tidings::load {

void BlockReader::begin() {
    text_.clear();
    chunk_bytes_ = 0;
    at_ = At::size;
}

void BlockReader::take_chunks(std::string_view bytes) {
    if (at_ == At::plain) {
        text_ += bytes;
        return;
    }
    while (!bytes.empty()) {
        if (at_ == At::data) {
            const auto part = bytes.substr(0, chunk_bytes_);
            text_ += part;
            chunk_bytes_ -= part.size();
            bytes.remove_prefix(part.size());
            if (chunk_bytes_ == 0) at_ = At::end;
            continue;
        }
        const char byte = bytes.front();
        bytes.remove_prefix(1);
        if (byte == '\n') {
            const bool to_data = at_ != At::end && chunk_bytes_ != 0;
            at_ = to_data ? At::data : At::size;
        } else if (at_ == At::size) {
            const int digit = byte >= '0' && byte <= '9'   ? byte - '0'
                              : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
                              : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                                                           : -1;
            if (digit < 0) {
                at_ = At::extension;
            } else {
                chunk_bytes_ = chunk_bytes_ * 16 + static_cast<std::size_t>(digit);
            }
        }
    }
}

void BlockReader::note_id(std::string_view block) {
    std::size_t at = block.starts_with("id: ") ? 0 : block.find("\nid: ");
    if (at == std::string_view::npos) return;
    at = block.find(' ', at) + 1;
    last_id_ = block.substr(at, block.find('\n', at) - at);
}

bool BlockReader::find_stamp(std::string_view block, Stamp& stamp) {
    const auto at = block.find('~');
    if (at == std::string_view::npos || block.size() - at < stamp_bytes) return false;
    const char* digits = block.data() + at + (block[at + 1] == '"' ? 4 : 1);
    if (digits[sequence_digits] != '.') return false;
    stamp = detail::read_stamp(digits);
    return true;
}

}  // namespace tidings::load
