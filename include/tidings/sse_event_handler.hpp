#pragma once
// The bridge from domain events to live events: maps by the registry, hands on to a publisher, never
// disturbs.

#include <tidings/event_bus.hpp>
#include <tidings/log.hpp>
#include <tidings/publisher.hpp>
#include <tidings/registry.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <typeindex>
#include <vector>

namespace tidings {

// Maps a domain event inline (microseconds) and hands the draft to a publisher that does not block, so that
// the business operation neither waits nor fails (P-8): whatever goes wrong is counted and logged once as
// "fail-open". Owned by the embedder; borrows registry and publisher, which outlive it. handle() may be
// called from any thread.
class SseEventHandler {
public:
    struct Counters {
        std::uint64_t handled = 0;    // all that came
        std::uint64_t published = 0;  // handed to the publisher
        std::uint64_t unmapped = 0;   // no mapping: ordinary
        std::uint64_t no_user = 0;    // nobody to tell: ordinary
        std::uint64_t failed = 0;     // extraction or publishing failed
    };

    SseEventHandler(const Registry& registry, PublishFunction publish, LogSink log = {});
    template <Publisher P>
    SseEventHandler(const Registry& registry, P& publisher, LogSink log = {})
        : SseEventHandler{registry, publish_function(publisher), std::move(log)} {}
    SseEventHandler(const SseEventHandler&) = delete;
    SseEventHandler& operator=(const SseEventHandler&) = delete;

    // A C++ domain event, by exact (dynamic) type. Returns when the draft was handed over.
    template <class E>
    void handle(const E& event) noexcept {
        const auto [type, address] = exact_object(event);
        handle_object(type, address);
    }
    // A domain event by name with its data as JSON text.
    void handle(std::string_view name, std::string_view data) noexcept;
    void handle(const DomainEvent& event) noexcept { handle(event.name, event.data); }
    // `event` points to a whole object of exactly that type.
    void handle_object(std::type_index type, const void* event) noexcept;

    template <class E>
    bool has_mapping_for() const noexcept {
        return registry_.has_mapping_for(std::type_index{typeid(E)});
    }
    bool has_mapping_for(std::type_index type) const noexcept { return registry_.has_mapping_for(type); }
    bool has_mapping_for(std::string_view name) const noexcept {
        return registry_.mapping_of(name) != nullptr;
    }
    // The names of the mapped domain events, in the registry's order.
    std::vector<std::string> mapped_event_types() const;
    // The mapped C++ types, in the order in which they were mapped.
    std::vector<std::type_index> mapped_types() const { return registry_.mapped_types(); }

    Counters counters() const noexcept;

private:
    void finish(std::string_view name, const Result<Mapped>& mapped);
    void fail(std::string_view name, std::string_view error_type, std::string_view error) noexcept;
    void fail(std::string_view name) noexcept;  // with the exception being handled

    const Registry& registry_;
    PublishFunction publish_;
    LogSink log_;
    std::atomic<std::uint64_t> handled_{0}, published_{0}, unmapped_{0}, no_user_{0}, failed_{0};
};

// Subscribes the handler to exactly the mapped C++ types and returns how many those are. The handler outlives
// the bus and what its executor still has to run.
std::size_t wire(EventBus& bus, SseEventHandler& handler);
// The same for DomainEvents, by the names that the registry maps.
std::size_t wire_named(EventBus& bus, SseEventHandler& handler);

}  // namespace tidings
