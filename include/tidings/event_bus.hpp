#pragma once
// An in-process bus of domain events, for applications that have none.

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeindex>
#include <typeinfo>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tidings {

// A domain event without a C++ type: its name and its data as JSON text.
struct DomainEvent {
    std::string name;
    std::string data = "{}";
};

// A handler that threw. The views live as long as the call of the sink.
struct HandlerFailure {
    std::string_view event_type;  // the C++ type, or the name of a DomainEvent
    std::string_view handler;
    std::string_view error_type;
    std::string_view message;
};

// Called on the thread of the handler that failed, perhaps several at once; what it throws is swallowed.
using FailureSink = std::function<void(const HandlerFailure&)>;

// Runs a task now or later, on any thread. The default runs it at once.
using Executor = std::function<void(std::function<void()>)>;

// The type and address of the whole object behind a reference, also where E is a polymorphic base.
template <class E>
std::pair<std::type_index, const void*> exact_object(const E& event) noexcept {
    if constexpr (std::is_polymorphic_v<E>) {
        return {std::type_index{typeid(event)}, dynamic_cast<const void*>(&event)};
    } else {
        return {std::type_index{typeid(E)}, static_cast<const void*>(&event)};
    }
}

// Routes an event to the handlers of exactly its dynamic type; bases do not count, no handler is no error, a
// handler that was subscribed twice is called twice. A handler that throws is reported once and stops neither
// the others nor the publisher. Owned by the embedder. Subscribe before the first publish, from one thread;
// then publish from any number of threads, also from within handlers: a publish keeps no state in the bus.
class EventBus {
public:
    explicit EventBus(FailureSink on_failure = {}, Executor executor = {});

    // `handler(const E&)`. `name` stands in failure reports.
    template <class E, class Handler>
    void subscribe(Handler handler, std::string name = "handler") {
        subscribe(
            std::type_index{typeid(E)},
            [handler = std::move(handler)](const void* event) { handler(*static_cast<const E*>(event)); },
            std::move(name));
    }
    // The same, type-erased: `handler` is given the address of an object of exactly that type.
    void subscribe(std::type_index type, std::function<void(const void*)> handler,
                   std::string name = "handler");
    // The DomainEvents of one name.
    void subscribe(std::string_view event_name, std::function<void(const DomainEvent&)> handler,
                   std::string name = "handler");

    // Hands the event to each handler through the executor. With the default executor the handlers have run
    // when this returns. With another they get a copy; an event that cannot be copied whole (a base reference
    // to a derived object, no copy constructor) is handled at once instead: publish a shared_ptr of it to
    // avoid that. Never throws.
    template <class E>
    void publish(const E& event) const noexcept {
        const auto [type, address] = exact_object(event);
        if constexpr (std::is_copy_constructible_v<E>) {
            if (executor_ && type == std::type_index{typeid(E)} && subscribed(type)) {
                try {
                    const auto copy = std::make_shared<const E>(event);  // shared by the handlers' tasks
                    dispatch(type, exact_object(*copy).second, copy);
                } catch (...) {
                    report_uncopied(type, std::current_exception());
                }
                return;
            }
        }
        dispatch(type, address, nullptr);
    }
    // Shared, because the handlers' tasks may outlive the caller.
    template <class E>
    void publish(const std::shared_ptr<E>& event) const noexcept {
        if (!event) return;
        const auto [type, address] = exact_object(*event);
        dispatch(type, address, std::shared_ptr<const void>{event, address});
    }
    void publish(const DomainEvent& event) const noexcept;

    bool subscribed(std::type_index type) const noexcept { return by_type_.contains(type); }
    std::size_t subscriptions() const noexcept { return subscriptions_; }

private:
    struct Handler {
        std::string event_type;
        std::string name;
        std::function<void(const void*)> call;
    };
    // Shared: a task on the executor may outlive the bus.
    using Handlers = std::vector<std::shared_ptr<const Handler>>;

    void dispatch(std::type_index type, const void* event,
                  const std::shared_ptr<const void>& owner) const noexcept;
    void run(const Handlers& handlers, const void* event,
             const std::shared_ptr<const void>& owner) const noexcept;
    void report_uncopied(std::type_index type, const std::exception_ptr& error) const noexcept;

    std::shared_ptr<const FailureSink> on_failure_;  // shared: as Handlers
    Executor executor_;
    std::unordered_map<std::type_index, Handlers> by_type_;
    std::unordered_map<std::string, Handlers> by_name_;
    std::size_t subscriptions_ = 0;
};

}  // namespace tidings
