#pragma once
// From the public options of the Redis clients to the store that they share with hubs.

#include "broker/redis_store.hpp"

#include <tidings/config.hpp>
#include <tidings/log.hpp>
#include <tidings/registry.hpp>

#include <memory>

namespace tidings {

// The store's options, with the system's clock and randomness. Fails with Errc::invalid_field: the URL is not
// one of Redis, or a setting makes no sense; the detail never holds a password.
Result<RedisStoreOptions> redis_options(const StoreConfig& config, std::shared_ptr<const Registry> registry,
                                        const LogSink& log);

// Never throws: what an embedder's sink throws must not end a thread.
void log_line(const LogSink& sink, LogLevel level, std::string_view text,
              std::initializer_list<LogField> fields) noexcept;

}  // namespace tidings
