#pragma once
// The kinds of runs. Each blocks and returns what run() does.

#include "load/run.hpp"

namespace tidings::load {

Result<Report> run_fanout(const Plan& plan, const Control& control);
Result<Report> run_idle(const Plan& plan, const Control& control);
Result<Report> run_connect(const Plan& plan, const Control& control);
Result<Report> run_publish(const Plan& plan, const Control& control);
Result<Report> run_resume(const Plan& plan, const Control& control);
Result<Report> run_storm(const Plan& plan, const Control& control);
Result<Report> run_churn(const Plan& plan, const Control& control);
Result<Report> run_targeted(const Plan& plan, const Control& control);
Result<Report> run_echo(const Plan& plan, const Control& control);
Result<Report> run_listen(const Plan& plan, const Control& control);

}  // namespace tidings::load
