#include <tidings/sse_event_handler.hpp>

#include "event/failure_text.hpp"

#include <boost/core/demangle.hpp>

#include <exception>
#include <utility>
#include <variant>

namespace tidings {

SseEventHandler::SseEventHandler(const Registry& registry, PublishFunction publish, LogSink log)
    : registry_{registry}, publish_{std::move(publish)}, log_{std::move(log)} {}

void SseEventHandler::handle(std::string_view name, std::string_view data) noexcept {
    ++handled_;
    try {
        finish(name, registry_.map_named(name, data));
    } catch (...) {
        fail(name);
    }
}

void SseEventHandler::handle_object(std::type_index type, const void* event) noexcept {
    ++handled_;
    // Checked first, so that the many domain events which nobody maps cost one look-up.
    if (!registry_.has_mapping_for(type)) {
        ++unmapped_;
        return;
    }
    try {
        const std::string name = boost::core::demangle(type.name());
        try {
            finish(name, registry_.map_typed(type, event));
        } catch (...) {
            fail(name);
        }
    } catch (...) {  // no memory for the name
        fail(type.name());
    }
}

void SseEventHandler::finish(std::string_view name, const Result<Mapped>& mapped) {
    if (!mapped) return fail(name, name_of(mapped.error().code), mapped.error().detail);
    if (const auto* skipped = std::get_if<Skipped>(&*mapped)) {
        ++(*skipped == Skipped::no_user ? no_user_ : unmapped_);
        return;
    }
    const auto& draft = std::get<EventDraft>(*mapped);
    publish_(draft);
    ++published_;
    if (log_) {
        log_(LogLevel::debug, "published a domain event",
             {{"domain_event", std::string{name}},
              {"type", draft.type},
              {"audience", draft.audience.text()},
              {"domain_event_id", draft.idempotency_key}});
    }
}

void SseEventHandler::fail(std::string_view name) noexcept {
    try {
        const FailureText text = failure_text(std::current_exception());
        fail(name, text.type, text.message);
    } catch (...) {  // no memory left to say so
        ++failed_;
    }
}

void SseEventHandler::fail(std::string_view name, std::string_view error_type,
                           std::string_view error) noexcept {
    ++failed_;
    if (!log_) return;
    try {
        log_(LogLevel::error, "a domain event was not published (fail-open)",
             {{"domain_event", std::string{name}},
              {"error_type", std::string{error_type}},
              {"error", std::string{error}}});
    } catch (...) {  // a log that fails has nobody to tell; the counter has it
    }
}

std::vector<std::string> SseEventHandler::mapped_event_types() const {
    std::vector<std::string> names;
    for (const auto& mapping : registry_.mappings()) names.push_back(mapping.name);
    return names;
}

SseEventHandler::Counters SseEventHandler::counters() const noexcept {
    return {handled_, published_, unmapped_, no_user_, failed_};
}

std::size_t wire(EventBus& bus, SseEventHandler& handler) {
    const auto types = handler.mapped_types();
    for (const auto type : types) {
        bus.subscribe(
            type, [&handler, type](const void* event) { handler.handle_object(type, event); },
            "SseEventHandler");
    }
    return types.size();
}

std::size_t wire_named(EventBus& bus, SseEventHandler& handler) {
    const auto names = handler.mapped_event_types();
    for (const auto& name : names) {
        bus.subscribe(
            name, [&handler](const DomainEvent& event) { handler.handle(event); }, "SseEventHandler");
    }
    return names.size();
}

}  // namespace tidings
