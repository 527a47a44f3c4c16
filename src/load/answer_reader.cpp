#include "load/answer_reader.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace tidings::load {
namespace {

constexpr std::size_t line_bytes_max = 16 * 1024;

bool begins_with_name(std::string_view line, std::string_view name) {
    return line.size() > name.size() && line[name.size()] == ':' &&
           std::ranges::equal(line.substr(0, name.size()), name, [](unsigned char a, unsigned char b) {
               return std::tolower(a) == std::tolower(b);
           });
}

std::string_view value_of(std::string_view line) {
    line.remove_prefix(line.find(':') + 1);
    while (line.starts_with(' ')) line.remove_prefix(1);
    return line;
}

}  // namespace

std::size_t AnswerReader::read_line(std::string_view bytes) {
    const auto end = bytes.find('\n');
    line_ += bytes.substr(0, end);
    if (line_.size() > line_bytes_max) state_ = State::broken;
    if (end == std::string_view::npos || state_ == State::broken) return bytes.size();
    if (line_.ends_with('\r')) line_.pop_back();
    act_on(line_);
    line_.clear();
    return end + 1;
}

void AnswerReader::act_on(std::string_view line) {
    if (state_ == State::status_line) {
        if (!line.starts_with("HTTP/1.") || line.size() < 12) {
            state_ = State::broken;
            return;
        }
        status_ = 0;
        std::from_chars(line.data() + 9, line.data() + 12, status_);
        body_ = Body::none;
        remaining_ = 0;
        closes_ = false;
        state_ = State::fields;
    } else if (state_ == State::fields) {
        if (line.empty()) {
            end_of_head();
        } else {
            read_field(line);
        }
    } else if (state_ == State::chunk_size) {
        const auto [end, ec] = std::from_chars(line.data(), line.data() + line.size(), remaining_, 16);
        state_ = ec != std::errc{} ? State::broken : remaining_ == 0 ? State::trailers : State::chunk;
    } else if (state_ == State::chunk_end) {
        state_ = line.empty() ? State::chunk_size : State::broken;
    } else if (state_ == State::trailers && line.empty()) {
        state_ = State::done;
    }
}

void AnswerReader::read_field(std::string_view line) {
    if (begins_with_name(line, "content-length")) {
        const auto text = value_of(line);
        std::from_chars(text.data(), text.data() + text.size(), remaining_);
        body_ = Body::fixed;
    } else if (begins_with_name(line, "transfer-encoding")) {
        body_ = Body::chunked;
    } else if (begins_with_name(line, "connection")) {
        closes_ = value_of(line) == "close";
    }
}

void AnswerReader::end_of_head() {
    if (status_ == 100) {
        state_ = State::status_line;
    } else if (status_ == 204 || status_ == 304) {
        state_ = State::done;
    } else if (body_ == Body::chunked) {
        state_ = State::chunk_size;
    } else {
        state_ = remaining_ == 0 ? State::done : State::fixed;
    }
}

}  // namespace tidings::load
