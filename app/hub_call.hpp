#pragma once
// What publish and emit share: one kept connection to a hub, lines of standard input, and what is said of
// failures.

#include "command_line.hpp"
#include "terminal.hpp"

#include "client/http_client.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidings::app {

// POSTs to one hub as one bearer. Owned by its command, on the main thread.
class HubCall {
public:
    // Fails with Errc::invalid_field.
    static Result<HubCall> open(const HubAccess& hub);
    // Every body carries idempotency keys, so it may be repeated on a fresh connection.
    Result<HttpResponse> post(std::string_view path, std::string body);

private:
    HubCall(Url url, std::string token);
    std::unique_ptr<HttpClient> client_;
    std::string token_;
};

// The exit code of a failed call, of an HTTP status.
int exit_code_of(const Error& error);
int exit_code_of(unsigned status);
// 32 random hexadecimal digits.
std::string random_key();

// Lines of NDJSON: at most 1 MiB each, blank ones passed over. Borrows the stream.
class LineReader {
public:
    struct Line {
        std::size_t number = 0;  // from 1
        std::string text;
        enum class Fit : std::uint8_t { whole, too_long } fit = Fit::whole;
    };

    explicit LineReader(std::istream& in) : in_{in} {}
    std::optional<Line> next();
    // Whether another line could be read without waiting, as far as the stream knows.
    bool more_at_hand();

private:
    std::istream& in_;
    std::size_t number_ = 0;
};

// Counts what became of each line; shows progress on a terminal and the first refusals everywhere.
class Tally {
public:
    explicit Tally(Terminal& terminal) : terminal_{terminal} {}

    void sent(std::size_t lines = 1);
    void refused(std::size_t line, unsigned status, std::string_view why);
    // The last line, on standard error, and the exit code of the whole.
    int finish();

private:
    void progress();
    void clear();

    Terminal& terminal_;
    std::size_t sent_ = 0;
    std::size_t refused_ = 0;
    std::size_t forbidden_ = 0;  // of the refused: 401 or 403
    std::size_t shown_ = 0;
    bool progress_stands_ = false;
};

}  // namespace tidings::app
