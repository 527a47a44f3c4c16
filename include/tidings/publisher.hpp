#pragma once
// What publishes events: any type with these operations.

#include <tidings/event.hpp>

#include <functional>

namespace tidings {

// Structural typing: any type with these operations is a publisher. None of them blocks or throws (P-8): a
// publisher bounds, counts and logs what it could not deliver.
template <class P>
concept Publisher = requires(P publisher, const EventDraft& draft, const UserId& user) {
    { publisher.publish(draft) } noexcept;                // to draft.audience
    { publisher.publish_to_user(user, draft) } noexcept;  // to one user, whatever draft.audience says
    { publisher.broadcast(draft) } noexcept;              // to everybody
};

// A publisher's publish(), type-erased. It may throw where an embedder's own function does; who calls it
// guards.
using PublishFunction = std::function<void(const EventDraft&)>;

// Borrows the publisher, which outlives the function.
template <Publisher P>
PublishFunction publish_function(P& publisher) {
    return [&publisher](const EventDraft& draft) { static_cast<void>(publisher.publish(draft)); };
}

}  // namespace tidings
