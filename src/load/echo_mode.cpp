#include "load/modes.hpp"
#include "load/session.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace tidings::load {

// One message after another to a server that sends it back, over one connection.
Result<Report> run_echo(const Plan& plan, const Control& control) {
    const auto to = address_of(plan.to);
    if (!to) return to.error();
    const auto socket = connect_now(*to);
    if (!socket) return socket.error();
    Report report;
    report.mode = plan.mode;
    report.has_server = !plan.pids.empty();
    const std::string message(std::max<std::size_t>(plan.event_bytes, 1), 'x');
    std::string answer(message.size(), '\0');
    const auto stopped = [&] { return control.stop != nullptr && control.stop->load(); };
    report.before = usage_now(plan.pids);
    const auto start = monotonic_ns(), end = start + static_cast<std::int64_t>(plan.seconds * 1e9);
    OpenLoop schedule{plan.rate > 0 ? plan.rate : 1000, start, end};
    for (std::int64_t now = start; now < end && !stopped(); now = monotonic_ns()) {
        std::int64_t due = 0;
        if (!schedule.take(now, due)) continue;
        if (::send(socket->number(), message.data(), message.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(message.size())) {
            return Error{Errc::connection_failed, "the echo does not read"};
        }
        for (std::size_t got = 0; got < message.size() && !stopped();) {
            const auto more = ::recv(socket->number(), answer.data(), answer.size(), 0);
            if (more == 0 || (more < 0 && errno != EAGAIN))
                return Error{Errc::connection_failed, "the echo has closed"};
            if (more > 0) got += static_cast<std::size_t>(more);
        }
        report.latency.record(monotonic_ns() - due);
        ++report.reads;
    }
    report.after = usage_now(plan.pids);
    report.seconds = static_cast<double>(report.after.wall - report.before.wall) / 1e9;
    return report;
}

}  // namespace tidings::load
