#include <tidings/event_bus.hpp>

#include "event/failure_text.hpp"

#include <boost/core/demangle.hpp>

namespace tidings {
namespace {

void report(const FailureSink* sink, std::string_view event_type, std::string_view handler,
            const std::exception_ptr& error) noexcept {
    if (sink == nullptr || !*sink) return;
    try {
        const FailureText text = failure_text(error);
        (*sink)({event_type, handler, text.type, text.message});
    } catch (...) {  // a sink that fails has nobody to tell
    }
}

}  // namespace

EventBus::EventBus(FailureSink on_failure, Executor executor)
    : on_failure_{std::make_shared<const FailureSink>(std::move(on_failure))},
      executor_{std::move(executor)} {}

void EventBus::subscribe(std::type_index type, std::function<void(const void*)> handler, std::string name) {
    by_type_[type].push_back(std::make_shared<const Handler>(
        Handler{boost::core::demangle(type.name()), std::move(name), std::move(handler)}));
    ++subscriptions_;
}

void EventBus::subscribe(std::string_view event_name, std::function<void(const DomainEvent&)> handler,
                         std::string name) {
    auto call = [handler = std::move(handler)](const void* event) {
        handler(*static_cast<const DomainEvent*>(event));
    };
    by_name_[std::string{event_name}].push_back(
        std::make_shared<const Handler>(Handler{std::string{event_name}, std::move(name), std::move(call)}));
    ++subscriptions_;
}

void EventBus::publish(const DomainEvent& event) const noexcept {
    dispatch(std::type_index{typeid(DomainEvent)}, &event, nullptr);
    const auto found = by_name_.find(event.name);
    if (found == by_name_.end()) return;
    if (!executor_) return run(found->second, &event, nullptr);
    try {
        const auto copy = std::make_shared<const DomainEvent>(event);  // shared by the handlers' tasks
        run(found->second, copy.get(), copy);
    } catch (...) {
        report(on_failure_.get(), event.name, "EventBus::publish", std::current_exception());
    }
}

void EventBus::dispatch(std::type_index type, const void* event,
                        const std::shared_ptr<const void>& owner) const noexcept {
    if (const auto found = by_type_.find(type); found != by_type_.end()) run(found->second, event, owner);
}

void EventBus::run(const Handlers& handlers, const void* event,
                   const std::shared_ptr<const void>& owner) const noexcept {
    for (const auto& handler : handlers) {
        auto guarded = [handler, event, owner, sink = on_failure_] {
            try {
                handler->call(event);
            } catch (...) {
                report(sink.get(), handler->event_type, handler->name, std::current_exception());
            }
        };
        if (!executor_ || owner == nullptr) {
            guarded();
            continue;
        }
        try {
            executor_(std::move(guarded));
        } catch (...) {  // the executor is full or gone; the other handlers still get their turn
            report(on_failure_.get(), handler->event_type, handler->name, std::current_exception());
        }
    }
}

void EventBus::report_uncopied(std::type_index type, const std::exception_ptr& error) const noexcept {
    for (const auto& handler : by_type_.at(type)) {
        report(on_failure_.get(), handler->event_type, handler->name, error);
    }
}

}  // namespace tidings
