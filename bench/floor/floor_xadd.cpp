// What appending to a log on Redis costs at least: bare XADD, pipelined.
//   floor_xadd --port N [--count 200000] [--pipeline 32] [--bytes 200] [--maxlen 0] [--pid N]
// Prints {"events":…,"seconds":…,"events_per_second":…,"server_cpu_us_per_event":…}.
#include "floor_server.hpp"

#include "load/poller.hpp"
#include "load/usage.hpp"

namespace {

using tidings::floor::option;

std::string bulk(const std::string& text) {
    return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

std::string xadd(std::size_t bytes, std::size_t maxlen) {
    std::vector<std::string> words{"XADD", "floor:log"};
    if (maxlen > 0) words.insert(words.end(), {"MAXLEN", "~", std::to_string(maxlen)});
    words.insert(words.end(), {"*", "data", std::string(bytes, 'x')});
    std::string command = "*" + std::to_string(words.size()) + "\r\n";
    for (const auto& word : words) command += bulk(word);
    return command;
}

// Reads until `lines` line ends have come. Each answer is two lines: a length, and an id without line ends in
// it.
bool read_lines(int socket, std::size_t lines) {
    std::array<char, 65'536> buffer{};
    while (lines > 0) {
        const auto got = ::recv(socket, buffer.data(), buffer.size(), 0);
        if (got <= 0 || buffer[0] == '-') return false;
        const auto ends = std::count(buffer.begin(), buffer.begin() + got, '\n');
        lines -= std::min(lines, static_cast<std::size_t>(ends));
    }
    return true;
}

bool write_all(int socket, std::string_view text) {
    while (!text.empty()) {
        const auto sent = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    const std::size_t count = option(argc, argv, "--count", 200'000);
    const std::size_t pipeline = std::max<std::size_t>(option(argc, argv, "--pipeline", 32), 1);
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(option(argc, argv, "--port", 6379)));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        std::perror("floor_xadd");
        return 1;
    }
    const std::string one = xadd(option(argc, argv, "--bytes", 200), option(argc, argv, "--maxlen", 0));
    std::vector<int> pids;
    if (const auto pid = option(argc, argv, "--pid", 0)) pids.push_back(static_cast<int>(pid));
    const auto before = tidings::load::usage_now(pids);
    for (std::size_t sent = 0; sent < count;) {
        const std::size_t now = std::min(pipeline, count - sent);
        std::string commands;
        for (std::size_t i = 0; i < now; ++i) commands += one;
        if (!write_all(socket, commands) || !read_lines(socket, 2 * now)) {
            std::fputs("floor_xadd: Redis refused or closed\n", stderr);
            return 1;
        }
        sent += now;
    }
    const auto after = tidings::load::usage_now(pids);
    const double seconds = static_cast<double>(after.wall - before.wall) / 1e9;
    std::printf(
        "{\"events\":%zu,\"seconds\":%.6f,\"events_per_second\":%.1f,\"server_cpu_us_per_event\":%.4f}\n",
        count, seconds, static_cast<double>(count) / seconds,
        static_cast<double>(after.server - before.server) / 1e3 / static_cast<double>(count));
    return 0;
}
