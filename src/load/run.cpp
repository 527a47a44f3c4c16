#include "load/run.hpp"

#include "load/modes.hpp"

#include <sys/resource.h>

#include <algorithm>

namespace tidings::load {
namespace {

constexpr std::size_t descriptors_kept = 64;  // for everything but streams

}  // namespace

std::size_t connections_allowed() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
        ::getrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur > descriptors_kept ? limit.rlim_cur - descriptors_kept : 0;
}

Result<Report> run(const Plan& plan, const Control& control) {
    const std::size_t allowed = connections_allowed();
    const std::size_t wanted = plan.streams + plan.publish.connections;
    if (wanted > allowed && plan.mode != Mode::connect && plan.mode != Mode::publish) {
        return Error{Errc::overloaded,
                     std::to_string(plan.streams) + " streams need more descriptors than " +
                         std::to_string(allowed + descriptors_kept) + " (ulimit -n); at most " +
                         std::to_string(allowed - std::min(allowed, plan.publish.connections)) +
                         " streams are possible here"};
    }
    switch (plan.mode) {
        case Mode::fanout: return run_fanout(plan, control);
        case Mode::idle: return run_idle(plan, control);
        case Mode::connect: return run_connect(plan, control);
        case Mode::publish: return run_publish(plan, control);
        case Mode::resume: return run_resume(plan, control);
        case Mode::storm: return run_storm(plan, control);
        case Mode::churn: return run_churn(plan, control);
        case Mode::targeted: return run_targeted(plan, control);
        case Mode::echo: return run_echo(plan, control);
        case Mode::listen: return run_listen(plan, control);
    }
    return Errc::internal;
}

}  // namespace tidings::load
