#include "logger.hpp"

#include "base/json.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ostream_sink.h>

#include <atomic>

namespace tidings::app {
namespace {

spdlog::level::level_enum level_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug: return spdlog::level::debug;
        case LogLevel::info: return spdlog::level::info;
        case LogLevel::warning: return spdlog::level::warn;
        case LogLevel::error: break;
    }
    return spdlog::level::err;
}

std::string_view name_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug: return "debug";
        case LogLevel::info: return "info";
        case LogLevel::warning: return "warning";
        case LogLevel::error: break;
    }
    return "error";
}

// As it is where that is plain, else as a JSON string, so that nobody can write a line of ours.
std::string plain_or_quoted(std::string_view text, std::string_view ends) {
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        if (byte < 0x20 || byte == 0x7f || ends.find(character) != std::string_view::npos)
            return quoted(text);
    }
    return text.empty() ? "\"\"" : std::string{text};
}

std::string text_line(LogLevel level, std::string_view text, std::initializer_list<LogField> fields) {
    std::string line{name_of(level)};
    line.append(8 - line.size(), ' ');
    line += plain_or_quoted(text, "");
    for (const LogField& field : fields) {
        line.append(" ").append(field.name).append("=").append(plain_or_quoted(field.value, " \"="));
    }
    return line;
}

std::string json_rest(LogLevel level, std::string_view text, std::initializer_list<LogField> fields) {
    std::string line = "\"level\":" + quoted(name_of(level)) + ",\"message\":" + quoted(text);
    for (const LogField& field : fields) line += "," + quoted(field.name) + ":" + quoted(field.value);
    return line;
}

std::unique_ptr<spdlog::formatter> formatter(const std::string& pattern) {
    return std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc);
}

}  // namespace

struct Logger::Impl {
    explicit Impl(std::ostream& out)
        : log{"tidings", std::make_shared<spdlog::sinks::ostream_sink_mt>(out, true)} {
        log.set_level(spdlog::level::debug);
    }

    spdlog::logger log;
    std::atomic<LogLevel> level{LogLevel::info};
    std::atomic<LogFormat> format{LogFormat::text};
};

Logger::Logger(std::ostream& out) : impl_{std::make_shared<Impl>(out)} { set({}); }

Logger::~Logger() = default;

void Logger::set(const LogConfig& config) {
    impl_->level = config.level;
    impl_->format = config.format;
    impl_->log.set_formatter(formatter(config.format == LogFormat::json
                                           ? "{\"time\":\"%Y-%m-%dT%H:%M:%S.%eZ\",%v}"
                                           : "%Y-%m-%dT%H:%M:%S.%eZ %v"));
}

LogSink Logger::sink() const {
    return [impl = impl_](LogLevel level, std::string_view text, std::initializer_list<LogField> fields) {
        if (level < impl->level.load()) return;
        const std::string line = impl->format.load() == LogFormat::json ? json_rest(level, text, fields)
                                                                        : text_line(level, text, fields);
        impl->log.log(level_of(level), spdlog::string_view_t{line.data(), line.size()});
    };
}

}  // namespace tidings::app
