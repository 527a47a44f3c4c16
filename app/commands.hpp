#pragma once
// The commands. Each takes its options and returns an exit code.

#include "command_line.hpp"
#include "terminal.hpp"

#include <tidings/event.hpp>

namespace tidings {
struct HttpResponse;
}

namespace tidings::app {

int serve(const ServeOptions& options, Terminal& terminal);
int publish(const PublishOptions& options, Terminal& terminal);
int emit(const EmitOptions& options, Terminal& terminal);
int subscribe(const SubscribeOptions& options, Terminal& terminal);
int bench(const BenchOptions& options, Terminal& terminal);
int token(const TokenOptions& options, Terminal& terminal);
int registry(const RegistryOptions& options, Terminal& terminal);
int config(const ConfigOptions& options, Terminal& terminal);

Timestamp now();

}  // namespace tidings::app
