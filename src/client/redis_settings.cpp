#include "client/redis_settings.hpp"

#include <openssl/rand.h>

#include <utility>

namespace tidings {
namespace {

std::uint64_t random_number() {
    std::uint64_t number = 0;
    RAND_bytes(reinterpret_cast<unsigned char*>(&number), sizeof number);
    return number;
}

}  // namespace

Result<RedisStoreOptions> redis_options(const StoreConfig& config, std::shared_ptr<const Registry> registry,
                                        const LogSink& log) {
    auto url = redis::RedisUrl::parse(config.url);
    if (!url) return url.error();
    const bool plain = config.prefix.find_first_of(" \t\r\n") == std::string::npos;
    if (config.prefix.empty() || !plain) {
        return Error{Errc::invalid_field, "the prefix of names on Redis is a word, for example 'sse'"};
    }
    RedisStoreOptions options;
    options.url = *std::move(url);
    options.store = config;
    options.random = random_number;
    options.registry = [registry = std::move(registry)] { return registry; };
    options.log = log;
    options.open_wait =
        std::chrono::milliseconds{250};  // on a thread of the client's own, which has to end too
    return options;
}

void log_line(const LogSink& sink, LogLevel level, std::string_view text,
              std::initializer_list<LogField> fields) noexcept {
    try {
        if (sink) sink(level, text, fields);
    } catch (...) {
        return;
    }
}

}  // namespace tidings
