#include "hub_call.hpp"

#include <istream>
#include <ostream>
#include <random>

namespace tidings::app {
namespace {

constexpr std::size_t line_bytes_max = 1024 * 1024;
constexpr std::size_t refusals_shown_max = 20;
constexpr std::size_t progress_step = 100;

}  // namespace

Result<HubCall> HubCall::open(const HubAccess& hub) {
    auto url = Url::parse(hub.url);
    if (!url) return url.error();
    return HubCall{std::move(*url), hub.token};
}

HubCall::HubCall(Url url, std::string token)
    : client_{std::make_unique<HttpClient>(std::move(url))}, token_{std::move(token)} {}

Result<HttpResponse> HubCall::post(std::string_view path, std::string body) {
    HttpRequest request;
    request.target = client_->url().base + std::string{path};
    request.body = std::move(body);
    request.repeatable = Repeatable::yes;
    request.fields = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
    if (!token_.empty()) request.fields.emplace_back("Authorization", "Bearer " + token_);
    return client_->send(request);
}

int exit_code_of(const Error& error) {
    if (error.code == Errc::timed_out) return exit_timed_out;
    return error.code == Errc::connection_failed ? exit_unreachable : exit_failed;
}

int exit_code_of(unsigned status) {
    if (status >= 200 && status < 300) return exit_done;
    return status == 401 || status == 403 ? exit_refused : exit_failed;
}

std::string random_key() {
    constexpr std::string_view hex = "0123456789abcdef";
    std::random_device device;
    std::string key;
    for (int word = 0; word < 4; ++word) {
        for (unsigned bits = device(), digit = 0; digit < 8; ++digit, bits >>= 4) key += hex[bits & 15];
    }
    return key;
}

std::optional<LineReader::Line> LineReader::next() {
    while (in_.good()) {
        Line line{++number_, "", Line::Fit::whole};
        std::streambuf& buffer = *in_.rdbuf();
        int character = buffer.sbumpc();
        for (; character != std::char_traits<char>::eof() && character != '\n'; character = buffer.sbumpc()) {
            if (line.text.size() < line_bytes_max) {
                line.text += static_cast<char>(character);
            } else {
                line.fit = Line::Fit::too_long;
            }
        }
        if (character == std::char_traits<char>::eof()) in_.setstate(std::ios::eofbit);
        if (line.text.ends_with('\r')) line.text.pop_back();
        if (line.text.find_first_not_of(" \t") != std::string::npos) return line;
    }
    return std::nullopt;
}

bool LineReader::more_at_hand() { return in_.good() && in_.rdbuf()->in_avail() > 0; }

void Tally::sent(std::size_t lines) {
    const std::size_t before = sent_;
    sent_ += lines;
    if (before / progress_step != sent_ / progress_step) progress();
}

void Tally::refused(std::size_t line, unsigned status, std::string_view why) {
    ++refused_;
    if (status == 401 || status == 403) ++forbidden_;
    if (shown_ == refusals_shown_max) {
        clear();
        terminal_.err << "more lines were refused; only the first " << refusals_shown_max << " are shown\n";
        ++shown_;
    }
    if (shown_ > refusals_shown_max) return;
    ++shown_;
    clear();
    terminal_.err << "line " << line << ": ";
    if (status != 0) terminal_.err << status << " ";
    terminal_.err << why << "\n";
}

int Tally::finish() {
    clear();
    terminal_.err << sent_ << " sent, " << refused_ << " refused\n";
    if (refused_ == 0) return exit_done;
    return refused_ == forbidden_ ? exit_refused : exit_failed;
}

void Tally::progress() {
    if (!terminal_.err_is_terminal) return;
    terminal_.err << "\r" << sent_ << " sent, " << refused_ << " refused" << std::flush;
    progress_stands_ = true;
}

void Tally::clear() {
    if (std::exchange(progress_stands_, false)) terminal_.err << "\r\x1b[K";
}

}  // namespace tidings::app
