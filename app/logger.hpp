#pragma once
// Log lines as text or JSON. spdlog is behind logger.cpp.

#include <tidings/config.hpp>
#include <tidings/log.hpp>

#include <iosfwd>
#include <memory>
#include <string>

namespace tidings::app {

// Writes to one stream, which outlives it. sink() and set() may be used from any thread; a sink keeps what it
// needs alive. A line holds one record whatever its text holds: control characters are escaped.
class Logger {
public:
    explicit Logger(std::ostream& out);
    ~Logger();
    Logger(const Logger&) = delete;
    Logger& operator=(const Logger&) = delete;

    // Takes effect with the next line.
    void set(const LogConfig& config);
    LogSink sink() const;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;  // shared with the sinks
};

}  // namespace tidings::app
