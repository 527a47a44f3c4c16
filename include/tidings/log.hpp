#pragma once
// Where log lines go. The library writes nowhere itself; an embedder passes a sink.

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

namespace tidings {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

struct LogField {
    std::string_view name;
    std::string value;
};

// Called from any thread; must not block for long nor throw. An empty sink is silence.
using LogSink =
    std::function<void(LogLevel level, std::string_view text, std::initializer_list<LogField> fields)>;

}  // namespace tidings
